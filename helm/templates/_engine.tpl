{{- /* The engine's pod, which StatefulSet and LeaderWorkerSet share. Flags that models/flags.py gives have its values. */ -}}

{{- define "preceptor.engine.gpusPerPod" -}}
{{- $p := .Values.engine.parallel -}}
{{- $world := mul $p.tensor $p.pipeline $p.data -}}
{{- if ne 0 (mod $world (int $p.nodes)) -}}
{{- fail (printf "engine.parallel: tensor x pipeline x data = %d GPUs cannot be shared by %d nodes" $world (int $p.nodes)) -}}
{{- end -}}
{{- div $world (int $p.nodes) -}}
{{- end -}}

{{- define "preceptor.engine.graceSeconds" -}}
{{- add .Values.engine.preStopSeconds .Values.engine.drainSeconds 30 -}}
{{- end -}}

{{- define "preceptor.engine.model" -}}
{{- with .Values.engine.weights -}}
{{- if eq .kind "objectStore" -}}{{ .uri }}{{- else -}}/models/{{ .path }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "preceptor.engine.args" -}}
{{- $engine := .Values.engine -}}
{{- $p := $engine.parallel -}}
- {{ include "preceptor.engine.model" . | quote }}
- --served-model-name={{ $engine.servedModelName }}
- --host=0.0.0.0
- --port={{ int $engine.port }}
- --max-model-len={{ int $engine.maxModelLen }}
- --max-num-seqs={{ int $engine.maxNumSeqs }}
- --max-num-batched-tokens={{ int $engine.maxNumBatchedTokens }}
- --gpu-memory-utilization={{ $engine.gpuMemoryUtilization }}
- --enable-prefix-caching
- --enable-prompt-tokens-details
- --enable-request-id-headers
{{- if .Values.gateway.settings.engine_priorities }}
- --scheduling-policy=priority
{{- end }}
- '--structured-outputs-config={"backend":"guidance","disable_any_whitespace":true}'
- --enable-auto-tool-choice
- --tool-call-parser=hermes
- --disable-uvicorn-access-log
- --shutdown-timeout={{ int $engine.drainSeconds }}
{{- if eq $engine.weights.kind "objectStore" }}
- --load-format=runai_streamer
{{- end }}
{{- range $flag, $size := dict "tensor" $p.tensor "pipeline" $p.pipeline "data" $p.data }}
{{- if gt (int $size) 1 }}
- --{{ $flag }}-parallel-size={{ int $size }}
{{- end }}
{{- end }}
{{- if $p.expert }}
- --enable-expert-parallel
{{- end }}
{{- with $engine.otlpTracesEndpoint }}
- --otlp-traces-endpoint={{ . }}
{{- end }}
{{- range $engine.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "preceptor.engine.env" -}}
{{- $engine := .Values.engine -}}
- {name: VLLM_NO_USAGE_STATS, value: "1"}
- {name: VLLM_ENFORCE_STRICT_TOOL_CALLING, value: "0"}
# Nothing is fetched by name, whatever a flag says: weights come from the volume or the store.
- {name: HF_HUB_OFFLINE, value: "1"}
# The root file system is read-only and the user has no entry in the image: caches of compiled kernels need a place and a name.
- {name: HOME, value: /cache}
- {name: LOGNAME, value: engine}
{{- with $engine.apiKey }}
{{- if .enabled }}
- name: VLLM_API_KEY
  valueFrom:
    secretKeyRef: {name: {{ .secretName }}, key: {{ .secretKey }}}
{{- end }}
{{- end }}
{{- with $engine.weights.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
- {name: RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING, value: "0"}
- {name: AWS_EC2_METADATA_DISABLED, value: "true"}
{{- end }}
{{- with $engine.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "preceptor.engine.probes" -}}
{{- $period := 10 -}}
startupProbe:
  # Weights of 60 GB at 100 MB/s take ten minutes; compilation and graph capture come on top.
  httpGet: {path: /health, port: http}
  periodSeconds: {{ $period }}
  timeoutSeconds: 5
  failureThreshold: {{ div .Values.engine.startupSeconds $period }}
livenessProbe:
  # Fails at once where the engine's core is dead; a slow answer under load is forgiven for a minute.
  httpGet: {path: /health, port: http}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /health, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}

{{- /* Pod template; .root is the chart's scope, .args what this role adds, .api whether it serves HTTP. */ -}}
{{- define "preceptor.engine.pod" -}}
{{- $root := .root -}}
{{- $engine := .root.Values.engine -}}
metadata:
  labels:
    # The selector alone: a new version of the chart must not make engines load their weights again.
    {{- include "preceptor.engine.selector" $root | nindent 4 }}
  {{- with $engine.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "preceptor.engine" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "preceptor.placement" $engine | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  # The gateway sees the pod go while preStop sleeps; then SIGTERM, and vLLM ends what runs within its --shutdown-timeout.
  terminationGracePeriodSeconds: {{ include "preceptor.engine.graceSeconds" $root }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    # Weights are many files: their owner is changed once and not at every start.
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- if eq 1 (int $engine.parallel.nodes) }}
  topologySpreadConstraints:
    {{- include "preceptor.spread" (dict "root" $root "component" "engine") | trim | nindent 4 }}
  {{- end }}
  containers:
    - name: engine
      image: "{{ $engine.image.repository }}:{{ $engine.image.tag }}"
      imagePullPolicy: {{ $engine.image.pullPolicy }}
      command: [vllm, serve]
      args:
        {{- include "preceptor.engine.args" $root | nindent 8 }}
        {{- range .args }}
        - {{ . }}
        {{- end }}
      env:
        {{- include "preceptor.engine.env" $root | nindent 8 }}
      {{- with $engine.weights.credentialsSecret }}
      envFrom:
        - secretRef: {name: {{ . }}}
      {{- end }}
      {{- if .api }}
      ports:
        - {name: http, containerPort: {{ int $engine.port }}, protocol: TCP}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources:
        requests:
          {{- toYaml $engine.resources.requests | nindent 10 }}
        limits:
          {{- toYaml $engine.resources.limits | nindent 10 }}
          {{ $engine.gpuResource }}: {{ include "preceptor.engine.gpusPerPod" $root }}
      lifecycle:
        preStop:
          sleep: {seconds: {{ int $engine.preStopSeconds }}}
      {{- if .api }}
      {{- include "preceptor.engine.probes" $root | nindent 6 }}
      {{- end }}
      volumeMounts:
        - {name: shm, mountPath: /dev/shm}
        - {name: tmp, mountPath: /tmp}
        - {name: cache, mountPath: /cache}
        {{- if eq $engine.weights.kind "claim" }}
        - {name: weights, mountPath: /models, readOnly: true}
        {{- end }}
  volumes:
    # Tensor-parallel workers exchange through shared memory; a container's own is 64 MiB.
    - name: shm
      emptyDir: {medium: Memory, sizeLimit: {{ $engine.sharedMemory }}}
    - name: tmp
      emptyDir: {sizeLimit: 8Gi}
    - name: cache
      emptyDir: {sizeLimit: 16Gi}
    {{- if eq $engine.weights.kind "claim" }}
    - name: weights
      persistentVolumeClaim:
        claimName: {{ $engine.weights.existingClaim | default (printf "%s-weights" (include "preceptor.engine" $root)) }}
        readOnly: true
    {{- end }}
{{- end -}}

{{- /* What several templates must agree on about the gateway. */ -}}

{{- /* One named URL for each engine: the gateway itself keeps a conversation on the engine that holds its prefix. */ -}}
{{- define "preceptor.gateway.engineUrls" -}}
{{- $engine := include "preceptor.engine" . -}}
{{- $urls := list -}}
{{- if .Values.engine.enabled -}}
{{- range until (int .Values.engine.replicas) -}}
{{- $urls = append $urls (printf "engine-%d=http://%s-%d.%s.%s.svc:%d" . $engine . $engine $.Release.Namespace (int $.Values.engine.port)) -}}
{{- end -}}
{{- else -}}
{{- $urls = .Values.gateway.engineUrls -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}

{{- /* A setting as an environment variable has it: numbers without an exponent, lists by commas, tables as JSON. */ -}}
{{- define "preceptor.gateway.setting" -}}
{{- if kindIs "string" . -}}{{ . }}
{{- else if kindIs "slice" . -}}{{ join "," . }}
{{- else -}}{{ toJson . }}
{{- end -}}
{{- end -}}

{{- /* How many of a setting each gateway has, of those there are for each engine: together no more than engines can use. */ -}}
{{- define "preceptor.gateway.share" -}}
{{- $gateway := .root.Values.gateway -}}
{{- $engines := len (splitList "," (include "preceptor.gateway.engineUrls" .root)) -}}
{{- $gateways := ternary $gateway.replicas $gateway.autoscaling.maxReplicas (eq $gateway.autoscaling.kind "none") -}}
{{- get $gateway.settings .setting | default (ceil (divf (mul .perEngine $engines) $gateways)) | int -}}
{{- end -}}

{{- define "preceptor.gateway.maxInFlight" -}}
{{- include "preceptor.gateway.share" (dict "root" . "setting" "max_in_flight" "perEngine" 48) -}}
{{- end -}}

{{- define "preceptor.gateway.maxQueued" -}}
{{- if hasKey .Values.gateway.settings "max_queued" -}}{{ int .Values.gateway.settings.max_queued }}
{{- else -}}{{ include "preceptor.gateway.share" (dict "root" . "setting" "max_queued" "perEngine" 16) }}
{{- end -}}
{{- end -}}

{{- /* What a pod should have in flight and queued before another is started. */ -}}
{{- define "preceptor.gateway.inFlightPerPod" -}}
{{- .Values.gateway.autoscaling.inFlightPerPod | default (max 1 (div (mul 3 (include "preceptor.gateway.maxInFlight" .)) 4)) | int -}}
{{- end -}}

{{- define "preceptor.gateway.queuedPerPod" -}}
{{- .Values.gateway.autoscaling.queuedPerPod | default (max 1 (div (include "preceptor.gateway.maxQueued" .) 2)) | int -}}
{{- end -}}

{{- /* Seconds from the order to stop until the kill: preStop, then the drain, then room to close. */ -}}
{{- define "preceptor.gateway.graceSeconds" -}}
{{- add .Values.gateway.preStopSeconds .Values.gateway.settings.drain_s 15 -}}
{{- end -}}

{{- define "preceptor.gateway.scaleDown" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Percent, value: 100, periodSeconds: 30}
scaleDown:
  # A pod that goes drains for minutes; one after another, and only after a calm.
  stabilizationWindowSeconds: 300
  policies:
    - {type: Pods, value: 1, periodSeconds: 120}
{{- end -}}

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

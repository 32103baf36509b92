{{- /* Names and labels. A selector never holds anything that an upgrade changes. */ -}}

{{- define "preceptor.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "preceptor.gateway" -}}{{ include "preceptor.fullname" . }}-gateway{{- end -}}

{{- define "preceptor.engine" -}}{{ include "preceptor.fullname" . }}-engine{{- end -}}

{{- define "preceptor.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "preceptor.labels" -}}
{{ include "preceptor.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "preceptor.gateway.labels" -}}{{ include "preceptor.labels" (dict "root" . "component" "gateway") }}{{- end -}}
{{- define "preceptor.gateway.selector" -}}{{ include "preceptor.selector" (dict "root" . "component" "gateway") }}{{- end -}}
{{- define "preceptor.engine.labels" -}}{{ include "preceptor.labels" (dict "root" . "component" "engine") }}{{- end -}}
{{- define "preceptor.engine.selector" -}}{{ include "preceptor.selector" (dict "root" . "component" "engine") }}{{- end -}}

{{- /* Spread over zones and nodes where there are several; a small cluster still gets every pod. */ -}}
{{- define "preceptor.spread" -}}
{{- $component := .component -}}
{{- $root := .root -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "preceptor.selector" (dict "root" $root "component" $component) | nindent 6 }}
{{- end }}
{{- end -}}

{{- /* Where a pod may run: priority class, node selector, tolerations. */ -}}
{{- define "preceptor.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

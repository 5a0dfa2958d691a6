{{- define "tracepoint-exporter.name" -}}
{{- if contains "tracepoint-exporter" .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-tracepoint-exporter" .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tracepoint-exporter.selector" -}}
app.kubernetes.io/name: tracepoint-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tracepoint-exporter.labels" -}}
{{ include "tracepoint-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "tracepoint-exporter.files" -}}
{{- range .Values.configurations }}
{{- $text := $.Files.Get (printf "config/%s.yaml" .) }}
{{- if not $text }}{{ fail (printf "configurations: the chart has no config/%s.yaml" .) }}{{ end }}
{{ . }}.yaml: |
{{ $text | indent 2 }}
{{- end }}
{{- range $name, $content := .Values.extraConfigurations }}
{{ $name }}.yaml: |
{{ (kindIs "string" $content | ternary $content (toYaml $content)) | indent 2 }}
{{- end }}
{{- end -}}

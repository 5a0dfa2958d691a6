{{- define "tracepoint-exporter.name" -}}
{{- $base := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains $base .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $base | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tracepoint-exporter.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "tracepoint-exporter.name" .) "default") -}}
{{- end -}}

{{- define "tracepoint-exporter.configMap" -}}
{{- .Values.existingConfigMap | default (include "tracepoint-exporter.name" .) -}}
{{- end -}}

{{- define "tracepoint-exporter.selector" -}}
app.kubernetes.io/name: tracepoint-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The version that runs: the image's tag as far as a label can hold it. */ -}}
{{- define "tracepoint-exporter.version" -}}
{{- regexReplaceAll "[^A-Za-z0-9_.-]" (.Values.image.tag | default .Chart.AppVersion) "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{- define "tracepoint-exporter.labels" -}}
{{ include "tracepoint-exporter.selector" . }}
app.kubernetes.io/version: {{ include "tracepoint-exporter.version" . | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* metadata of an object: (list ROOT NAMESPACE LABELS ANNOTATIONS). */ -}}
{{- define "tracepoint-exporter.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "tracepoint-exporter.name" $root }}
namespace: {{ index . 1 | default $root.Release.Namespace }}
labels:
  {{- include "tracepoint-exporter.labels" $root | nindent 2 }}
  {{- with index . 2 }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (deepCopy $root.Values.commonAnnotations) (index . 3) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* An image by registry, repository and digest or tag: (list IMAGE DEFAULT-TAG). */ -}}
{{- define "tracepoint-exporter.image" -}}
{{- $image := index . 0 -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default (index . 1) }}{{ end -}}
{{- end -}}

{{- /* The keys of the ConfigMap: a key has no slash. */ -}}
{{- define "tracepoint-exporter.files" -}}
{{- $names := dict -}}
{{- range .Values.configurations }}
{{- $text := $.Files.Get (printf "config/%s.yaml" .) }}
{{- if not $text }}{{ fail (printf "configurations: the chart has no config/%s.yaml" .) }}{{ end }}
{{- $key := replace "/" "-" . }}
{{- $_ := set $names $key "" }}
{{ $key }}.yaml: |
{{ $text | indent 2 }}
{{- end }}
{{- range $name, $content := .Values.extraConfigurations }}
{{- if hasKey $names $name }}{{ fail (printf "extraConfigurations: %s is the name of one of `configurations`" $name) }}{{ end }}
{{ $name }}.yaml: |
{{ (kindIs "string" $content | ternary $content (toYaml $content)) | indent 2 }}
{{- end }}
{{- end -}}

{{- define "tracepoint-exporter.podNames" -}}
{{- $enabled := .Values.podNames.enabled | toString -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (has "kubernetes" .Values.configurations) (not .Values.existingConfigMap)) }}yes{{ end -}}
{{- end -}}

{{- define "tracepoint-exporter.securityContext" -}}
# User 0, because tracefs is readable for that user alone and Kubernetes gives capabilities to no other. Of root's
# capabilities only these: BPF loads programs, PERFMON attaches them.
runAsUser: 0
runAsGroup: 0
privileged: false
# Kubernetes refuses `false` together with SYS_ADMIN.
allowPrivilegeEscalation: {{ .Values.capabilities.sysAdmin }}
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  add:
    - BPF
    - PERFMON
    {{- if .Values.capabilities.sysAdmin }}
    - SYS_ADMIN
    {{- end }}
    {{- if .Values.capabilities.sysResource }}
    - SYS_RESOURCE
    {{- end }}
    {{- if .Values.capabilities.syslog }}
    - SYSLOG
    {{- end }}
seccompProfile:
  {{- toYaml .Values.seccompProfile | nindent 2 }}
{{- with .Values.appArmorProfile }}
appArmorProfile:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "tracepoint-exporter.mounts" -}}
- name: config
  mountPath: /etc/tracepoint_exporter/conf.d
  readOnly: true
- name: tracefs
  mountPath: /sys/kernel/tracing
  readOnly: true
{{- if .Values.continuity.enabled }}
- name: bpf
  mountPath: /sys/fs/bpf
{{- end }}
- name: cgroup
  mountPath: /sys/fs/cgroup
  readOnly: true
{{- if include "tracepoint-exporter.podNames" . }}
- name: pods
  mountPath: /var/log/pods
  readOnly: true
- name: containers
  mountPath: /var/log/containers
  readOnly: true
{{- end }}
{{- if .Values.web.existingSecret }}
- name: web
  mountPath: /etc/tracepoint_exporter/web
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* A probe: (list ROOT PATH SETTINGS). */ -}}
{{- define "tracepoint-exporter.probe" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.probes.type "tcp" -}}
tcpSocket: {port: metrics}
{{- else if $root.Values.web.tls -}}
httpGet: {path: {{ index . 1 }}, port: metrics, scheme: HTTPS}
{{- else -}}
httpGet: {path: {{ index . 1 }}, port: metrics}
{{- end }}
{{ toYaml (index . 2) }}
{{- end -}}

{{- /* spec of a PodMonitor and a ServiceMonitor alike: (list ROOT SETTINGS KEY-OF-ENDPOINTS). */ -}}
{{- define "tracepoint-exporter.monitor" -}}
{{- $root := index . 0 -}}
{{- $monitor := index . 1 -}}
selector:
  matchLabels:
    {{- include "tracepoint-exporter.selector" $root | nindent 4 }}
{{- if $monitor.namespace }}
namespaceSelector:
  matchNames: [{{ $root.Release.Namespace }}]
{{- end }}
{{- range $limit := list "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
{{- with index $monitor $limit }}
{{ $limit }}: {{ int . }}
{{- end }}
{{- end }}
{{- with $monitor.scrapeProtocols }}
scrapeProtocols:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ index . 2 }}:
  - port: metrics
    path: /metrics
    interval: {{ $monitor.interval }}
    scrapeTimeout: {{ $monitor.scrapeTimeout }}
    {{- $scheme := $monitor.scheme | default ($root.Values.web.tls | ternary "https" "") }}
    {{- with $scheme }}
    scheme: {{ . }}
    {{- end }}
    {{- with $monitor.tlsConfig }}
    tlsConfig:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $monitor.basicAuth }}
    basicAuth:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if $monitor.honorLabels }}
    honorLabels: true
    {{- end }}
    relabelings:
      # The job that rules and dashboards know, and the node in place of the pod's address.
      - targetLabel: job
        replacement: tracepoint_exporter
      - sourceLabels: [__meta_kubernetes_pod_node_name]
        targetLabel: instance
      {{- with $monitor.relabelings }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $monitor.metricRelabelings }}
    metricRelabelings:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}

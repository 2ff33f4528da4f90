{{- define "hapair.labels" -}}
{{ include "hapair.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "hapair.selectorLabels" -}}
app.kubernetes.io/name: hapair-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hapair.image" -}}
{{- with .Values.image }}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{/* The operator's ServiceAccount, as the subject of a binding. */}}
{{- define "hapair.subject" -}}
kind: ServiceAccount
name: hapair-operator
namespace: {{ .Release.Namespace }}
{{- end }}

{{/* What the operator does with its own kinds: never a spec of anyone. */}}
{{- define "hapair.kindRules" -}}
- apiGroups: [hapair.dev]
  resources: [hapairs, replicatedvolumes, floatingips, servicegroups]
  verbs: [get, list, watch, patch]
- apiGroups: [hapair.dev]
  resources: [hapairs/status, replicatedvolumes/status, floatingips/status, servicegroups/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "cairn.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "cairn.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cairn.labels" -}}
{{ include "cairn.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* "true" where the database is PostgreSQL */ -}}
{{- define "cairn.postgres" -}}
{{- if or .Values.database.url .Values.database.existingSecret }}true{{ end }}
{{- end }}

{{- /* "true" where something lies on the volume */ -}}
{{- define "cairn.volume" -}}
{{- if not (and (include "cairn.postgres" .) .Values.artifacts) }}true{{ end }}
{{- end }}

{{- define "cairn.databaseSecret" -}}
{{- .Values.database.existingSecret | default (printf "%s-database" (include "cairn.name" .)) }}
{{- end }}

{{- define "cairn.tokenSecret" -}}
{{- .Values.existingAdminTokenSecret | default (printf "%s-admin" (include "cairn.name" .)) }}
{{- end }}

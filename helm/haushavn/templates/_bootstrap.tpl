{{/* The roles that migrations/bootstrap/01_roles.sql makes; scripts/charts compares the two. */}}
{{- define "haushavn.roles" -}}
user_svc user_relay user_migrate deal_svc deal_relay deal_migrate task_svc task_relay task_migrate audit_maint auditor audit_sealer
{{- end -}}

{{- define "haushavn.bootstrapKeys" -}}
- superuser-password
{{- range splitList " " (include "haushavn.roles" . | trim) }}
- {{ . | replace "_" "-" }}-password
{{- end }}
{{- end -}}

{{- define "haushavn.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/part-of: {{ include "haushavn-lib.prefix" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

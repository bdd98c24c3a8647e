{{- define "workflow-worker.facts" -}}
uses: [rabbitmq, temporal]
calls: [user-service, deal-service, task-service]
calledBy: [gateway]
sdkMetrics: true
secretKeys: [service-key, rabbitmq-password]
{{- end -}}

{{- define "workflow-worker.env" -}}
{{ include "haushavn-lib.rabbitmqEnv" . }}
- name: HAUSHAVN_USER_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "user-service") }}
- name: HAUSHAVN_DEAL_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "deal-service") }}
- name: HAUSHAVN_TASK_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "task-service") }}
{{- with .Values.global.temporal }}
- name: HAUSHAVN_TEMPORAL_URL
  value: {{ printf "%s://%s:%d" .scheme .host (int .port) }}
- name: HAUSHAVN_TEMPORAL_NAMESPACE
  value: {{ .namespace | quote }}
{{- with .uiUrl }}
- name: HAUSHAVN_TEMPORAL_UI_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}
- name: HAUSHAVN_TEMPORAL_METRICS_LISTEN
  value: {{ printf "%s:9091" .Values.global.bindAddress | quote }}
{{- end -}}

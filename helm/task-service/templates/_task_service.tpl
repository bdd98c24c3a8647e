{{- define "task-service.facts" -}}
uses: [postgresql, rabbitmq]
calls: [user-service, deal-service]
calledBy: [gateway, deal-service, workflow-worker]
secretKeys:
  - service-key
  - database-password
  - relay-database-password
  - rabbitmq-password
{{- end -}}

{{- define "task-service.env" -}}
{{ include "haushavn-lib.secretEnv" (list . "DATABASE_PASSWORD" "database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_DATABASE_URL" "task_svc" "DATABASE_PASSWORD") }}
{{ include "haushavn-lib.secretEnv" (list . "RELAY_DATABASE_PASSWORD" "relay-database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_RELAY_DATABASE_URL" "task_relay" "RELAY_DATABASE_PASSWORD") }}
{{ include "haushavn-lib.rabbitmqEnv" . }}
- name: HAUSHAVN_DEAL_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "deal-service") }}
{{- end -}}

{{- define "deal-service.facts" -}}
uses: [postgresql, redis, rabbitmq]
calls: [user-service, task-service]
calledBy: [gateway, task-service, workflow-worker]
secretKeys:
  - service-key
  - database-password
  - relay-database-password
  - auditor-database-password
  - redis-password
  - rabbitmq-password
{{- end -}}

{{- define "deal-service.env" -}}
{{ include "haushavn-lib.secretEnv" (list . "DATABASE_PASSWORD" "database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_DATABASE_URL" "deal_svc" "DATABASE_PASSWORD") }}
{{ include "haushavn-lib.secretEnv" (list . "RELAY_DATABASE_PASSWORD" "relay-database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_RELAY_DATABASE_URL" "deal_relay" "RELAY_DATABASE_PASSWORD") }}
{{ include "haushavn-lib.secretEnv" (list . "AUDITOR_DATABASE_PASSWORD" "auditor-database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_AUDITOR_DATABASE_URL" "auditor" "AUDITOR_DATABASE_PASSWORD") }}
{{ include "haushavn-lib.redisEnv" . }}
{{ include "haushavn-lib.rabbitmqEnv" . }}
- name: HAUSHAVN_TASK_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "task-service") }}
{{- end -}}

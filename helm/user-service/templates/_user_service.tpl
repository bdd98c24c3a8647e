{{- define "user-service.facts" -}}
uses: [postgresql, redis, rabbitmq, smtp]
calls: [user-service]
calledBy: [gateway, user-service, deal-service, task-service, workflow-worker]
secretKeys:
  - service-key
  - database-password
  - relay-database-password
  - redis-password
  - rabbitmq-password
  - password-pepper
  - token-key
  - key-encryption-key
  - smtp-url
{{- end -}}

{{- define "user-service.databaseEnv" -}}
{{ include "haushavn-lib.secretEnv" (list . "DATABASE_PASSWORD" "database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_DATABASE_URL" "user_svc" "DATABASE_PASSWORD") }}
{{ include "haushavn-lib.secretEnv" (list . "HAUSHAVN_KEY_ENCRYPTION_KEY" "key-encryption-key") }}
{{- end -}}

{{- define "user-service.env" -}}
{{ include "user-service.databaseEnv" . }}
{{ include "haushavn-lib.secretEnv" (list . "RELAY_DATABASE_PASSWORD" "relay-database-password") }}
{{ include "haushavn-lib.postgresqlEnv" (list . "HAUSHAVN_RELAY_DATABASE_URL" "user_relay" "RELAY_DATABASE_PASSWORD") }}
{{ include "haushavn-lib.redisEnv" . }}
{{ include "haushavn-lib.rabbitmqEnv" . }}
{{ include "haushavn-lib.secretEnv" (list . "HAUSHAVN_PASSWORD_PEPPER" "password-pepper") }}
{{ include "haushavn-lib.secretEnv" (list . "HAUSHAVN_TOKEN_KEY" "token-key") }}
{{ include "haushavn-lib.secretEnv" (list . "HAUSHAVN_SMTP_URL" "smtp-url") }}
- name: HAUSHAVN_BCRYPT_COST
  value: {{ .Values.bcryptCost | quote }}
- name: HAUSHAVN_MAIL_FROM
  value: {{ required "user-service.mailFrom is needed: the sender of all mail" .Values.mailFrom }}
- name: HAUSHAVN_PUBLIC_URL
  value: {{ .Values.global.publicUrl | quote }}
{{- end -}}

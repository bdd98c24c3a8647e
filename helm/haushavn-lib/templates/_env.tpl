{{/* Settings that every service reads. The names are the programs' own: deploy/env.md. */}}
{{- define "haushavn-lib.commonEnv" -}}
- name: HAUSHAVN_ENV
  value: production
- name: HAUSHAVN_PLAINTEXT
  value: {{ include "haushavn-lib.plaintext" . }}
- name: HAUSHAVN_LISTEN
  value: {{ printf "%s:8080" .Values.global.bindAddress | quote }}
- name: HAUSHAVN_ADMIN_LISTEN
  value: {{ printf "%s:9090" .Values.global.bindAddress | quote }}
# Followed while the program runs: another level needs no restart.
- name: HAUSHAVN_LOG_FILE
  value: /etc/haushavn/log/level
{{- with .Values.global.otlpEndpoint }}
- name: HAUSHAVN_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: HAUSHAVN_JWKS_URL
  value: {{ include "haushavn-lib.url" (list . "user-service") }}/.well-known/jwks.json
- name: HAUSHAVN_JWT_ISSUER
  value: {{ .Values.global.publicUrl | quote }}
- name: HAUSHAVN_JWT_AUDIENCE
  value: haushavn
- name: HAUSHAVN_SERVICE_KEY_FILE
  value: /etc/haushavn/key/service.pem
- name: HAUSHAVN_TRUSTED_SERVICES_DIR
  value: /etc/haushavn/trusted-services
{{- end -}}

{{/* One value from the service's Secret: (list . NAME KEY). */}}
{{- define "haushavn-lib.secretEnv" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ include "haushavn-lib.secret" (index . 0) }}
      key: {{ index . 2 }}
{{- end -}}

{{- define "haushavn-lib.migrationSecretEnv" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ include "haushavn-lib.migrationSecret" (index . 0) }}
      key: {{ index . 2 }}
{{- end -}}

{{/* PostgreSQL as a role: (list . SETTING ROLE VARIABLE). The variable with the password must come before. Kubernetes puts it in. */}}
{{- define "haushavn-lib.postgresqlEnv" -}}
{{- $root := index . 0 -}}
{{- with $root.Values.global.postgresql -}}
- name: {{ index $ 1 }}
  value: {{ printf "postgres://%s:$(%s)@%s:%d/%s?sslmode=%s%s" (index $ 2) (index $ 3) .host (int .port) .database .sslmode (ternary "&sslrootcert=/etc/haushavn/ca/ca.crt" "" (ne "" $root.Values.global.certificateAuthority.configMap)) | quote }}
{{- end -}}
{{- end -}}

{{- define "haushavn-lib.redisEnv" -}}
{{ include "haushavn-lib.secretEnv" (list . "REDIS_PASSWORD" "redis-password") }}
- name: HAUSHAVN_REDIS_URL
{{- with .Values.global.redis }}
  value: {{ printf "redis://%s:$(REDIS_PASSWORD)@%s:%d/%d" $.Chart.Name .host (int .port) (int .database) | quote }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.rabbitmqEnv" -}}
{{ include "haushavn-lib.secretEnv" (list . "RABBITMQ_PASSWORD" "rabbitmq-password") }}
- name: HAUSHAVN_AMQP_URL
{{- with .Values.global.rabbitmq }}
  value: {{ printf "%s://%s:$(RABBITMQ_PASSWORD)@%s:%d/%s" .scheme $.Chart.Name .host (int .port) (.vhost | replace "/" "%2f") | quote }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.certificateAuthorityEnv" -}}
{{- if .Values.global.certificateAuthority.configMap }}
- name: SSL_CERT_FILE
  value: /etc/haushavn/ca/ca.crt
- name: SSL_CERT_DIR
  value: /etc/ssl/certs
{{- end }}
{{- end -}}

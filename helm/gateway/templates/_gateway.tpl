{{- define "gateway.facts" -}}
uses: [redis]
calls: [user-service, deal-service, task-service, workflow-worker]
calledBy: [web]
public: true
secretKeys: [service-key, redis-password]
{{- end -}}

{{- define "gateway.env" -}}
{{ include "haushavn-lib.redisEnv" . }}
- name: HAUSHAVN_USER_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "user-service") }}
- name: HAUSHAVN_DEAL_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "deal-service") }}
- name: HAUSHAVN_TASK_SERVICE_URL
  value: {{ include "haushavn-lib.url" (list . "task-service") }}
- name: HAUSHAVN_WORKER_URL
  value: {{ include "haushavn-lib.url" (list . "workflow-worker") }}
{{- with .Values.corsOrigins }}
- name: HAUSHAVN_CORS_ORIGINS
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: HAUSHAVN_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- end -}}

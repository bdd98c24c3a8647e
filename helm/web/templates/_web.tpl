{{- define "web.facts" -}}
uses: []
calls: [gateway]
calledBy: []
public: true
web: true
secretKeys: [session-key]
{{- end -}}

{{- define "web.env" -}}
- name: HOSTNAME
  value: {{ trimAll "[]" .Values.global.bindAddress | quote }}
- name: PORT
  value: "8080"
- name: HAUSHAVN_GATEWAY_URL
  value: {{ include "haushavn-lib.url" (list . "gateway") }}
- name: HAUSHAVN_PUBLIC_URL
  value: {{ .Values.global.publicUrl | quote }}
{{ include "haushavn-lib.secretEnv" (list . "HAUSHAVN_WEB_SESSION_KEY" "session-key") }}
{{- end -}}

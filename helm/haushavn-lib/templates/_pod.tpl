{{/* Pod Security Standard "restricted". The group owns mounted files, so that the key of the service is readable. */}}
{{- define "haushavn-lib.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
{{- end -}}

{{- define "haushavn-lib.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What a mesh reads from a pod that is a member of it. */}}
{{- define "haushavn-lib.meshLabels" -}}
{{- if eq .Values.global.mesh.kind "istio" }}
sidecar.istio.io/inject: "true"
{{- end }}
{{- end -}}

{{- define "haushavn-lib.meshAnnotations" -}}
{{- if eq .Values.global.mesh.kind "linkerd" }}
linkerd.io/inject: enabled
config.linkerd.io/proxy-enable-native-sidecar: "true"
{{- end }}
{{- end -}}

{{/* A Job ends by itself: a sidecar would not. It speaks to PostgreSQL alone, with TLS of its own. */}}
{{- define "haushavn-lib.jobMeshLabels" -}}
{{- if eq .Values.global.mesh.kind "istio" }}
sidecar.istio.io/inject: "false"
{{- end }}
{{- end -}}

{{- define "haushavn-lib.jobMeshAnnotations" -}}
{{- if eq .Values.global.mesh.kind "linkerd" }}
linkerd.io/inject: disabled
{{- end }}
{{- end -}}

{{- define "haushavn-lib.certificateAuthorityMount" -}}
{{- if .Values.global.certificateAuthority.configMap }}
- name: certificate-authority
  mountPath: /etc/haushavn/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "haushavn-lib.certificateAuthorityVolume" -}}
{{- with .Values.global.certificateAuthority.configMap }}
- name: certificate-authority
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}

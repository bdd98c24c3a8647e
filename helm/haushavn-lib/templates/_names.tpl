{{/* What all names of an installation begin with. Services installed one by one must agree on it. */}}
{{- define "haushavn-lib.prefix" -}}
{{- $alone := and .Chart.IsRoot (ne .Chart.Name "haushavn") -}}
{{- .Values.global.namePrefix | default (ternary "haushavn" .Release.Name $alone) -}}
{{- end -}}

{{- define "haushavn-lib.fullname" -}}
{{- printf "%s-%s" (include "haushavn-lib.prefix" .) .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "haushavn-lib.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Values.global.imageTag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "haushavn-lib.podLabels" . }}
{{- end -}}

{{/* Labels that do not change with a version. part-of is the prefix: network policies find the pods of one installation by it. */}}
{{- define "haushavn-lib.podLabels" -}}
app.kubernetes.io/part-of: {{ include "haushavn-lib.prefix" . }}
{{ include "haushavn-lib.selector" . }}
{{- end -}}

{{- define "haushavn-lib.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "haushavn-lib.image" -}}
{{- $repository := .Values.image.repository | default .Chart.Name -}}
{{- $path := ternary $repository (printf "%s/%s" .Values.global.imageRegistry $repository) (empty .Values.global.imageRegistry) -}}
{{- if .Values.image.digest -}}
{{ $path }}@{{ .Values.image.digest }}
{{- else -}}
{{ $path }}:{{ .Values.image.tag | default .Values.global.imageTag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "haushavn-lib.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "haushavn-lib.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed with serviceAccount.create=false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "haushavn-lib.secret" -}}
{{- .Values.existingSecret | default (include "haushavn-lib.fullname" .) -}}
{{- end -}}

{{- define "haushavn-lib.migrationSecret" -}}
{{- .Values.migration.existingSecret | default (printf "%s-migrate" (include "haushavn-lib.fullname" .)) -}}
{{- end -}}

{{- define "haushavn-lib.trustedServices" -}}
{{- if .Values.global.trustedServices.keys -}}
{{ include "haushavn-lib.fullname" . }}-trusted-services
{{- else -}}
{{ .Values.global.trustedServices.configMap | default (printf "%s-trusted-services" (include "haushavn-lib.prefix" .)) }}
{{- end -}}
{{- end -}}

{{/* The address of another service of the installation: (list . "deal-service"). */}}
{{- define "haushavn-lib.url" -}}
http://{{ include "haushavn-lib.prefix" (index . 0) }}-{{ index . 1 }}:8080
{{- end -}}

{{/* Needs a decision: who encrypts between the services. */}}
{{- define "haushavn-lib.plaintext" -}}
{{- if or (ne .Values.global.mesh.kind "none") (eq .Values.global.plaintext "allowed") -}}
allowed
{{- else -}}
{{- fail "nothing encrypts between the services: set global.mesh.kind to istio or linkerd, or global.plaintext to allowed where the network itself is encrypted (as with WireGuard between the nodes)" -}}
{{- end -}}
{{- end -}}

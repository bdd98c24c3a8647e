{{/* How people reach a service: an Ingress, a route of the Gateway API, a certificate. On the path of its values. */}}
{{- define "haushavn-lib.door" -}}
{{- $name := include "haushavn-lib.fullname" . }}
{{- $host := (urlParse .Values.global.publicUrl).host }}
{{- with .Values.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" $ | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if .tls.enabled }}
  tls:
    - hosts:
        - {{ $host }}
      secretName: {{ .tls.secretName | default (printf "%s-tls" (include "haushavn-lib.prefix" $)) }}
  {{- end }}
  rules:
    - host: {{ $host }}
      http:
        paths:
          - path: {{ $.Values.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ $name }}
                port:
                  name: http
{{- end }}
{{- end }}
{{- with .Values.httpRoute }}
{{- if .enabled }}
{{- if not .parentRefs }}
{{- fail (printf "%s.httpRoute.parentRefs is needed: the Gateway that the route belongs to" $.Chart.Name) }}
{{- end }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" $ | nindent 4 }}
spec:
  parentRefs:
    {{- toYaml .parentRefs | nindent 4 }}
  hostnames:
    - {{ $host }}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: {{ $.Values.path }}
      # The gateway answers or gives up within 30 s; an answer that has begun may take 300 s.
      timeouts:
        request: 330s
      backendRefs:
        - name: {{ $name }}
          port: 8080
          weight: 100
{{- end }}
{{- end }}
{{- with .Values.certificate }}
{{- if .enabled }}
{{- if not .issuerRef }}
{{- fail (printf "%s.certificate.issuerRef is needed: who signs the certificate" $.Chart.Name) }}
{{- end }}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" $ | nindent 4 }}
spec:
  secretName: {{ $.Values.ingress.tls.secretName | default (printf "%s-tls" (include "haushavn-lib.prefix" $)) }}
  dnsNames:
    - {{ $host }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
  issuerRef:
    {{- toYaml .issuerRef | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

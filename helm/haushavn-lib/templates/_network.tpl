{{/* Pods of other services of the installation: (list . NAMES). */}}
{{- define "haushavn-lib.servicePeers" -}}
{{- $root := index . 0 -}}
{{- range index . 1 }}
- podSelector:
    matchLabels:
      app.kubernetes.io/part-of: {{ include "haushavn-lib.prefix" $root }}
      app.kubernetes.io/name: {{ . }}
{{- end }}
{{- end -}}

{{/* One way out: (list PEERS PORT PROTOCOLS). Without peers, anywhere on that port. */}}
{{- define "haushavn-lib.egressRule" -}}
{{- $port := index . 1 -}}
- ports:
    {{- range index . 2 }}
    - port: {{ $port }}
      protocol: {{ . }}
    {{- end }}
  {{- with index . 0 }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Nothing comes in and nothing goes out but what is listed. */}}
{{- define "haushavn-lib.networkPolicyObject" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 }}
{{- if .Values.global.networkPolicy.enabled }}
{{- $global := .Values.global }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "haushavn-lib.selector" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  ingress:
    {{- if $facts.calledBy }}
    - from:
        {{- include "haushavn-lib.servicePeers" (list . $facts.calledBy) | nindent 8 }}
      ports:
        - port: 8080
          protocol: TCP
    {{- end }}
    {{- if $facts.public }}
    - from:
        {{- toYaml $global.networkPolicy.ingressPeers | nindent 8 }}
      ports:
        - port: 8080
          protocol: TCP
    {{- end }}
    {{- if not $facts.web }}
    - from:
        {{- toYaml $global.networkPolicy.monitoringPeers | nindent 8 }}
      ports:
        - port: 9090
          protocol: TCP
        {{- if $facts.sdkMetrics }}
        - port: 9091
          protocol: TCP
        {{- end }}
    {{- end }}
    {{- with .Values.networkPolicy.extraIngress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  egress:
    {{- include "haushavn-lib.egressRule" (list $global.dns.peers 53 (list "UDP" "TCP")) | nindent 4 }}
    - to:
        {{- include "haushavn-lib.servicePeers" (list . $facts.calls) | nindent 8 }}
      ports:
        - port: 8080
          protocol: TCP
    {{- range $facts.uses }}
    {{- $endpoint := index $global . }}
    {{- include "haushavn-lib.egressRule" (list $endpoint.peers (int $endpoint.port) (list "TCP")) | nindent 4 }}
    {{- end }}
    {{- if and $global.otlpEndpoint (not $facts.web) }}
    {{- include "haushavn-lib.egressRule" (list $global.otlp.peers (int $global.otlp.port) (list "TCP")) | nindent 4 }}
    {{- end }}
    {{- with .Values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

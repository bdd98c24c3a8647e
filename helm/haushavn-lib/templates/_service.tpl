{{/*
Everything of a service. What differs is in the service's own chart:
  <chart>.facts  YAML: uses (postgresql, redis, rabbitmq, temporal, smtp), calls, calledBy (services), secretKeys
  <chart>.env    the settings of this service alone
*/}}
{{- define "haushavn-lib.all" -}}
{{- $facts := include (printf "%s.facts" .Chart.Name) . | fromYaml -}}
{{ include "haushavn-lib.serviceAccountObject" . }}
{{ include "haushavn-lib.secretObject" (list . $facts) }}
{{ if not $facts.web }}{{ include "haushavn-lib.trustedServicesObject" . }}{{ end }}
{{ include "haushavn-lib.deployment" (list . $facts) }}
{{ include "haushavn-lib.logObject" (list . $facts) }}
{{ include "haushavn-lib.serviceObject" (list . $facts) }}
{{ include "haushavn-lib.horizontalPodAutoscaler" (list . $facts) }}
{{ include "haushavn-lib.podDisruptionBudget" . }}
{{ include "haushavn-lib.networkPolicyObject" (list . $facts) }}
{{ include "haushavn-lib.serviceMonitor" (list . $facts) }}
{{- end -}}

{{- define "haushavn-lib.serviceAccountObject" -}}
{{- if .Values.serviceAccount.create }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "haushavn-lib.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}

{{- define "haushavn-lib.secretObject" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 -}}
{{- if not .Values.existingSecret -}}
{{- include "haushavn-lib.secretNamed" (dict "root" . "name" (include "haushavn-lib.secret" .) "remote" .Chart.Name "keys" $facts.secretKeys "values" .Values.secrets "at" "secrets" "annotations" dict) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Secret by the mode of the installation: none, an ExternalSecret, or one from values, each key required. */}}
{{- define "haushavn-lib.secretNamed" -}}
{{- $values := .values -}}
{{- $at := .at -}}
{{- $mode := .root.Values.global.secrets.mode -}}
{{- if eq $mode "plain" }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
type: Opaque
stringData:
  {{- range .keys }}
  {{ . }}: {{ required (printf "%s.%s is needed with global.secrets.mode=plain" $at .) (index $values .) | toString | quote }}
  {{- end }}
{{- else if eq $mode "external" }}
{{- with .root.Values.global.secrets.external }}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ $.name }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" $.root | nindent 4 }}
  {{- with $.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  refreshInterval: {{ .refreshInterval }}
  secretStoreRef:
    name: {{ required "global.secrets.external.store.name is needed with global.secrets.mode=external" .store.name }}
    kind: {{ .store.kind }}
  target:
    name: {{ $.name }}
    creationPolicy: Owner
  data:
    {{- range $.keys }}
    - secretKey: {{ . }}
      remoteRef:
        key: {{ $.root.Values.global.secrets.external.keyPrefix }}/{{ $.remote }}
        property: {{ . }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.trustedServicesObject" -}}
{{- if .Values.global.trustedServices.keys }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "haushavn-lib.trustedServices" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
data:
  {{- range $service, $key := .Values.global.trustedServices.keys }}
  {{ $service }}.pem: |
    {{- $key | trim | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.deployment" -}}
{{- $facts := index . 1 -}}
{{- $root := index . 0 -}}
{{- with $root }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  revisionHistoryLimit: 5
  minReadySeconds: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "haushavn-lib.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "haushavn-lib.podLabels" . | nindent 8 }}
        {{- with include "haushavn-lib.meshLabels" . | trim }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .Chart.Name }}
        {{- /* The programs read keys and secrets when they start: a change of what this release renders starts new pods. */}}
        checksum/secrets: {{ printf "%s%s" (.Values.secrets | toJson) (.Values.global.trustedServices.keys | toJson) | sha256sum }}
        {{- with include "haushavn-lib.meshAnnotations" . | trim }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "haushavn-lib.serviceAccount" . }}
      {{- include "haushavn-lib.podSecurity" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
      {{- with include "haushavn-lib.placement" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if .Values.topologySpread.enabled }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: {{ $root.Values.topologySpread.whenUnsatisfiable }}
          matchLabelKeys:
            - pod-template-hash
          labelSelector:
            matchLabels:
              {{- include "haushavn-lib.selector" $root | nindent 14 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ include "haushavn-lib.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          {{- if not $facts.web }}
          args:
            - serve
          {{- end }}
          {{- include "haushavn-lib.containerSecurity" . | nindent 10 }}
          env:
            {{- if not $facts.web }}
            {{- include "haushavn-lib.commonEnv" . | nindent 12 }}
            {{- end }}
            {{- include (printf "%s.env" .Chart.Name) . | trim | nindent 12 }}
            {{- with include "haushavn-lib.certificateAuthorityEnv" . | trim }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: http
              containerPort: 8080
            {{- if not $facts.web }}
            - name: admin
              containerPort: 9090
            {{- end }}
            {{- if $facts.sdkMetrics }}
            - name: sdk-metrics
              containerPort: 9091
            {{- end }}
          {{- /* The web application has one port; its health is its own process'. */}}
          {{- $probed := ternary "http" "admin" (hasKey $facts "web") }}
          startupProbe:
            httpGet:
              path: /healthz
              port: {{ $probed }}
            periodSeconds: 1
            timeoutSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /healthz
              port: {{ $probed }}
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 3
          readinessProbe:
            httpGet:
              path: {{ ternary "/healthz" "/readyz" (hasKey $facts "web") }}
              port: {{ $probed }}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          lifecycle:
            preStop:
              sleep:
                seconds: {{ .Values.preStopSleepSeconds }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            {{- if $facts.web }}
            - name: cache
              mountPath: /app/.next/cache
            {{- else }}
            - name: key
              mountPath: /etc/haushavn/key
              readOnly: true
            - name: trusted-services
              mountPath: /etc/haushavn/trusted-services
              readOnly: true
            - name: log
              mountPath: /etc/haushavn/log
              readOnly: true
            {{- end }}
            {{- with include "haushavn-lib.certificateAuthorityMount" . | trim }}
            {{- . | nindent 12 }}
            {{- end }}
      volumes:
        {{- if $facts.web }}
        - name: cache
          emptyDir:
            sizeLimit: 256Mi
        {{- else }}
        - name: key
          secret:
            secretName: {{ include "haushavn-lib.secret" . }}
            defaultMode: 0440
            items:
              - key: service-key
                path: service.pem
        - name: trusted-services
          configMap:
            name: {{ include "haushavn-lib.trustedServices" . }}
        - name: log
          configMap:
            name: {{ include "haushavn-lib.fullname" . }}-log
        {{- end }}
        {{- with include "haushavn-lib.certificateAuthorityVolume" . | trim }}
        {{- . | nindent 8 }}
        {{- end }}
{{- end }}
{{- end -}}

{{/* What is logged, in a file that the program follows. */}}
{{- define "haushavn-lib.logObject" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 }}
{{- if not $facts.web }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "haushavn-lib.fullname" . }}-log
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
data:
  level: {{ .Values.global.logLevel | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.serviceObject" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector:
    {{- include "haushavn-lib.selector" . | nindent 4 }}
  ports:
    - name: http
      port: 8080
      targetPort: http
      appProtocol: http
    {{- if not $facts.web }}
    - name: admin
      port: 9090
      targetPort: admin
      appProtocol: http
    {{- end }}
    {{- if $facts.sdkMetrics }}
    - name: sdk-metrics
      port: 9091
      targetPort: sdk-metrics
      appProtocol: http
    {{- end }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.horizontalPodAutoscaler" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 }}
{{- if and .Values.autoscaling.enabled (ne (.Values.autoscaling.kind | default "hpa") "keda") }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "haushavn-lib.fullname" . }}
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: ContainerResource
      containerResource:
        name: cpu
        container: {{ .Chart.Name }}
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.targetCPUUtilizationPercentage }}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
        - type: Percent
          value: 100
          periodSeconds: 30
    scaleDown:
      stabilizationWindowSeconds: 300
      policies:
        - type: Pods
          value: 1
          periodSeconds: 60
{{- end }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.podDisruptionBudget" -}}
{{- if .Values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  # A pod that does not work is not kept for the sake of a number.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "haushavn-lib.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "haushavn-lib.serviceMonitor" -}}
{{- $facts := index . 1 -}}
{{- with index . 0 }}
{{- if and .Values.global.monitoring.enabled (not $facts.web) }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "haushavn-lib.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" . | nindent 4 }}
    {{- with .Values.global.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # The programs put the label service on their metrics themselves: honorLabels keeps it.
  selector:
    matchLabels:
      {{- include "haushavn-lib.selector" . | nindent 6 }}
  endpoints:
    - port: admin
      path: /metrics
      interval: {{ .Values.global.monitoring.interval }}
      honorLabels: true
    {{- if $facts.sdkMetrics }}
    - port: sdk-metrics
      path: /metrics
      interval: {{ .Values.global.monitoring.interval }}
      honorLabels: true
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

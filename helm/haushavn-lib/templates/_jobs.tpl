{{/*
Jobs of a service that speak to PostgreSQL alone, in the service's image. They carry labels of their own, so that no
Service and no policy of the serving pods finds them.
*/}}
{{- define "haushavn-lib.jobLabels" -}}
app.kubernetes.io/part-of: {{ include "haushavn-lib.prefix" (index . 0) }}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}-{{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{/* Made before the Job that needs it, and made again by each upgrade. */}}
{{- define "haushavn-lib.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ index . 0 | quote }}
helm.sh/hook-delete-policy: {{ index . 1 }}
{{- end -}}

{{/* (dict "root" . "name" JOB "commands" (list …) "env" YAML): the commands run one after the other. */}}
{{- define "haushavn-lib.jobPod" -}}
{{- $root := .root -}}
{{- $pod := . -}}
metadata:
  labels:
    {{- include "haushavn-lib.jobLabels" (list .root .name) | nindent 4 }}
    {{- with include "haushavn-lib.jobMeshLabels" .root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with include "haushavn-lib.jobMeshAnnotations" .root | trim }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .serviceAccount }}
  {{- include "haushavn-lib.podSecurity" .root | nindent 2 }}
  {{- with include "haushavn-lib.placement" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with initial .commands }}
  initContainers:
    {{- range . }}
    {{- include "haushavn-lib.jobContainer" (dict "root" $root "command" . "env" $pod.env) | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    {{- include "haushavn-lib.jobContainer" (dict "root" $root "command" (last .commands) "env" .env) | nindent 4 }}
  {{- with include "haushavn-lib.certificateAuthorityVolume" .root | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "haushavn-lib.jobContainer" -}}
- name: {{ .command }}
  image: {{ include "haushavn-lib.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args:
    - {{ .command }}
  {{- include "haushavn-lib.containerSecurity" .root | nindent 2 }}
  env:
    - name: HAUSHAVN_ENV
      value: production
    - name: HAUSHAVN_PLAINTEXT
      value: {{ include "haushavn-lib.plaintext" .root }}
    {{- .env | trim | nindent 4 }}
    {{- with include "haushavn-lib.certificateAuthorityEnv" .root | trim }}
    {{- . | nindent 4 }}
    {{- end }}
  resources:
    requests:
      cpu: 50m
      memory: 32Mi
    limits:
      memory: 128Mi
  {{- with include "haushavn-lib.certificateAuthorityMount" .root | trim }}
  volumeMounts:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* A Job as a hook before installs and upgrades: dict as for jobPod, with "weight". */}}
{{- define "haushavn-lib.hookJob" -}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "haushavn-lib.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" .root | nindent 4 }}
  annotations:
    {{- include "haushavn-lib.hook" (list .weight "before-hook-creation,hook-succeeded") | nindent 4 }}
spec:
  # A migration gives up its lock after a second and is tried again.
  backoffLimit: 6
  activeDeadlineSeconds: 900
  template:
    {{- include "haushavn-lib.jobPod" (merge (dict "serviceAccount" (printf "%s-jobs" (include "haushavn-lib.fullname" .root))) .) | nindent 4 }}
{{- end -}}

{{/* (dict as for jobPod, with "schedule"). */}}
{{- define "haushavn-lib.cronJob" -}}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ include "haushavn-lib.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" .root | nindent 4 }}
spec:
  schedule: {{ .schedule | quote }}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 3
      activeDeadlineSeconds: 900
      ttlSecondsAfterFinished: 86400
      template:
        {{- include "haushavn-lib.jobPod" (merge (dict "serviceAccount" (printf "%s-jobs" (include "haushavn-lib.fullname" .root))) .) | nindent 8 }}
{{- end -}}

{{/*
What the Jobs of a service need, made before them: an account that may do nothing at the API server, the Secret of the
migration, and their own network policy (names of the Jobs in "jobs").
*/}}
{{- define "haushavn-lib.jobNeeds" -}}
{{- $root := .root }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "haushavn-lib.fullname" .root }}-jobs
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" .root | nindent 4 }}
  annotations:
    {{- include "haushavn-lib.hook" (list "-40" "before-hook-creation") | nindent 4 }}
automountServiceAccountToken: false
{{- if not .root.Values.migration.existingSecret }}
{{ include "haushavn-lib.secretNamed" (dict "root" .root "name" (include "haushavn-lib.migrationSecret" .root) "remote" (printf "%s-migrate" .root.Chart.Name) "keys" .secretKeys "values" .root.Values.migration.secrets "at" "migration.secrets" "annotations" (include "haushavn-lib.hook" (list "-40" "before-hook-creation") | fromYaml)) }}
{{- end }}
{{- if .root.Values.global.networkPolicy.enabled }}
{{- range .jobs }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "haushavn-lib.fullname" $root }}-{{ . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "haushavn-lib.labels" $root | nindent 4 }}
  annotations:
    {{- include "haushavn-lib.hook" (list "-40" "before-hook-creation") | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "haushavn-lib.jobLabels" (list $root .) | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  egress:
    {{- include "haushavn-lib.egressRule" (list $root.Values.global.dns.peers 53 (list "UDP" "TCP")) | nindent 4 }}
    {{- include "haushavn-lib.egressRule" (list $root.Values.global.postgresql.peers (int $root.Values.global.postgresql.port) (list "TCP")) | nindent 4 }}
{{- end }}
{{- end }}
{{- end -}}

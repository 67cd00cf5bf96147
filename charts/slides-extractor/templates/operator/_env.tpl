{{/* The operator's settings as its environment. */}}
{{- define "slides-extractor.operatorEnv" -}}
{{- $settings := dict
  "ALLOW_PRIVATE_CALLBACKS" .Values.webhooks.allowPrivateCallbacks
  "API_BURST" .Values.operator.apiBurst
  "API_QPS" .Values.operator.apiQps
  "CONFIG_MAP_NAME" .Values.config.name
  "DEBUG" .Values.operator.debug
  "DEBUG_PIPELINE" .Values.runner.debug
  "DOWNLOAD_RETENTION_HOURS" .Values.runner.downloadRetentionHours
  "ENABLE_GPU" .Values.runner.gpu
  "ENVIRONMENT" .Values.operator.environment
  "HEALTH_PORT" .Values.operator.port
  "JOB_HISTORY_SECONDS" .Values.runner.historySeconds
  "JOB_TIMEOUT" .Values.runner.timeoutSeconds
  "LOG_LEVEL" .Values.operator.logLevel
  "PIPELINE_ENTRYPOINT" .Values.runner.entrypoint
  "RUNNER_CLUSTER_ROLE" .Values.rbac.runnerRole
  "RUNNER_EXTRA_ENV" (include "slides-extractor.strings" .Values.runner.extraEnv)
  "RUNNER_IMAGE" (include "slides-extractor.image" (dict "image" .Values.runner.image "root" .))
  "RUNNER_IMAGE_PULL_POLICY" .Values.image.pullPolicy
  "RUNNER_IMAGE_PULL_SECRETS" (join "," .Values.image.pullSecrets)
  "RUNNER_NODE_SELECTOR" (toJson .Values.runner.nodeSelector)
  "RUNNER_RESOURCES" (toJson .Values.runner.resources)
  "RUNNER_SERVICE_ACCOUNT" .Values.runner.serviceAccount.name
  "RUNNER_TOLERATIONS" (toJson .Values.runner.tolerations)
  "SECRET_NAME" .Values.secrets.name
  "WATCH_NAMESPACES" (join "," .Values.watchNamespaces)
  "WEBHOOK_SECRET_NAMES" (join "," .Values.webhooks.secretNames)
  "WORKERS" .Values.operator.workers
  "WORK_VOLUME_SIZE" .Values.runner.workVolumeSize
-}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- range $name, $value := $settings }}
{{- /* The API server drops an empty value: written down, each apply would bring it back. */}}
{{- with include "slides-extractor.string" $value }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.operator.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A value as text. Numbers of values files are floats, which Go prints as 1e+06. */}}
{{- define "slides-extractor.string" -}}
{{- if kindIs "float64" . }}{{ toJson . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}

{{/* A map as JSON, its values as text. */}}
{{- define "slides-extractor.strings" -}}
{{- $strings := dict -}}
{{- range $key, $value := . -}}
{{- $_ := set $strings $key (include "slides-extractor.string" $value) -}}
{{- end -}}
{{- toJson $strings -}}
{{- end }}

{{/* The service's settings as its environment. */}}
{{- define "slides-extractor.serviceEnv" -}}
{{- $settings := dict
  "ALLOW_PRIVATE_ADDRESSES" .Values.service.allowPrivateAddresses
  "API_BURST" .Values.service.apiBurst
  "API_QPS" .Values.service.apiQps
  "APP_NAME" .Values.service.appName
  "CORS_ORIGINS" (join "," .Values.service.corsOrigins)
  "DEBUG" .Values.service.debug
  "ENVIRONMENT" .Values.operator.environment
  "GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS" .Values.service.gracefulShutdownTimeoutSeconds
  "LOG_LEVEL" .Values.service.logLevel
  "MAX_BODY_BYTES" .Values.service.maxBodyBytes
  "MAX_URLS_PER_JOB" .Values.service.maxUrlsPerJob
  "MAX_VIDEOS_PER_REQUEST" .Values.service.maxVideosPerRequest
  "REQUEST_LIMIT" .Values.service.requestLimit
  "SERVICE_HEALTH_PORT" .Values.service.healthPort
  "SERVICE_PORT" .Values.service.port
  "TRUSTED_PROXIES" (join "," .Values.service.trustedProxies)
  "WATCH_NAMESPACES" (join "," .Values.watchNamespaces)
-}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- range $name, $value := $settings }}
{{- /* The API server drops an empty value: written down, each apply would bring it back. */}}
{{- with include "slides-extractor.string" $value }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- /* One by one, so that nothing else of the Secret reaches the service. */}}
{{- range $key := list "API_KEY" "API_PASSWORD" "REDIS_URL" "S3_ACCESS_KEY" "S3_SECRET_KEY" "SECRET_KEY" }}
{{- /* Tickets of one replica are shown to another. */}}
{{- $optional := or (ne $key "SECRET_KEY") (include "slides-extractor.serviceIsAlone" $) }}
- name: {{ $key }}
  valueFrom: {secretKeyRef: {name: {{ include "slides-extractor.serviceSecret" $ }}, key: {{ $key }}, optional: {{ not (not $optional) }}}}
{{- end }}
{{- range $key := list "S3_BUCKET_NAME" "S3_ENDPOINT" "S3_REGION" }}
- name: {{ $key }}
  valueFrom: {configMapKeyRef: {name: {{ $.Values.config.name }}, key: {{ $key }}, optional: true}}
{{- end }}
{{- with .Values.service.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "slides-extractor.serviceSecret" -}}
{{- default .Values.secrets.name .Values.service.secretName -}}
{{- end }}

{{/* The service's container, in whichever pod it runs. */}}
{{- define "slides-extractor.serviceContainer" -}}
name: service
image: {{ include "slides-extractor.image" (dict "image" .Values.operator.image "root" .) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: {{ .Values.service.insecure | ternary (list "serve" "--insecure") (list "serve") | toJson }}
env:
  {{- include "slides-extractor.serviceEnv" . | nindent 2 }}
ports:
  - {name: http, containerPort: {{ .Values.service.port }}, protocol: TCP}
  - {name: http-metrics, containerPort: {{ .Values.service.healthPort }}, protocol: TCP}
lifecycle:
  preStop:
    exec:
      command:
        - python
        - -c
        - |
          {{- .Files.Get "files/drain.py" | nindent 10 }}
        - {{ .Values.service.drainDelaySeconds | quote }}
startupProbe:
  httpGet: {path: /healthz/live, port: http}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /healthz/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /healthz/ready, port: http}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 2
resources:
  {{- toYaml .Values.service.resources | nindent 2 }}
securityContext:
  {{- include "slides-extractor.containerSecurity" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

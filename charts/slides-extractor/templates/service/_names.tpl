{{/* The service's pods: the operator's own, or a Deployment's. */}}
{{- define "slides-extractor.serviceIsSidecar" -}}
{{- if and .Values.service.enabled (eq .Values.service.mode "sidecar") }}true{{ end -}}
{{- end }}

{{- define "slides-extractor.serviceIsDeployment" -}}
{{- if and .Values.service.enabled (eq .Values.service.mode "deployment") }}true{{ end -}}
{{- end }}

{{- define "slides-extractor.serviceName" -}}
{{ include "slides-extractor.fullname" . }}-service
{{- end }}

{{- define "slides-extractor.serviceSelector" -}}
{{- if include "slides-extractor.serviceIsSidecar" . -}}
{{ include "slides-extractor.operatorSelector" . }}
{{- else -}}
{{ include "slides-extractor.selector" . }}
app.kubernetes.io/component: service
{{- end -}}
{{- end }}

{{- define "slides-extractor.serviceServiceAccount" -}}
{{- if include "slides-extractor.serviceIsSidecar" . -}}
{{ include "slides-extractor.operatorServiceAccount" . }}
{{- else -}}
{{- default (include "slides-extractor.serviceName" .) .Values.service.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* Whether there is never more than one replica, but for a rollout. */}}
{{- define "slides-extractor.serviceIsAlone" -}}
{{- $service := .Values.service -}}
{{- $replicas := ternary .Values.operator.replicas $service.replicas (eq $service.mode "sidecar") -}}
{{- if and (eq (int $replicas) 1) (not $service.autoscaling.enabled) }}true{{ end -}}
{{- end }}

{{/* Seconds between a pod's end being decided and SIGKILL: the hook's wait, the drain, and some to
     spare for the hook's own request and for closing what is left. */}}
{{- define "slides-extractor.serviceGrace" -}}
{{- add (int .Values.service.drainDelaySeconds) (int .Values.service.gracefulShutdownTimeoutSeconds) 10 -}}
{{- end }}

{{- define "slides-extractor.serviceRefusals" -}}
{{- with .Values.service -}}
{{- if and .ingress.enabled (not .ingress.host) -}}
{{- fail "service.ingress.enabled is true: name the host in service.ingress.host" -}}
{{- end -}}
{{- if and (not .serviceAccount.create) (not .serviceAccount.name) (eq .mode "deployment") -}}
{{- fail "service.serviceAccount.create is false: name an existing one in service.serviceAccount.name" -}}
{{- end -}}
{{- if and .autoscaling.enabled (eq .mode "sidecar") -}}
{{- fail "service.autoscaling is for service.mode deployment: a sidecar has as many replicas as the operator" -}}
{{- end -}}
{{- if or (eq (int .port) (int .healthPort)) (has (int $.Values.operator.port) (list (int .port) (int .healthPort))) -}}
{{- fail "operator.port, service.port and service.healthPort have to differ: a sidecar shares the operator's pod" -}}
{{- end -}}
{{- if and .insecure (eq $.Values.operator.environment "production") -}}
{{- fail "service.insecure lets everybody in: it is for operator.environment development alone" -}}
{{- end -}}
{{- end -}}
{{- end }}

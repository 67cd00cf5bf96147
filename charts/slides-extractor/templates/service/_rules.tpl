{{/* What the service may do in each namespace that it serves. */}}
{{- define "slides-extractor.serviceRules" -}}
- apiGroups: [slides-extractor.dev]
  resources: [slideextractions]
  # What callers ask for. No status: that is the operator's and the runner's.
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [slides-extractor.dev]
  resources: [slideextractionbatches]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [pods]
  # Whose log to read.
  verbs: [list]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  # What a job's log tells beside the pod's.
  verbs: [list]
{{- end }}

{{/* What it needs to know who a Kubernetes token's holder is, and what he may do. */}}
{{- define "slides-extractor.serviceReviewRules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}

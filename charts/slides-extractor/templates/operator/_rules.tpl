{{/* What the operator may do in each namespace that it serves: what it does, and no more. */}}
{{- define "slides-extractor.operatorRules" -}}
- apiGroups: [slides-extractor.dev]
  resources: [slideextractions]
  # create and patch: children of a batch. delete: their time to live.
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [slides-extractor.dev]
  resources: [slideextractionbatches]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [slides-extractor.dev]
  resources: [slideextractions/status, slideextractionbatches/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [create, delete]
- apiGroups: [""]
  resources: [events]
  # list: why a Job has no pod is said in Events alone.
  verbs: [create, list]
{{- end }}

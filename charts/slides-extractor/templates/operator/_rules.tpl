{{/* What the operator may do in each namespace that it serves: what it does, and no more. */}}
{{- define "slides-extractor.operatorRules" -}}
- apiGroups: [slides-extractor.dev]
  resources: [slideextractions]
  # create and get: a batch's children. delete: when their time to live is over.
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [slides-extractor.dev]
  resources: [slideextractionbatches]
  verbs: [list, watch, delete]
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
  # get: whose one of this name is.
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [events]
  # list: why a Job has no pod is said in Events alone.
  verbs: [create, list]
{{- if and .Values.webhooks.enabled .Values.webhooks.secretNames }}
- apiGroups: [""]
  resources: [secrets]
  # Keys that webhooks are signed with, and nothing else.
  resourceNames: {{ toJson .Values.webhooks.secretNames }}
  verbs: [get]
{{- end }}
{{- end }}

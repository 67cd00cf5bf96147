{{/* Labels of an alert: (list $ "critical"). */}}
{{- define "slides-extractor.alertLabels" -}}
{{- toYaml (merge (dict "severity" (index . 1)) (index . 0).Values.metrics.prometheusRule.alertLabels) -}}
{{- end }}

{{/* Where an alert is explained: (list $ "SlidesOperatorNoLeader"). */}}
{{- define "slides-extractor.runbook" -}}
{{- with (index . 0).Values.metrics.prometheusRule.runbookURL -}}
runbook_url: {{ printf "%s%s" . (index $ 1 | lower) | quote }}
{{- end -}}
{{- end }}

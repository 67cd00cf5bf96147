{{/* Rules that operator, service and runners share. */}}
{{- define "slides-extractor.egressDNS" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{- define "slides-extractor.egressAPIServer" -}}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end }}

{{/* Like the operator's, but for link-local addresses, where metadata services answer. */}}
{{- define "slides-extractor.runnerEgressAPIServer" -}}
{{- if .Values.networkPolicy.apiServer.cidrs -}}
{{ include "slides-extractor.egressAPIServer" . }}
{{- else -}}
{{ include "slides-extractor.egressAPIServer" . }}
  to:
    - ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16, 100.100.100.200/32, 168.63.129.16/32, 192.0.0.192/32]}
    - ipBlock: {cidr: "::/0", except: ["fe80::/10", "fd00:ec2::254/128"]}
{{- end -}}
{{- end }}

{{/* The internet, and what of the cluster's network is allowed by name: an S3 store. */}}
{{- define "slides-extractor.egressOutside" -}}
{{- $runner := .Values.networkPolicy.runner -}}
- to:
    - ipBlock: {cidr: 0.0.0.0/0, except: {{ toJson $runner.closedCIDRs }}}
    - ipBlock: {cidr: "::/0", except: {{ toJson $runner.closedIPv6CIDRs }}}
{{- if or $runner.allowedCIDRs $runner.allowedNamespaces }}
- to:
    {{- range $runner.allowedCIDRs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
    {{- range $runner.allowedNamespaces }}
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ . }}}}
    {{- end }}
{{- end }}
{{- end }}

{{/* Who may call the service. */}}
{{- define "slides-extractor.serviceIngress" -}}
- ports:
    - {protocol: TCP, port: http}
  {{- with .Values.networkPolicy.service.from }}
  from:
    {{- toYaml . | nindent 4 }}
    - podSelector:
        matchLabels:
          {{- include "slides-extractor.selector" $ | nindent 10 }}
          app.kubernetes.io/component: test
  {{- end }}
- ports:
    - {protocol: TCP, port: http-metrics}
  {{- with .Values.networkPolicy.operator.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

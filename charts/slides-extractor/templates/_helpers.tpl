{{/* Name of the chart, at most 63 characters, as labels allow. */}}
{{- define "slides-extractor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Full name of the release. 46 characters leave room for `-operator-metrics`. */}}
{{- define "slides-extractor.fullname" -}}
{{- $name := include "slides-extractor.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end }}

{{/* Full name of objects without a namespace. One release may serve the whole cluster, but each
     team may have one for its own namespaces, and all of them under the same name. */}}
{{- define "slides-extractor.clusterName" -}}
{{- $full := include "slides-extractor.fullname" . -}}
{{- if .Values.watchNamespaces -}}
{{- $full = printf "%s-%s" .Release.Namespace $full -}}
{{- end -}}
{{- $full -}}
{{- end }}

{{- define "slides-extractor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: slides-extractor
{{ include "slides-extractor.selector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels that never change within a release: they select. */}}
{{- define "slides-extractor.selector" -}}
app.kubernetes.io/name: {{ include "slides-extractor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "slides-extractor.operatorSelector" -}}
{{ include "slides-extractor.selector" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels that the operator gives to every Job and pod of its own. */}}
{{- define "slides-extractor.runnerSelector" -}}
app.kubernetes.io/name: slides-runner
app.kubernetes.io/managed-by: slides-operator
{{- end }}

{{- define "slides-extractor.operatorName" -}}
{{ include "slides-extractor.fullname" . }}-operator
{{- end }}

{{- define "slides-extractor.operatorServiceAccount" -}}
{{- default (include "slides-extractor.operatorName" .) .Values.operator.serviceAccount.name -}}
{{- end }}

{{/* Reference of an image: (dict "image" .Values.operator.image "root" .). */}}
{{- define "slides-extractor.image" -}}
{{- $shared := .root.Values.image -}}
{{- $repository := .image.repository -}}
{{- if $shared.registry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" $shared.registry) $repository -}}
{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default $shared.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* JSON list of the namespaces that the chart prepares for runners. */}}
{{- define "slides-extractor.runnerNamespaces" -}}
{{- if .Values.watchNamespaces -}}
{{- uniq .Values.watchNamespaces | toJson -}}
{{- else -}}
{{- uniq (prepend .Values.runner.namespaces .Release.Namespace) | toJson -}}
{{- end -}}
{{- end }}

{{/* What contradicts itself, in words: the schema sees one value at a time. */}}
{{- define "slides-extractor.refusals" -}}
{{- if and .Values.watchNamespaces .Values.runner.namespaces -}}
{{- fail "runner.namespaces is for a release that serves all namespaces: with watchNamespaces leave it empty" -}}
{{- end -}}
{{- if and .Values.config.create (not .Values.config.data) -}}
{{- fail "config.create is true, but config.data is empty: name at least S3_BUCKET_NAME" -}}
{{- end -}}
{{- if and .Values.secrets.create (not .Values.secrets.data) -}}
{{- fail "secrets.create is true, but secrets.data is empty: name at least S3_ACCESS_KEY" -}}
{{- end -}}
{{- if and (not .Values.operator.serviceAccount.create) (not .Values.operator.serviceAccount.name) -}}
{{- fail "operator.serviceAccount.create is false: name an existing one in operator.serviceAccount.name" -}}
{{- end -}}
{{- if .Values.service.enabled -}}
{{- include "slides-extractor.serviceRefusals" . -}}
{{- end -}}
{{- end }}

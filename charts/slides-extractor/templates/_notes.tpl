{{/* What to do next, with the names of this release. */}}
{{- define "slides-extractor.notes" -}}
{{- $namespaces := include "slides-extractor.runnerNamespaces" . | fromJsonArray -}}
{{- $namespace := first $namespaces -}}
{{- $deployment := printf "deployment/%s" (include "slides-extractor.operatorName" .) -}}
Slides Extractor {{ .Chart.AppVersion }} serves {{ ternary (printf "the namespaces %s" (join ", " .Values.watchNamespaces)) "all namespaces" (not (empty .Values.watchNamespaces)) }}.

1. Wait for the operator, and let it be tested:

     kubectl -n {{ .Release.Namespace }} rollout status {{ $deployment }}
     helm -n {{ .Release.Namespace }} test {{ .Release.Name }}
{{ if and .Values.config.create .Values.secrets.create }}
2. Where the slides go is told in every namespace that this release prepares: {{ join ", " $namespaces }}.
   Another namespace needs its own ConfigMap {{ .Values.config.name }} and Secret {{ .Values.secrets.name }}.
{{ else }}
2. Say where the slides go, in each namespace that is to have extractions:
{{ if not .Values.config.create }}
     kubectl -n {{ $namespace }} create configmap {{ .Values.config.name }} \
       --from-literal=S3_ENDPOINT=https://s3.example.com \
       --from-literal=S3_BUCKET_NAME=my-slides
{{- end }}
{{- if not .Values.secrets.create }}
     kubectl -n {{ $namespace }} create secret generic {{ .Values.secrets.name }} \
       --from-literal=S3_ACCESS_KEY=my-access-key \
       --from-literal=S3_SECRET_KEY=my-secret-key
{{- end }}
{{ end }}
3. Extract the slides of a talk:

     kubectl -n {{ $namespace }} apply -f - <<'EOF'
     apiVersion: slides-extractor.dev/v1alpha1
     kind: SlideExtraction
     metadata: {name: my-talk}
     spec:
       source: {url: "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}
     EOF

4. Follow it to its end, and see where its slides are:

     kubectl -n {{ $namespace }} get slx my-talk --watch
     kubectl -n {{ $namespace }} wait slx/my-talk --for=condition=Succeeded --timeout=1h
     kubectl -n {{ $namespace }} get slx my-talk -o jsonpath='{.status.result.manifestURI}{"\n"}'
{{- if .Values.service.enabled }}
{{- include "slides-extractor.serviceNotes" . }}
{{- else }}

Over HTTP, with progress as it happens and a page: --set service.enabled=true (docs/service.md).
{{- end }}

Should it not go on:

     kubectl -n {{ $namespace }} describe slx my-talk
     kubectl -n {{ .Release.Namespace }} logs {{ $deployment }}

All fields: kubectl explain slx.spec --recursive
{{- include "slides-extractor.warnings" . }}
{{- end }}

{{/* What somebody should know who chose these values. */}}
{{- define "slides-extractor.warnings" -}}
{{- if .Values.secrets.create }}

WARNING: the credentials in secrets.data are stored with the release: `helm get values` shows them.
Outside of trials, create the Secret {{ .Values.secrets.name }} yourself and leave secrets.create false.
{{- end }}
{{- if not .Values.admissionPolicy.enabled }}

WARNING: admissionPolicy.enabled is false: a runner's token can write the status of every extraction in
its namespace.
{{- end }}
{{- if not .Values.networkPolicy.enabled }}

WARNING: networkPolicy.enabled is false: runners, which fetch what URLs name, can reach the cluster's network.
{{- else }}

Runners cannot reach private addresses. Is your S3 store in this cluster or its network? Allow it:
  --set networkPolicy.runner.allowedNamespaces={NAMESPACE}   or   --set networkPolicy.runner.allowedCIDRs={CIDR}
{{- if not .Values.networkPolicy.apiServer.cidrs }}
At the ports of the API server they can reach any address but those of metadata services. To leave them the
API server alone:
  kubectl get endpointslices -n default kubernetes
  --set networkPolicy.apiServer.cidrs={ADDRESS/32}
{{- end }}
{{- end }}
{{- if and .Values.service.enabled .Values.service.insecure }}

WARNING: service.insecure is true: whoever reaches the service may do everything that it can.
{{- end }}
{{- if and .Values.service.enabled .Values.service.ingress.enabled (not .Values.service.ingress.tlsSecretName) }}

WARNING: service.ingress has no tlsSecretName: passwords and keys cross the network in the clear.
{{- end }}
{{- if not .Values.crds.keep }}

WARNING: crds.keep is false: `helm uninstall` deletes the CRDs, and with them every extraction in the cluster.
{{- end }}
{{- end }}

{{- define "slides-extractor.serviceNotes" -}}
{{- $secret := include "slides-extractor.serviceSecret" . -}}
{{- $name := include "slides-extractor.fullname" . }}

5. {{ if hasKey .Values.secrets.data "API_PASSWORD" -}}
   Call the service, or open its page:
{{- else -}}
   The service waits for its keys, which lie in this release's namespace:

     kubectl -n {{ .Release.Namespace }} create secret generic {{ $secret }} --dry-run=client -o yaml \
       --from-literal=API_PASSWORD="$(openssl rand -hex 16)" \
       --from-literal=SECRET_KEY="$(openssl rand -hex 32)" | kubectl apply --server-side -f -

   Then call it, or open its page:
{{- end }}
{{ if .Values.service.ingress.enabled }}
     URL={{ ternary "https" "http" (not (empty .Values.service.ingress.tlsSecretName)) }}://{{ .Values.service.ingress.host }}
{{- else }}
     kubectl -n {{ .Release.Namespace }} port-forward service/{{ $name }} 8000:{{ .Values.service.expose.port }} &
     URL=http://localhost:8000
{{- end }}
     PASSWORD=$(kubectl -n {{ .Release.Namespace }} get secret {{ $secret }} -o jsonpath='{.data.API_PASSWORD}' | base64 -d)
     curl -X POST -H "Authorization: Bearer $PASSWORD" $URL/process/youtube/dQw4w9WgXcQ
     curl -N -H "Authorization: Bearer $PASSWORD" $URL/jobs/dQw4w9WgXcQ/stream
     echo $URL/ui
{{- end }}

{{/* Names and labels. What a user or the release gives is quoted wherever it stands alone: YAML takes 123 for a number. */}}

{{/* The longest suffix, -treatment, makes 63 characters of 53: the most that a Service's name may have. It begins with a letter. */}}
{{- define "careloop.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) -}}
{{- if or (gt (len $full) 53) (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $full)) -}}
{{- fail (printf "%q can't begin the names of Services (at most 53 of a-z, 0-9 and -, a letter first): set fullnameOverride" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{/* (root, name) -> the name of each object of a component. */}}
{{- define "careloop.name" -}}
{{- $full := printf "%s-%s" (include "careloop.fullname" .root) .name -}}
{{- if gt (len $full) 63 -}}
{{- fail (printf "%q is longer than 63 characters, the most that a Service's name may have: set fullnameOverride" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "careloop.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "careloop.labels" -}}
{{ include "careloop.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "careloop.metadata" -}}
name: {{ include "careloop.name" . }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "careloop.labels" . | nindent 2 }}
{{- end -}}

{{- define "careloop.image" -}}
{{- $image := .root.Values.image -}}
{{- $own := (.component | default dict).image -}}
{{- if $own }}{{ $own }}{{ else -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}-{{ .name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

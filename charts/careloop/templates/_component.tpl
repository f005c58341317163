{{/* The one merge of defaults and component that every template works on, and what is drawn from it. */}}

{{/* (root, name) -> the component with its defaults, as YAML. Copies: a range value is never changed. */}}
{{- define "careloop.component" -}}
{{- mustMergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.components .name)) | toYaml -}}
{{- end -}}

{{/* root -> name: component of those that are enabled, as YAML. */}}
{{- define "careloop.components" -}}
{{- $enabled := dict -}}
{{- range $name, $_ := .Values.components -}}
{{- $component := include "careloop.component" (dict "root" $ "name" $name) | fromYaml -}}
{{- if $component.enabled }}{{ $_ := set $enabled $name $component }}{{ end -}}
{{- end -}}
{{- toYaml $enabled -}}
{{- end -}}

{{/* YAML numbers reach templates as floats, and a million would print as 1e+06. */}}
{{- define "careloop.number" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* (root, name, component) -> the settings that it starts with, as YAML: the common ones, its own over them.
     Where nobody says at which address people open review, its Ingress does; https, for its cookies travel over nothing else.
     The controller of that Ingress is a proxy that names the client. */}}
{{- define "careloop.merged" -}}
{{- $settings := mustMergeOverwrite (deepCopy .root.Values.settings) (deepCopy .component.settings) -}}
{{- $host := .component.ingress.host -}}
{{- if and (eq .name "review") .component.ingress.enabled (not $settings.review_url) (not (hasPrefix "*" $host)) -}}
{{- $_ := set $settings "review_url" (printf "https://%s" $host) -}}
{{- end -}}
{{- if and (eq .name "review") .component.ingress.enabled (not (hasKey $settings "review_proxies")) -}}
{{- $_ := set $settings "review_proxies" 1 -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* (root, name, component) -> the same as CARELOOP_X: "..." lines. */}}
{{- define "careloop.settings" -}}
{{- range $field, $value := include "careloop.merged" . | fromYaml }}
CARELOOP_{{ upper $field }}: {{ include "careloop.number" $value | quote }}
{{- end }}
{{- end -}}

{{/* (root, name, component) -> seconds that a pod gets after SIGTERM: ten more than its work in flight may take. */}}
{{- define "careloop.grace" -}}
{{- add (int (ceil (float64 (get (include "careloop.merged" . | fromYaml) "shutdown_sec" | default 25)))) 10 -}}
{{- end -}}

{{/* component -> how its pods are replaced: no two at once on a ReadWriteOnce claim, and none beyond the GPUs that there are. */}}
{{- define "careloop.strategy" -}}
{{- if .persistence.enabled -}}
type: Recreate
{{- else -}}
type: {{ .strategy }}
{{- if and .gpu.enabled (eq .strategy "RollingUpdate") }}
rollingUpdate: {maxSurge: 0, maxUnavailable: 1}
{{- end }}
{{- end -}}
{{- end -}}

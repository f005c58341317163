{{/* (root, name, component) -> nothing, or an end where the merged component can't work. The schema sees each key alone, before `defaults` is beneath it. */}}
{{- define "careloop.check" -}}
{{- $here := printf "components.%s" .name -}}
{{- $scaling := .component.autoscaling -}}
{{- $most := int (ternary $scaling.maxReplicas .component.replicas $scaling.enabled) -}}
{{- $settings := include "careloop.merged" . | fromYaml -}}
{{- $partitions := int ($settings.partitions | default 24) -}}

{{- if and $scaling.enabled (gt (int $scaling.minReplicas) $most) -}}
{{- fail (printf "%s.autoscaling.minReplicas is more than its maxReplicas" $here) -}}
{{- end -}}

{{- if and (eq .name "intake") (or $scaling.enabled (gt $most 1) (ne .component.strategy "Recreate")) -}}
{{- fail (printf "%s (with `defaults`) has to be one replica, without autoscaling, strategy Recreate: its cursor is one file" $here) -}}
{{- end -}}

{{- if and .component.persistence.enabled (or $scaling.enabled (gt $most 1)) -}}
{{- fail (printf "%s (with `defaults`) has persistence and more than one replica, and one claim serves one pod" $here) -}}
{{- end -}}

{{- if and (eq .name "review") (or $scaling.enabled (gt $most 1)) -}}
{{- fail (printf "%s (with `defaults`) has to be one replica, without autoscaling: its sessions are one file" $here) -}}
{{- end -}}

{{- if and (not (has .name (list "intake" "review"))) (gt $most $partitions) -}}
{{- fail (printf "%s has more replicas than settings.partitions (%d): the rest would stand idle" $here $partitions) -}}
{{- end -}}

{{- $imaging := get (include "careloop.components" .root | fromYaml) "imaging" -}}
{{- if and (eq .name "review") $imaging (not $settings.dicomweb_url) -}}
{{- if get (include "careloop.merged" (dict "root" .root "name" "imaging" "component" $imaging) | fromYaml) "dicomweb_url" -}}
{{- fail "components.imaging has a dicomweb_url that components.review has not, which shows the films of its results: make it settings.dicomweb_url" -}}
{{- end -}}
{{- end -}}

{{- if and .component.ingress.enabled (not .component.ingress.host) -}}
{{- fail (printf "%s.ingress.host is needed" $here) -}}
{{- end -}}

{{- if and (eq .name "review") .component.ingress.enabled (not $settings.review_url) -}}
{{- fail (printf "%s.settings.review_url is needed: which of the hosts %s do people open?" $here .component.ingress.host) -}}
{{- end -}}
{{- end -}}

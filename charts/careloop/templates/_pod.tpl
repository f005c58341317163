{{/* What every pod of ours has, be it of a Deployment, the topics' Job or `helm test`. */}}

{{/* (root, component) -> its rights, where its image comes from, and where it may run. */}}
{{- define "careloop.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (root, name) -> where its variables come from: a key of the Secret wins over a setting, for the last one does. */}}
{{- define "careloop.envFrom" -}}
- configMapRef:
    name: {{ include "careloop.name" . }}
{{- with .root.Values.secrets.existingSecret }}
- secretRef:
    name: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "careloop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

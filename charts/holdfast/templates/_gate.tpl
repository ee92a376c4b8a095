{{- /* Who is never judged. The deployment controller trims history and adopts ReplicaSets; on Deployments it is judged like everybody,
because an annotation makes it roll back by itself. */}}
{{- define "holdfast.matchConditions" -}}
- name: not-the-operator
  expression: "request.userInfo.username != '{{ include "holdfast.user" . }}'"
- name: not-cleaning-up
  expression: "!(request.userInfo.username in ['system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccount:kube-system:namespace-controller'])"
- name: not-keeping-history
  expression: {{ printf "!(request.resource.resource == 'replicasets' && request.userInfo.username in [%s])" (include "holdfast.users" .Values.gate.controllers) | quote }}
{{- end }}

{{- define "holdfast.users" -}}
{{- range $i, $user := . }}{{ if $i }}, {{ end }}'{{ $user }}'{{ end -}}
{{- end }}

{{- /* A ReplicaSet is named by its Deployment, detached or not; the owner that counts is the one before the request. */}}
{{- define "holdfast.names" -}}
- name: labelsWere
  expression: "oldObject == null ? dyn({}) : dyn(oldObject.metadata.?labels.orValue({}))"
- name: labelsAre
  expression: "object == null ? dyn({}) : dyn(object.metadata.?labels.orValue({}))"
- name: subject
  expression: "oldObject == null ? dyn(object) : dyn(oldObject)"
- name: name
  expression: "string(variables.subject.metadata.?name.orValue('(new)'))"
- name: deployments
  expression: >-
    request.kind.kind != 'ReplicaSet' ? [] :
    variables.subject.metadata.?ownerReferences.orValue([]).filter(o, o.kind == 'Deployment').map(o, string(o.name))
- name: workloadKind
  expression: "variables.deployments.size() > 0 ? 'deployment' : request.kind.kind.lowerAscii()"
- name: workloadName
  expression: "variables.deployments.size() > 0 ? variables.deployments[0] : variables.name"
- name: hold
  expression: "variables.workloadKind + '-' + variables.workloadName"
- name: object
  expression: "request.kind.kind + ' ' + request.namespace + '/' + variables.name"
{{- end }}

{{- /* Held for a release that was undone: no budget ends that. A Deployment has the queue label for it. Only the operator writes ids. */}}
{{- define "holdfast.undone" -}}
request.kind.kind in ['StatefulSet', 'DaemonSet']
&& ['bad-release-', 'release-costs-', 'release-stalled-', 'undone-by-hand-'].exists(p, variables.id.startsWith(p))
{{- end }}

{{- /* By user name: --as-group can leave out the groups of service accounts. */}}
{{- define "holdfast.isPerson" -}}
!request.userInfo.username.startsWith('system:serviceaccount:'){{ with .Values.gate.automation }} && !(request.userInfo.username in [{{ include "holdfast.users" . }}]){{ end }}
{{- end }}

{{- define "holdfast.hasRight" -}}
authorizer.group('holdfast.dev').resource('holds').namespace(request.namespace).name(variables.hold).check('override').allowed()
{{- end }}

{{- define "holdfast.mayOverride" -}}
{{ include "holdfast.isPerson" . }} && {{ include "holdfast.hasRight" . }}
{{- end }}

{{- /* Printed only when a message cannot be made. */}}
{{- define "holdfast.fallback" -}}
This workload is on hold: no new release until its error budget recovers. Why and until when: kubectl get holds. Way out: kubectl label with --field-manager=holdfast-override and the label holdfast.dev/override (its value is the id of the hold), then send the change again (needs the right to override holds).
{{- end }}

{{- define "holdfast.queueFallback" -}}
The release that this workload declares was stopped, so it does not roll out again. Another one may: send it without changing spec.paused. Why and what ends it: kubectl get holds. Way out: holdfast lift deployment/NAME --reason WHY (needs the right to override holds).
{{- end }}

{{- define "holdfast.releaseFallback" -}}
A WorkloadRelease is written by Holdfast; a person with the right to override holds may set spec.undo and spec.allow, under their own name. Way out: holdfast undo KIND/NAME or holdfast lift KIND/NAME, with --reason.
{{- end }}

{{- define "holdfast.overrideFallback" -}}
The label holdfast.dev/override opens a hold, so setting it needs a person with the right to override holds. Way out: leave that label out and send the change again.
{{- end }}

{{- define "holdfast.authorFallback" -}}
spec.requestedBy of a BudgetAdjustment must be the name of the user who sends it. Way out: set it to your own name, which kubectl auth whoami shows, and send it again.
{{- end }}

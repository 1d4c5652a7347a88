"""Jobs and Pods: the defaults and the validation rules that Job runners and clients rely on.

Values: k8s.io/kubernetes/pkg/apis/{batch,core}/v1/defaults.go and .../validation/validation.go.
"""

import copy
from typing import Any, ClassVar

from functions.local.apiserver import field_types, names
from functions.local.apiserver.errors import Cause, Obj, forbidden_field, immutable, invalid, required
from functions.local.apiserver.kind_rules import BY_NAME, Propagation, WithStatus, preserve

POD_DEFAULTS: Obj = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}
POD_ADDITIONS: Obj = {
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
    "tolerations": [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for taint in ("not-ready", "unreachable")
    ],
}
"""Fields added to pods but not to pod templates, by the admission plugins Priority and DefaultTolerationSeconds."""
CONTAINER_DEFAULTS: Obj = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
JOB_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
POD_MUTABLE = ("activeDeadlineSeconds", "tolerations", "nodeName")
NOT_SELECTED = "`selector` does not match template `labels`"
POD_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` "
    "(only additions to existing tolerations)"
)


def containers_of(spec: Obj) -> list[tuple[str, Obj]]:
    """Return all containers of a pod with their paths below the spec."""
    return [
        (f"{field}[{index}]", container)
        for field in ("initContainers", "containers")
        for index, container in enumerate(spec.get(field, ()))
    ]


def default_pod_spec(spec: Obj) -> None:
    """Set the defaults of a pod's spec."""
    for field, value in POD_DEFAULTS.items():
        spec.setdefault(field, value)
    spec.setdefault("securityContext", {})
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])  # its deprecated name
    for _, container in containers_of(spec):
        container.setdefault("resources", {})
        for field, value in CONTAINER_DEFAULTS.items():
            container.setdefault(field, value)
        container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))


def _pull_policy(image: str) -> str:
    last = image.rpartition("/")[2]
    pinned = "@" in image or (":" in last and not last.endswith(":latest"))
    return "IfNotPresent" if pinned else "Always"


def pod_spec_problems(spec: Obj, path: str) -> list[Cause]:
    """Return the missing required fields of a pod's spec."""
    if not spec.get("containers"):
        return [required(f"{path}.containers")]
    return [
        required(f"{path}.{container_path}.{field}")
        for container_path, container in containers_of(spec)
        for field in ("name", "image")
        if not container.get(field)
    ]


class JobRules(WithStatus):
    """batch/v1 Job."""

    shape: ClassVar[Obj] = field_types.JOB
    default_propagation: ClassVar[Propagation] = "Orphan"  # historical, in batch/v1; kubectl requests Background
    has_generation: ClassVar[bool] = True
    selectable: ClassVar[tuple[str, ...]] = (*BY_NAME, "status.successful")
    not_selectable: ClassVar[str] = 'field label "{field}" not supported for batchv1.Job'

    def fields(self, obj: Obj) -> dict[str, str]:
        """Return the values of the selectable fields: `status.successful` is the number of pods that succeeded."""
        succeeded = (obj.get("status") or {}).get("succeeded") or 0
        return {**super().fields(obj), "status.successful": str(succeeded)}

    def default(self, obj: Obj) -> None:
        """Set the defaults of the Job and its pod template."""
        spec = obj.setdefault("spec", {})
        if "completions" not in spec and "parallelism" not in spec:
            spec["completions"] = 1
        spec.setdefault("parallelism", 1)
        spec.setdefault("backoffLimit", 6)
        pod = spec.setdefault("template", {}).setdefault("spec", {})
        has_restart_policy = "restartPolicy" in pod
        default_pod_spec(pod)
        if not has_restart_policy:
            del pod["restartPolicy"]  # has no default in a Job

    def on_create(self, obj: Obj) -> None:
        """Set the labels and the selector of the Job's pods, and an empty status."""
        spec, meta = obj["spec"], obj["metadata"]
        own = {"controller-uid": meta["uid"], "job-name": meta.get("name", "")}
        if not spec.get("manualSelector"):
            selector = spec.setdefault("selector", {})
            selector["matchLabels"] = selector.get("matchLabels", {}) | {"controller-uid": meta["uid"]}
            template_meta = spec["template"].setdefault("metadata", {})
            template_meta["labels"] = (template_meta.get("labels") or {}) | own
        obj["status"] = {}

    def complete(self, obj: Obj) -> None:
        """Copy the labels of the pod template to a Job without labels."""
        labels = obj["spec"]["template"].get("metadata", {}).get("labels")
        if labels:
            obj["metadata"].setdefault("labels", dict(labels))

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return problems of counts, selector and pod template, and changes of immutable fields."""
        spec = obj["spec"]
        causes = [
            invalid(f"spec.{field}", spec[field], "must be greater than or equal to 0")
            for field in JOB_COUNTS
            if isinstance(spec.get(field), int) and spec[field] < 0
        ]
        own = spec["template"].get("metadata", {}).get("labels") or {}
        if not spec.get("manualSelector") and own.get("controller-uid") != obj["metadata"].get("uid"):
            wording = f"must be '{obj['metadata'].get('uid')}'"
            causes.append(invalid("spec.template.metadata.labels[controller-uid]", own, wording))
        generated = {"matchLabels": {"controller-uid": obj["metadata"].get("uid")}}
        selector = spec.get("selector")
        if selector and not spec.get("manualSelector") and selector != generated:
            causes.append(invalid("spec.selector", selector, "`selector` not auto-generated"))
        causes += self._template_problems(spec)
        if old is not None:
            causes += self._change_problems(spec, old["spec"])
        return causes

    def _template_problems(self, spec: Obj) -> list[Cause]:
        pod, path = spec["template"]["spec"], "spec.template.spec"
        labels: dict[str, str] = spec["template"].get("metadata", {}).get("labels") or {}
        causes = [
            invalid("spec.template.labels", value, text)
            for value in labels.values()
            for text in names.label_value_problems(value)
        ]
        selector = (spec.get("selector") or {}).get("matchLabels") or {}
        if not selector:
            causes.append(required("spec.selector"))
        if not selector or selector.items() - labels.items():
            causes.append(invalid("spec.template.metadata.labels", labels, NOT_SELECTED))
        causes += pod_spec_problems(pod, path)
        if pod.get("restartPolicy") not in ("Never", "OnFailure"):
            causes.append(required(f"{path}.restartPolicy", 'valid values: "OnFailure", "Never"'))
        return causes

    def _change_problems(self, spec: Obj, old: Obj) -> list[Cause]:
        return [
            immutable(f"spec.{field}", spec.get(field))
            for field in ("completions", "selector", "template")
            if spec.get(field) != old.get(field)
        ]


class PodRules(WithStatus):
    """core/v1 Pod."""

    shape: ClassVar[Obj] = field_types.POD
    graceful: ClassVar[bool] = True
    not_selectable: ClassVar[str] = "field label not supported: {field}"
    selectable: ClassVar[tuple[str, ...]] = (
        *BY_NAME,
        "spec.nodeName",
        "spec.restartPolicy",
        "status.phase",
    )

    def default(self, obj: Obj) -> None:
        """Set the defaults of the spec."""
        default_pod_spec(obj.setdefault("spec", {}))

    def on_create(self, obj: Obj) -> None:
        """Add the fields of the admission plugins and set the phase Pending."""
        obj["spec"] = copy.deepcopy(POD_ADDITIONS) | obj["spec"]
        obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}

    def check(self, obj: Obj, old: Obj | None, *, status: bool) -> list[Cause]:  # noqa: ARG002
        """Return problems of containers, and changes of immutable fields of the spec."""
        causes = pod_spec_problems(obj["spec"], "spec")
        if old is not None and len(obj["spec"].get("containers", ())) != len(old["spec"]["containers"]):
            causes.append(forbidden_field("spec.containers", "pod updates may not add or remove containers"))
        elif old is not None and _immutable_part(obj["spec"]) != _immutable_part(old["spec"]):
            causes.append(forbidden_field("spec", POD_UPDATES))
        return causes

    def on_status(self, obj: Obj, old: Obj) -> None:
        """Also keep the owner references, which old kubelets corrupt (pod status strategy)."""
        super().on_status(obj, old)
        preserve("ownerReferences", obj["metadata"], old["metadata"])

    def grace_seconds(self, obj: Obj, requested: int | None) -> int:
        """Return the grace period of a pod on a node; 0 for pods that are not assigned or have ended."""
        if not obj["spec"].get("nodeName") or obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        return int(obj["spec"]["terminationGracePeriodSeconds"]) if requested is None else requested


def _immutable_part(spec: Obj) -> dict[str, Any]:
    """Return the part of a pod's spec that cannot change."""
    immutable_fields = {field: value for field, value in spec.items() if field not in POD_MUTABLE}
    for field in ("initContainers", "containers"):
        if field in immutable_fields:
            immutable_fields[field] = [{**container, "image": None} for container in immutable_fields[field]]
    return immutable_fields

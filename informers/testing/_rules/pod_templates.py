"""What a pod, or the template of pods in another object, must be.

Upstream: k8s.io/kubernetes/pkg/apis/{core,apps,batch}/validation/validation.go (v1.37).
"""

from __future__ import annotations

from typing import Any

from informers.errors import ConfigurationError
from informers.selectors import LabelSelector
from informers.testing._http.status import Cause
from informers.testing._store.documents import Json, is_same, mapping, quote, sequence

__all__ = ["selects", "template_causes"]

#: What holds a selector and a template, and the word that a refusal has for it.
_SELECTING = {
    "daemonsets.apps": "daemonset",
    "deployments.apps": "deployment",
    "replicasets.apps": "deployment",
    "statefulsets.apps": "statefulset",
}
_LONGEST_CRON_JOB = 52


def template_causes(resource: str, obj: Json, old: Json | None) -> list[Cause]:
    """Return what is wrong with the pods that an object describes.

    An update is only refused for what it changes: a test may have stored the rest from within.

    Args:
        resource: for example `deployments.apps`.
        obj: the object.
        old: what it is to replace; None for a new one.
    """
    spec, before = mapping(obj.get("spec")), mapping(mapping(old).get("spec"))
    if old is not None and is_same(spec, before):
        return []
    match resource:
        case "pods":
            return _container_causes("spec", spec) if old is None else _missing_causes("spec", spec)
        case "jobs.batch":
            return _job_causes("spec.template.spec", _pod_spec(spec)) if old is None else []
        case "cronjobs.batch":
            return _cron_job_causes(obj, spec) if old is None else []
        case _ if resource in _SELECTING:
            return _selecting_causes(_SELECTING[resource], spec, before, is_new=old is None)
        case _:
            return []


def selects(selector: Any, labels: Any) -> bool:
    """Return whether an object's selector selects labels; one that is missing or unreadable selects nothing."""
    try:
        return isinstance(selector, dict) and LabelSelector.from_label_selector(mapping(selector)).matches(
            mapping(labels)
        )
    except ConfigurationError:
        return False


def _pod_spec(spec: Json) -> Json:
    return mapping(mapping(spec.get("template")).get("spec"))


def _labels(spec: Json) -> Any:
    return mapping(mapping(spec.get("template")).get("metadata")).get("labels")


def _missing_causes(where: str, pod: Json) -> list[Cause]:
    return [] if pod.get("containers") else [Cause.required(f"{where}.containers")]


def _container_causes(where: str, pod: Json) -> list[Cause]:
    causes = _missing_causes(where, pod)
    names: set[Any] = set()
    for index, container in enumerate(map(mapping, sequence(pod.get("containers")))):
        place = f"{where}.containers[{index}]"
        causes += [Cause.required(f"{place}.{each}") for each in ("name", "image") if not container.get(each)]
        name = container.get("name")
        if name and name in names:
            causes.append(Cause("FieldValueDuplicate", f"{place}.name", f"Duplicate value: {quote(name)}"))
        names.add(name)
    return causes


def _selecting_causes(kind: str, spec: Json, old: Json, *, is_new: bool) -> list[Cause]:
    causes: list[Cause] = []
    selector, labels = spec.get("selector"), _labels(spec)
    if not is_new and is_same((selector, labels), (old.get("selector"), _labels(old))):
        return causes
    if selector is None:
        causes += [] if kind == "daemonset" else [Cause.required("spec.selector")]
    elif selector == {}:
        causes.append(Cause.invalid("spec.selector", {}, f"empty selector is invalid for {kind}"))
    if not selects(selector, labels):
        why = "`selector` does not match template `labels`"
        causes.append(Cause.invalid("spec.template.metadata.labels", labels, why))
    if is_new:
        pod = _pod_spec(spec)
        causes += _container_causes("spec.template.spec", pod)
        if pod.get("restartPolicy", "Always") != "Always":
            causes.append(
                Cause.not_supported("spec.template.spec.restartPolicy", str(pod["restartPolicy"]), ["Always"])
            )
    return causes


def _job_causes(where: str, pod: Json) -> list[Cause]:
    causes = _container_causes(where, pod)
    if pod.get("restartPolicy") not in ("OnFailure", "Never"):
        causes.append(Cause.required(f"{where}.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return causes


def _cron_job_causes(obj: Json, spec: Json) -> list[Cause]:
    causes: list[Cause] = []
    name = mapping(obj.get("metadata")).get("name") or ""
    if len(name) > _LONGEST_CRON_JOB:
        why = f"must be no more than {_LONGEST_CRON_JOB} characters"
        causes.append(Cause.invalid("metadata.name", name, why))
    if not spec.get("schedule"):
        causes.append(Cause.required("spec.schedule"))
    job = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return causes + _job_causes("spec.jobTemplate.spec.template.spec", _pod_spec(job))

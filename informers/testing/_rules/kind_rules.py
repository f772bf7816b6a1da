"""What objects of single built-in kinds must be: only what controllers get wrong.

Upstream: k8s.io/kubernetes/pkg/apis/{core,apps,batch}/validation/validation.go (v1.37).
"""

from __future__ import annotations

import re
from typing import Any

from informers.errors import ConfigurationError
from informers.selectors import LabelSelector
from informers.testing._http import status as failures
from informers.testing._http.status import Cause
from informers.testing._rules.defaults import POD_SPECS
from informers.testing._store.documents import Json, at, is_same, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["kind_causes", "selects"]

#: What a new object must have: the path, its name in a refusal, and the reason.
_REQUIRED = {
    "cronjobs.batch": [("spec.schedule", "spec.schedule", "")],
    "persistentvolumeclaims": [
        ("spec.accessModes", "spec.accessModes", "at least 1 access mode is required"),
        ("spec.resources.requests.storage", "spec.resources[storage]", ""),
    ],
}
#: What holds a selector and a template, and the word that a refusal has for it.
_SELECTING = {
    "daemonsets.apps": "daemonset",
    "deployments.apps": "deployment",
    "replicasets.apps": "deployment",
    "statefulsets.apps": "statefulset",
}
_OLD_EVENT = "involvedObject.namespace"
_LONGEST_CRON_JOB = 52
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_LONGEST_KEY = 253
#: Bytes of what a ConfigMap or a Secret holds.
_LARGEST_DATA = 1024 * 1024


def kind_causes(served: Served, obj: Json, old: Json | None) -> list[Cause]:
    """Return what is wrong with an object, by the rules of its kind.

    An update is refused only for what it changes: a test may have stored the rest from within.

    Args:
        served: the resource.
        obj: the object, without its defaults.
        old: what it is to replace; None for a new one.

    Raises:
        Failure: 400, a Secret is unreadable.
    """
    resource = str(served.resource)
    if served.is_custom or (old is not None and is_same(_content(obj), _content(old))):
        return []
    match resource:
        case "configmaps" | "secrets":
            return _data_causes(obj)
        case "events":
            return _event_causes(_OLD_EVENT, obj, old)
        case "events.events.k8s.io":
            return _event_causes("regarding.namespace", obj, old)
        case "services":
            return _service_causes(mapping(obj.get("spec")))
        case _:
            causes = _selector_causes(_SELECTING[resource], obj, old) if resource in _SELECTING else []
            return causes + (_new_causes(served, obj) if old is None else [])


def selects(selector: Any, labels: Any) -> bool:
    """Return whether an object's selector selects labels; nothing is selected by one that is missing or unreadable."""
    try:
        return isinstance(selector, dict) and LabelSelector.from_label_selector(selector).matches(mapping(labels))
    except ConfigurationError:
        return False


def _content(obj: Json) -> Json:
    return {field: value for field, value in obj.items() if field not in {"metadata", "status"}}


def _new_causes(served: Served, obj: Json) -> list[Cause]:
    resource, name = str(served.resource), obj["metadata"].get("name") or ""
    causes = [Cause.required(field, why) for path, field, why in _REQUIRED.get(resource, ()) if not at(obj, path)]
    if resource == "cronjobs.batch" and len(name) > _LONGEST_CRON_JOB:
        causes.append(Cause.invalid("metadata.name", name, f"must be no more than {_LONGEST_CRON_JOB} characters"))
    where = POD_SPECS.get(served.resource.path())
    return causes if where is None else causes + _pod_causes(resource, where, mapping(at(obj, where)))


def _pod_causes(resource: str, where: str, pod: Json) -> list[Cause]:
    containers, policy = [mapping(each) for each in sequence(pod.get("containers"))], pod.get("restartPolicy")
    causes = [] if containers else [Cause.required(f"{where}.containers")]
    for index, container in enumerate(containers):
        lacking = (field for field in ("name", "image") if not container.get(field))
        causes += [Cause.required(f"{where}.containers[{index}].{field}") for field in lacking]
    causes += _duplicate_names(f"{where}.containers", containers)
    if resource in {"jobs.batch", "cronjobs.batch"} and policy not in {"OnFailure", "Never"}:
        causes.append(Cause.required(f"{where}.restartPolicy", 'valid values: "OnFailure", "Never"'))
    if resource in _SELECTING and policy not in {None, "Always"}:
        causes.append(Cause.not_supported(f"{where}.restartPolicy", str(policy), ["Always"]))
    return causes


def _duplicate_names(where: str, items: list[Json]) -> list[Cause]:
    names = [item.get("name") for item in items]
    return [
        Cause("FieldValueDuplicate", f"{where}[{index}].name", f"Duplicate value: {quote(name)}")
        for index, name in enumerate(names)
        if name and name in names[:index]
    ]


def _selector_causes(kind: str, obj: Json, old: Json | None) -> list[Cause]:
    selector, labels = at(obj, "spec.selector"), at(obj, "spec.template.metadata.labels")
    before = at(old, "spec.selector"), at(old, "spec.template.metadata.labels")
    if old is not None and is_same((selector, labels), before):
        return []
    causes: list[Cause] = []
    if selector is None and kind != "daemonset":
        causes.append(Cause.required("spec.selector"))
    elif selector == {}:
        causes.append(Cause.invalid("spec.selector", {}, f"empty selector is invalid for {kind}"))
    if not selects(selector, labels):
        why = "`selector` does not match template `labels`"
        causes.append(Cause.invalid("spec.template.metadata.labels", labels, why))
    return causes


def _service_causes(spec: Json) -> list[Cause]:
    ports = [mapping(port) for port in sequence(spec.get("ports"))]
    if spec.get("type") == "ExternalName":
        causes = [] if spec.get("externalName") else [Cause.required("spec.externalName")]
    else:
        causes = [] if ports or spec.get("clusterIP") == "None" else [Cause.required("spec.ports")]
    if len(ports) > 1:
        unnamed = (index for index, port in enumerate(ports) if not port.get("name"))
        causes += [Cause.required(f"spec.ports[{index}].name") for index in unnamed]
    causes += _duplicate_names("spec.ports", ports)
    keys = [(port.get("protocol") or "TCP", port.get("port")) for port in ports]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            # Go's names of the fields, in the order of its type.
            port = f'"Name":"","Protocol":"{key[0]}","AppProtocol":null,"Port":{key[1]},"TargetPort":0,"NodePort":0'
            causes.append(Cause("FieldValueDuplicate", f"spec.ports[{index}]", f"Duplicate value: {{{port}}}"))
    return causes


def _event_causes(field: str, obj: Json, old: Json | None) -> list[Cause]:
    own, said = obj["metadata"]["namespace"], at(obj, field, "")
    # Events of what has no namespace are in the default one. The newer version lets all others pass.
    is_other = said != own if said else own != "default"
    if not is_other or (said and field != _OLD_EVENT) or (old is not None and said == at(old, field, "")):
        return []
    return [Cause.invalid(_OLD_EVENT, said, "does not match event.namespace")]


def _data_causes(obj: Json) -> list[Cause]:
    """Return what is wrong with the data of a ConfigMap or a Secret.

    Raises:
        Failure: 400, a Secret's data are not base64.
    """
    causes: list[Cause] = []
    is_secret = obj["kind"] == "Secret"
    size = 0
    for field in ("data", "binaryData"):
        for key, value in sorted(mapping(obj.get(field)).items()):
            if is_secret:
                _check_base64(str(value or ""))
            size += len(value) * 3 // 4 if is_secret or field == "binaryData" else len(value.encode())
            where = f"{field}[{key}]"
            if len(key) > _LONGEST_KEY:
                causes.append(Cause.invalid(where, key, f"must be no more than {_LONGEST_KEY} bytes"))
            if not _KEY.fullmatch(key):
                causes.append(Cause.invalid(where, key, _KEY_RULE))
            elif key in {".", ".."}:
                causes.append(Cause.invalid(where, key, f"must not be '{key}'"))
    if size > _LARGEST_DATA:
        causes.append(Cause.too_long("data" if is_secret else "[]", _LARGEST_DATA))
    return causes


def _check_base64(text: str) -> None:
    text = text.replace("\n", "").replace("\r", "")
    valid = _BASE64.match(text)
    end = valid.end() if valid else 0
    if end < len(text) or end % 4:
        why = f"illegal base64 data at input byte {end}"
        raise failures.bad_request(f'Secret in version "v1" cannot be handled as a Secret: {why}')

"""Objects of every kind that the installed official client can list, and what the client itself makes of them."""

from __future__ import annotations

import inspect
import json
import re
from types import SimpleNamespace
from typing import Any

from kubernetes import client

from informers.resources import NamespacedResource
from informers.source._bytes.sources import OpenSource
from informers.source._models.object_makers import maker
from informers.source._wire.decode import Decoder
from informers.source.records import WireRecord
from informers.source.restorer import restorer

#: The models are pydantic's, as from 37 on.
VALIDATED = hasattr(client.V1Pod, "model_validate_json")
#: `to_dict` can write names as they are on the wire, as from 36 on.
SERIALIZES = "serialize" in inspect.signature(client.V1Pod.to_dict).parameters

TEXT = "aGVsbG8="  # valid where base64 is asked for, and anywhere else
TIME = "2026-01-02T03:04:05Z"
_NUMBERS = {"port", "target_port", "max_surge", "max_unavailable", "min_available"}


def listable() -> list[str]:
    """Return the names of all models that are kinds: they have metadata, and a list of their own."""
    names = [name for name in dir(client) if re.search(r"V\d", name) and name + "List" in dir(client)]
    # Discovery documents look like kinds, but are no resources.
    names = [name for name in names if not name.endswith("APIGroupDiscovery")]
    return [name for name in names if {"kind", "metadata"} <= set(getattr(client, name).openapi_types)]


def full(name: str, *, unknown: bool = True, within: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a mapping with every field of a model set, and one that it does not know."""
    model = getattr(client, name)
    mapping = {
        model.attribute_map[field]: _value(field, declared, unknown=unknown, within=(*within, name))
        for field, declared in model.openapi_types.items()
        if not {*within, name} & set(re.findall(r"\w+", declared))
    }
    if unknown:
        mapping["fieldOfTheFuture"] = {"a": [1, None]}
    return {**mapping, "managedFields": mapping.pop("managedFields")} if "managedFields" in mapping else mapping


def _value(field: str, declared: str, *, unknown: bool, within: tuple[str, ...]) -> Any:
    container = re.fullmatch(r"(?i:(list)\[|(dict)[\[(]str, )(.+)[\])]", declared)
    if container is not None:
        value = _value(field, container[3], unknown=unknown, within=within)
        return [value, value] if container[1] else {"key.example/a": value}
    if hasattr(client, declared):
        return full(declared, unknown=unknown, within=within)
    simple = {"str": TEXT, "bytes": TEXT, "int": 7, "float": 1.5, "bool": True, "datetime": TIME}
    return simple.get(declared, 8080 if field in _NUMBERS else {"a": [1, None, "x"]})


def in_order(name: str, mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping as a server writes it: kind, API version and metadata first, status last."""
    mapping = {**mapping, "kind": name, "apiVersion": "example.com/v1"}
    head = {key: mapping.pop(key) for key in ("kind", "apiVersion", "metadata")}
    tail = {"status": mapping.pop("status")} if "status" in mapping else {}
    return {**head, **mapping, **tail}


def encode(mapping: dict[str, Any]) -> bytes:
    return json.dumps(mapping, separators=(",", ":")).encode()


def eager(name: str, raw: bytes) -> Any:
    """Return what the official client makes of it."""
    api = client.ApiClient()
    if VALIDATED:
        return api.deserialize(raw.decode(), name, "application/json")
    return api.deserialize(SimpleNamespace(data=raw), name)


def lazy(raw: bytes, name: str = "V1Pod") -> Any:
    """Return what users get."""
    resource = NamespacedResource[Any]("", "v1", "things", model=name)
    return maker(resource)(OpenSource(raw, "default/web-0"))


def recorded(raw: bytes, name: str = "V1Pod") -> Any:
    """Return what users get of an object that came off the wire: its metadata is known without a look at the bytes."""
    kind = json.loads(raw)
    make = maker(NamespacedResource[Any]("", "v1", "things", model=name))
    record = Decoder(make, kind=kind["kind"], api_version=kind["apiVersion"]).item(raw, kind)
    assert isinstance(record, WireRecord)
    assert record.known_metadata() is not None
    return record.object()


def restored(obj: Any, kind: str = "") -> WireRecord[Any]:
    """Return the record of what a transform returned."""
    record = restorer(NamespacedResource[Any]("", "v1", "things", kind))(obj)
    assert isinstance(record, WireRecord)
    return record


def pod() -> dict[str, Any]:
    """Return a small pod, as servers write it."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "web-0",
            "namespace": "default",
            "creationTimestamp": TIME,
            "labels": {"app": "web"},
            "managedFields": [{"manager": "kubelet", "operation": "Update", "time": TIME, "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "startTime": TIME,
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": TIME}],
        },
    }

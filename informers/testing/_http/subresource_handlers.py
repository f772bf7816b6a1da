"""Answers for subresources with rules of their own: scale, binding, eviction, token.

Upstream: k8s.io/kubernetes/pkg/registry/apps/deployment/storage, pkg/registry/core/pod/storage and
pkg/registry/core/serviceaccount/storage (v1.37).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, final

import attrs

from informers._base.clock import Clock
from informers.selectors import LabelSelector
from informers.testing._http import status as failures
from informers.testing._http.bodies import read_delete_options, read_object, read_options
from informers.testing._http.request_reader import Request
from informers.testing._http.routes import Target
from informers.testing._http.status import Cause
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.evictions import spend_budget, with_condition
from informers.testing._rules.registry import Registry, WriteOptions, load
from informers.testing._store.documents import Json, at, encode, mapping, sequence, timestamp
from informers.testing._store.served_resources import Catalog, Served
from informers.testing._store.versioned_storage import Storage

__all__ = ["Subresources"]

_SUCCESS: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
_ISSUER = "https://kubernetes.default.svc.cluster.local"
_SHORTEST_TOKEN = 600


@final
@attrs.frozen
class Subresources:
    """Answers for subresources.

    Attributes:
        storage: has the objects.
        registry: has the rules for writes.
        catalog: has the served resources.
        clock: for timestamps.
    """

    storage: Storage
    registry: Registry
    catalog: Catalog
    clock: Clock

    def answer(
        self, target: Target, request: Request, change: Callable[[Json], Json] | None
    ) -> tuple[int, Json] | None:
        """Return the status and body of an answer, or None if a subresource is read and written like its object.

        Args:
            target: the target of the request.
            request: the request.
            change: applies the request to a scale; None if it does not change one.
        """
        options = read_options(request, target)
        match target.subresource:
            case "scale":
                return 200, self._scale(target, options, change)
            case "binding":
                return 201, self._bind(target, read_object(request, "Binding"), options)
            case "eviction":
                return 201, self._evict(target, request, read_object(request, "Eviction"), options)
            case "token":
                return 201, self._token(target, read_object(request, "TokenRequest"))
            case _:
                return None

    def _scale(self, target: Target, options: WriteOptions, change: Callable[[Json], Json] | None) -> Json:
        served, namespace, name = target.served, target.namespace, target.name
        paths = served.scale
        assert paths is not None
        if change is None:
            return _scale_of(served, self.registry.get(served, namespace, name))

        def resize(old: Json) -> Json:
            wanted = change(_scale_of(served, old))
            count: Any = mapping(wanted.get("spec")).get("replicas", 0)
            if not isinstance(count, int) or count < 0:
                cause = Cause.invalid("spec.replicas", count, "must be greater than or equal to 0")
                raise failures.invalid("autoscaling", "Scale", name, [cause])
            said = mapping(wanted.get("metadata"))
            metadata = {**old["metadata"], **{f: said[f] for f in ("uid", "resourceVersion") if said.get(f)}}
            return {**_with(old, paths.spec, count), "metadata": metadata}

        record = self.registry.update(served, namespace, name, resize, options)
        return _scale_of(served, load(served, record))

    def _bind(self, target: Target, binding: Json, options: WriteOptions) -> Json:
        name = target.name or mapping(binding.get("metadata")).get("name") or ""
        node = mapping(binding.get("target")).get("name") or ""
        if not node:
            raise failures.invalid("", "Binding", name, [Cause.required("target.name")])

        def assign(pod: Json) -> Json:
            spec = mapping(pod.get("spec"))
            why = ""
            if pod["metadata"].get("deletionTimestamp"):
                why = f"pod {name} is being deleted, cannot be assigned to a host"
            elif spec.get("nodeName"):
                why = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
            if why:
                message = f'Operation cannot be fulfilled on pods/binding "{name}": {why}'
                details = {"name": name, "kind": "pods/binding"}
                raise failures.Failure(message, code=409, reason="Conflict", details=details)
            return {**pod, "spec": {**spec, "nodeName": node}, "status": self._noted(pod, "PodScheduled")}

        self._change(target, name, assign, options)
        return _SUCCESS

    def _evict(self, target: Target, request: Request, eviction: Json, options: WriteOptions) -> Json:
        served, namespace, name = target.served, target.namespace, target.name
        body = encode(eviction["deleteOptions"]) if eviction.get("deleteOptions") else b""
        deletion: DeleteOptions = read_delete_options(attrs.evolve(request, body=body))
        with self.storage.lock:
            pod = self.registry.get(served, namespace, name)
            if options.is_dry_run or deletion.is_dry_run:
                return _SUCCESS
            spend_budget(self.storage, self.registry, self.catalog, pod, timestamp(self.clock.time()))
            why = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
            self._change(
                target, name, lambda old: {**old, "status": self._noted(old, "DisruptionTarget", **why)}, options
            )
            self.registry.delete(served, namespace, name, deletion)
        return _SUCCESS

    def _token(self, target: Target, wanted: Json) -> Json:
        account = self.registry.get(target.served, target.namespace, target.name)
        spec = mapping(wanted.get("spec"))
        seconds: Any = spec.get("expirationSeconds") or 3600
        if not isinstance(seconds, int) or seconds < _SHORTEST_TOKEN:
            cause = Cause.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
            raise failures.invalid("authentication.k8s.io", "TokenRequest", "", [cause])
        audiences = sequence(spec.get("audiences")) or [_ISSUER]
        now = int(self.clock.time())
        metadata = {field: account["metadata"][field] for field in ("name", "namespace", "uid")}
        who = f"system:serviceaccount:{target.namespace}:{target.name}"
        claims = {"aud": audiences, "exp": now + seconds, "iat": now, "nbf": now, "iss": _ISSUER, "sub": who}
        # Readable like a real one, but not signed: this server checks no signatures.
        parts = (base64.urlsafe_b64encode(encode(part)).rstrip(b"=") for part in ({"alg": "none"}, claims, {}))
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {**metadata, "creationTimestamp": timestamp(now)},
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": b".".join(parts).decode(), "expirationTimestamp": timestamp(now + seconds)},
        }

    def _change(self, target: Target, name: str, change: Callable[[Json], Json], options: WriteOptions) -> None:
        # The server itself may write a spec and a status at once.
        options = attrs.evolve(options, is_inside=True)
        self.registry.update(target.served, target.namespace, name, change, options)

    def _noted(self, pod: Json, condition: str, **why: str) -> Json:
        now = timestamp(self.clock.time())
        noted = {"type": condition, "status": "True", "lastProbeTime": None, "lastTransitionTime": now, **why}
        return with_condition(pod.get("status"), noted)


def _scale_of(served: Served, obj: Json) -> Json:
    paths = served.scale
    assert paths is not None
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    wanted, there = at(obj, paths.spec), at(obj, paths.status)
    selector = at(obj, paths.selector)
    if not served.is_custom and mapping(obj.get("spec")).get("selector"):
        given = mapping(obj["spec"]["selector"])
        # A replication controller's is labels alone.
        chosen = given if str(served.resource) != "replicationcontrollers" else {"matchLabels": given}
        selector = str(LabelSelector.from_label_selector(chosen))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in kept if field in metadata},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {"replicas": there or 0, **({"selector": selector} if selector else {})},
    }


def _with(obj: Json, path: str, value: Any) -> Json:
    """Return an object with a value at a path."""
    first, _, rest = path.partition(".")
    return {**obj, first: _with(mapping(obj.get(first)), rest, value) if rest else value}

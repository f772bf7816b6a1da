"""The body of a Kubernetes event, cut to the sizes that the server accepts.

Upstream: k8s.io/client-go/tools/events/event_recorder.go, tools/record/util/util.go (v0.37);
k8s.io/kubernetes/pkg/apis/core/validation/events.go (v1.37).
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone
from typing import Any

from informers.errors import ConfigurationError
from informers.objects import object_name, read, uid_of
from informers.resources import Resource

__all__ = ["MAX_WORD", "check_word", "event_body", "reference", "stamp"]

#: The longest reason, action and reporter in characters, and note in bytes, that the server accepts.
MAX_WORD, _NOTE = 128, 1024
#: The server's rule for names.
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def event_body(
    regarding: dict[str, str],
    related: dict[str, str] | None,
    reason: str,
    note: str,
    action: str,
    type: str,
    now: float,
    *,
    reporter: tuple[str, str],
) -> dict[str, Any]:
    """Return the body of a new event by `reporter`: a controller and its instance."""
    # Events about objects of the whole cluster are in the namespace `default`.
    namespace = regarding.get("namespace") or "default"
    # Names of roles and addresses may have colons; an event's name may not.
    name, unique = regarding["name"][:200], uuid.uuid4().hex
    body: dict[str, Any] = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{unique[:16]}" if _SUBDOMAIN.fullmatch(name) else unique,
            "namespace": namespace,
        },
        "eventTime": stamp(now),
        "reportingController": reporter[0],
        "reportingInstance": reporter[1],
        "action": action,
        "reason": reason,
        "type": type,
        "note": note.encode(errors="replace")[:_NOTE].decode(errors="ignore"),
        "regarding": regarding,
    }
    if related is not None:
        body["related"] = related
    return body


def check_word(name: str, word: object) -> None:
    """Refuse a word of an event that is too long, empty, or not a text."""
    if not isinstance(word, str) or not word or len(word) > MAX_WORD:
        raise ConfigurationError(f"{name} must be a text of 1 to {MAX_WORD} characters: got {word!r}")


def reference(obj: Any, resource: Resource[Any] | None) -> dict[str, str]:
    """Return an event's reference to an object."""
    name = object_name(obj)
    kind, api_version = read(obj, "kind"), read(obj, "api_version", "apiVersion")
    if resource is not None:
        if not isinstance(resource, Resource):
            raise ConfigurationError(
                f"resource must be one, for example kind.resource or core.V1.pods: got {type(resource).__name__}"
            )
        kind, api_version = resource.kind, resource.api_version
    if not kind or not api_version:
        raise ConfigurationError(
            f"an event is about an object with kind and apiVersion, which {str(name)!r} does not say: give resource="
        )
    # Without its version, which would begin a new series each time.
    uid = uid_of(obj)
    fields = {"kind": kind, "apiVersion": api_version, "namespace": name.namespace, "name": name.name, "uid": uid}
    return {field: str(value) for field, value in fields.items() if value}


def stamp(seconds: float) -> str:
    """Return a time, in seconds since the epoch, in the form of events."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""What the body of a write says, and the options that go with it."""

from __future__ import annotations

import importlib
from typing import Any, cast

from informers.testing import failures
from informers.testing.documents import Json, decode, mapping
from informers.testing.exchange import Request
from informers.testing.queries import flag
from informers.testing.registry import DeleteOptions, WriteOptions
from informers.testing.routes import Target

__all__ = ["APPLY", "read_delete_options", "read_object", "read_options"]

#: Media type of a server-side apply.
APPLY = "application/apply-patch+yaml"


def read_object(request: Request, kind: str) -> Json:
    """Return the object that a request brings, which is to be of a kind.

    Raises:
        Failure: 400, 415.
    """
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    unrecognized = f"the object provided is unrecognized (must be of type {kind})"
    obj: Any
    if media in {APPLY, "application/yaml"}:
        # The official client needs this library, so it is there; JSON is YAML.
        yaml = importlib.import_module("yaml")
        try:
            obj = yaml.safe_load(request.body)
        except yaml.YAMLError as problem:
            raise failures.bad_request(f"error decoding YAML: {problem}") from None
    elif media in {"application/json", "*/*", ""}:
        try:
            obj = decode(request.body)
        except ValueError as problem:
            raise failures.bad_request(
                f"{unrecognized}: couldn't get version/kind; json parse error: {problem}"
            ) from None
    else:
        raise failures.unsupported_media_type(["application/json", "application/yaml"])
    if not isinstance(obj, dict):
        raise failures.bad_request(f"{unrecognized}: couldn't get version/kind; it is no mapping")
    return cast("Json", obj)


def read_options(request: Request, target: Target) -> WriteOptions:
    """Return what a write comes with besides its object."""
    agent = request.headers.get("user-agent", "").partition("/")[0]
    return WriteOptions(
        manager=request.query.get("fieldManager") or agent or "unknown",
        subresource=target.subresource,
        is_dry_run="dryRun" in request.query,
        force=flag(request.query, "force"),
    )


def read_delete_options(request: Request) -> DeleteOptions:
    """Return what a delete comes with.

    Raises:
        Failure: 400, 415.
    """
    body = read_object(request, "DeleteOptions") if request.body else {}
    preconditions = mapping(body.get("preconditions"))
    grace = request.query.get("gracePeriodSeconds") or body.get("gracePeriodSeconds")
    try:
        return DeleteOptions(
            grace_period=None if grace is None else int(grace),
            uid=preconditions.get("uid") or "",
            version=preconditions.get("resourceVersion") or "",
            propagation=request.query.get("propagationPolicy") or body.get("propagationPolicy") or "",
            is_dry_run="dryRun" in request.query or bool(body.get("dryRun")),
        )
    except ValueError:
        raise failures.bad_request(f"gracePeriodSeconds must be a whole number: got {grace!r}") from None

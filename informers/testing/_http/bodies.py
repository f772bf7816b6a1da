"""What the body of a write says, and the options that go with it."""

from __future__ import annotations

import importlib
from typing import Any, cast

from informers.testing._http import status as failures
from informers.testing._http.exchange import Request
from informers.testing._http.queries import flag
from informers.testing._http.routes import Target
from informers.testing._http.status import Cause, Failure
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.known_fields import FieldCheck, doubled_fields
from informers.testing._rules.registry import WriteOptions
from informers.testing._store.documents import Json, decode, encode, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["APPLY", "read_configuration", "read_delete_options", "read_object", "read_options"]

#: So much of a body is said again where it can't be used.
_SHOWN = 30
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_POLICIES = ("Foreground", "Background", "Orphan")

#: Nodes that YAML may come to once its aliases are followed.
_YAML_LIMIT = 100_000
_NO_PROTOBUF = (
    ". This test server reads no protobuf: send JSON. In Go set ContentType of the rest.Config to application/json. "
    "With kubectl use `kubectl create -f FILE` or `kubectl apply -f FILE` in place of `kubectl create KIND`"
)

#: Media type of a server-side apply.
APPLY = "application/apply-patch+yaml"


def read_object(request: Request, kind: str, *, says_kind: bool = False) -> Json:
    """Return the object that a request brings, which is to be of a kind.

    Args:
        request: with the object as its body.
        kind: of the object.
        says_kind: whether the object has to say its kind and version, as those of custom resources have.

    Raises:
        Failure: 400, 415.
    """
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    unrecognized = f"the object provided is unrecognized (must be of type {kind})"
    obj: Any
    if media in {APPLY, "application/yaml"}:
        try:
            obj = _read_yaml(request.body)
        except ValueError as problem:
            raise failures.bad_request(f"error decoding YAML: {problem}") from None
    elif media in {"application/json", "*/*", ""}:
        try:
            obj = decode(request.body)
        except ValueError as problem:
            raise failures.bad_request(
                f"{unrecognized}: couldn't get version/kind; json parse error: {problem}"
            ) from None
    else:
        advice = _NO_PROTOBUF if "protobuf" in media else ""
        raise failures.unsupported_media_type(["application/json", "application/yaml"], advice=advice)
    if not isinstance(obj, dict):
        raise failures.bad_request(f"{unrecognized}: couldn't get version/kind; it is not a mapping")
    content = cast("Json", obj)
    if says_kind and not content.get("kind"):
        text = request.body.decode(errors="replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
        raise failures.bad_request(f"{unrecognized}: Object 'Kind' is missing in '{text}' ({shown})")
    return content if content.get("apiVersion") or not says_kind else {**content, "apiVersion": ""}


def read_configuration(request: Request, served: Served) -> Json:
    """Return the configuration that an apply brings, which has to say what it is of.

    Raises:
        Failure: 400, 415.
    """
    config = read_object(request, served.resource.kind)
    group, _, version = str(config.get("apiVersion") or "").rpartition("/")
    said = f"{group}/{version}, Kind={config.get('kind') or ''}"
    resource = served.resource
    if said != f"{resource.group}/{resource.version}, Kind={resource.kind}":
        raise failures.bad_request(f"invalid object type: {said}")
    return config


def _read_yaml(body: bytes) -> Any:
    """Return what YAML says, as JSON: dates are texts, and so are keys.

    Raises:
        ValueError: it is no YAML, or has what JSON has not.
    """
    # The official client needs this library, so it is there; JSON is YAML.
    yaml = importlib.import_module("yaml")
    loader = yaml.SafeLoader(body)
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    try:
        content = loader.get_single_data()
        _weigh(content, {})
        return decode(encode(content))
    except (yaml.YAMLError, TypeError) as problem:
        raise ValueError(str(problem)) from problem
    finally:
        loader.dispose()


def _weigh(value: Any, known: dict[int, int]) -> int:
    """Return how many nodes a value comes to with its aliases followed; each is looked at once.

    Raises:
        ValueError: they are too many, or a value is within itself.
    """
    if not isinstance(value, (dict, list)):
        return 1
    there = cast("Json | list[Any]", value)
    if id(there) in known:
        weight = known[id(there)]
    else:
        known[id(there)] = _YAML_LIMIT + 1  # until it is known: anyone who comes by here again is within it
        weight = 1 + sum(_weigh(item, known) for item in (there.values() if isinstance(there, dict) else there))
        known[id(there)] = weight
    if weight > _YAML_LIMIT:
        raise ValueError("yaml: document contains excessive aliasing")
    return weight


def read_options(request: Request, target: Target) -> WriteOptions:
    """Return what a write comes with besides its object.

    Raises:
        Failure: 422.
    """
    agent = request.headers.get("user-agent", "").partition("/")[0]
    return WriteOptions(
        manager=request.query.get("fieldManager") or agent or "unknown",
        subresource=target.subresource,
        is_dry_run=_is_dry_run([request.query["dryRun"]] if "dryRun" in request.query else [], target.verb),
        force=flag(request.query, "force"),
        fields=_field_check(request, target.verb),
    )


def read_delete_options(request: Request) -> DeleteOptions:
    """Return what a delete comes with.

    Raises:
        Failure: 400, 415, 422.
    """
    body = read_object(request, "DeleteOptions") if request.body else {}
    preconditions = mapping(body.get("preconditions"))
    text = request.query.get("gracePeriodSeconds") or body.get("gracePeriodSeconds")
    try:
        grace = None if text is None else int(text)
    except (TypeError, ValueError):
        raise failures.bad_request(f"gracePeriodSeconds must be a whole number: got {text!r}") from None
    dry_run = [request.query["dryRun"]] if "dryRun" in request.query else sequence(body.get("dryRun"))
    return DeleteOptions(
        # The real server takes what is below zero for the least there is.
        grace_period=1 if grace is not None and grace < 0 else grace,
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        propagation=_propagation(request, body),
        is_dry_run=_is_dry_run(dry_run, "delete"),
    )


def _propagation(request: Request, body: Json) -> str:
    """Return what becomes of the objects that an object owns; empty for the default.

    Raises:
        Failure: 422.
    """
    policy = request.query.get("propagationPolicy") or body.get("propagationPolicy") or ""
    orphan = (
        flag(request.query, "orphanDependents") if "orphanDependents" in request.query else body.get("orphanDependents")
    )
    if policy and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        raise _invalid_options("delete", Cause.invalid("propagationPolicy", policy, why))
    if policy not in {"", *_POLICIES}:
        cause = Cause.not_supported("propagationPolicy", policy, [*_POLICIES, "nil"])
        raise _invalid_options("delete", cause)
    return policy or ("" if orphan is None else "Orphan" if orphan else "Background")


def _is_dry_run(values: list[Any], verb: str) -> bool:
    if set(values) - {"All"}:
        shown = " ".join(quote(str(value)) for value in values)
        why = f'Unsupported value: [{shown}]: supported values: "All"'
        raise _invalid_options(verb, Cause("FieldValueNotSupported", "dryRun", why))
    return bool(values)


def _field_check(request: Request, verb: str) -> FieldCheck:
    value = request.query.get("fieldValidation", "")
    if value not in _VALIDATIONS:
        raise _invalid_options(verb, Cause.not_supported("fieldValidation", value, list(_VALIDATIONS)))
    is_patch = verb == "patch"
    doubled = () if value == "Ignore" else doubled_fields(request.body, is_patch=is_patch)
    return FieldCheck(value or "Warn", is_patch, doubled)


def _invalid_options(verb: str, cause: Cause) -> Failure:
    return failures.invalid("meta.k8s.io", f"{verb.capitalize()}Options", "", [cause])

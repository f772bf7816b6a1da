"""The bodies and options of writes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from informers.testing._http import status as failures
from informers.testing._http.queries import flag, whole
from informers.testing._http.request_reader import Request
from informers.testing._http.routes import Target
from informers.testing._http.status import Cause, Failure
from informers.testing._rules.deletions import DeleteOptions
from informers.testing._rules.known_fields import FieldCheck, doubled_fields
from informers.testing._rules.registry import WriteOptions
from informers.testing._store.documents import Json, decode, encode, go_type, mapping, quote, sequence
from informers.testing._store.served_resources import Served

__all__ = ["APPLY", "read_configuration", "read_delete_options", "read_object", "read_options"]

#: The most characters of an invalid body in an error.
_SHOWN = 30
#: Fields of DeleteOptions, with their types here and in Go.
_DELETE_FIELDS: dict[str, tuple[type, str]] = {
    "gracePeriodSeconds": (int, "int64"),
    "preconditions": (dict, "v1.Preconditions"),
    "orphanDependents": (bool, "bool"),
    "propagationPolicy": (str, "v1.DeletionPropagation"),
    "dryRun": (list, "[]string"),
}
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
#: The most bytes of a field manager's name.
_LONGEST_MANAGER = 128
_POLICIES = ("Foreground", "Background", "Orphan")

#: The most nodes of a YAML document, with its aliases followed.
_YAML_LIMIT = 100_000
_NO_PROTOBUF = (
    ". This test server reads no protobuf: send JSON. In Go set ContentType of the rest.Config to application/json. "
    "With kubectl use `kubectl create -f FILE` or `kubectl apply -f FILE` in place of `kubectl create KIND`"
)

#: Media type of a server-side apply.
APPLY = "application/apply-patch+yaml"


def read_object(request: Request, kind: str, *, says_kind: bool = False) -> Json:
    """Return the object in a request's body.

    Args:
        request: the request.
        kind: the expected kind, for errors.
        says_kind: whether the object must state its kind, like custom objects.

    Raises:
        Failure: 400, 415.
    """
    media = request.media
    unrecognized = f"the object provided is unrecognized (must be of type {kind})"
    obj: Any
    if media in {APPLY, "application/yaml"}:
        try:
            obj = _read_yaml(request.body)
        except ValueError as problem:
            raise failures.bad_request(f"error decoding YAML: {problem}") from None
    elif media in {"application/json", ""}:
        try:
            obj = decode(request.body)
        except ValueError as problem:
            raise failures.bad_request(
                f"{unrecognized}: couldn't get version/kind; json parse error: {problem}"
            ) from None
    else:
        advice = _NO_PROTOBUF if "protobuf" in media else ""
        raise failures.unsupported_media_type(["application/json", "application/yaml"], advice=advice)
    if not isinstance(obj, (dict, type(None))):
        raise failures.bad_request(f"{unrecognized}: couldn't get version/kind; it is not a mapping")
    content = cast("Json", obj or {})
    if says_kind and not content.get("kind"):
        text = request.body.decode(errors="replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
        raise failures.bad_request(f"{unrecognized}: Object 'Kind' is missing in '{text}' ({shown})")
    return content if content.get("apiVersion") or not says_kind else {**content, "apiVersion": ""}


def read_configuration(request: Request, served: Served) -> Json:
    """Return the configuration of an apply, which must state the kind and version of the resource.

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
    """Return a YAML document as JSON: dates and keys are strings.

    Raises:
        ValueError: it is not valid, or has values that JSON lacks.
    """
    # The official client depends on this library.
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
    """Return the number of a value's nodes, with its aliases followed; visits each node once.

    Raises:
        ValueError: there are too many, or a value contains itself.
    """
    if not isinstance(value, (dict, list)):
        return 1
    node = cast("Json | list[Any]", value)
    if id(node) in known:
        weight = known[id(node)]
    else:
        known[id(node)] = _YAML_LIMIT + 1  # if it is met again before its weight is known, it contains itself
        weight = 1 + sum(_weigh(item, known) for item in (node.values() if isinstance(node, dict) else node))
        known[id(node)] = weight
    if weight > _YAML_LIMIT:
        raise ValueError("yaml: document contains excessive aliasing")
    return weight


def read_options(request: Request, target: Target) -> WriteOptions:
    """Return the options of a write.

    Raises:
        Failure: 422.
    """
    agent = request.headers.get("user-agent", "").partition("/")[0]
    manager = request.query.get("fieldManager", "")
    if len(manager.encode()) > _LONGEST_MANAGER:
        raise _invalid_options(target.verb, Cause.too_long("fieldManager", _LONGEST_MANAGER))
    if not manager.isprintable():
        at, letter = next((at, letter) for at, letter in enumerate(manager) if not letter.isprintable())
        why = f"invalid character U+{ord(letter):04X} (at position {at})"
        raise _invalid_options(target.verb, Cause.invalid("fieldManager", manager, why))
    if target.verb == "patch" and "force" in request.query and request.media != APPLY:
        raise _invalid_options("patch", Cause.forbidden("force", "may not be specified for non-apply patch"))
    return WriteOptions(
        manager=manager or agent or "unknown",
        subresource=target.subresource,
        is_dry_run=_is_dry_run([request.query["dryRun"]] if "dryRun" in request.query else [], target.verb),
        force=flag(request.query, "force"),
        fields=_field_check(request, target.verb),
    )


def read_delete_options(request: Request) -> DeleteOptions:
    """Return the options of a delete: of its body, or of the query if there is no body.

    Raises:
        Failure: 400, 415, 422.
    """
    given = _given_in_body(request) if request.body else _given_in_query(request.query)
    preconditions = mapping(given.get("preconditions"))
    grace: int | None = given.get("gracePeriodSeconds")
    return DeleteOptions(
        # The real server takes a negative period for the shortest.
        grace_period=1 if grace is not None and grace < 0 else grace,
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        propagation=_propagation(given),
        is_dry_run=_is_dry_run(sequence(given.get("dryRun")), "delete"),
    )


def _given_in_body(request: Request) -> Json:
    body = read_object(request, "DeleteOptions")
    kind, version = body.get("kind") or "DeleteOptions", body.get("apiVersion") or "meta.k8s.io/v1"
    if kind != "DeleteOptions":
        raise failures.bad_request(f"no kind {quote(kind)} is registered for version {quote(version)}")
    for field, (type_, go_name) in _DELETE_FIELDS.items():
        value = body.get(field)
        if value is not None and (not isinstance(value, type_) or (type_ is int and isinstance(value, bool))):
            where = f"Go struct field DeleteOptions.{field} of type {go_name}"
            raise failures.bad_request(f"json: cannot unmarshal {go_type(value)} into {where}")
    return body


def _given_in_query(query: Mapping[str, str]) -> Json:
    given: Json = dict(query)
    if "gracePeriodSeconds" in query:
        given["gracePeriodSeconds"] = whole(query, "gracePeriodSeconds")
    if "orphanDependents" in query:
        given["orphanDependents"] = flag(query, "orphanDependents")
    if "dryRun" in query:
        given["dryRun"] = [query["dryRun"]]
    return given


def _propagation(given: Json) -> str:
    """Return the propagation policy, for owned objects; empty for the default.

    Raises:
        Failure: 422.
    """
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    if policy is not None and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        raise _invalid_options("delete", Cause.invalid("propagationPolicy", policy, why))
    if policy not in {None, *_POLICIES}:
        cause = Cause.not_supported("propagationPolicy", str(policy), [*_POLICIES, "nil"])
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
    return FieldCheck(value or "Warn", is_patch, is_apply=request.media == APPLY, doubled=doubled)


def _invalid_options(verb: str, cause: Cause) -> Failure:
    return failures.invalid("meta.k8s.io", f"{verb.capitalize()}Options", "", [cause])

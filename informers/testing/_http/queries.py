"""The options of lists and watches: read from a query, and validated as the real server does.

Upstream: k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go (v0.37).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from informers.errors import ConfigurationError
from informers.selectors import FieldSelector, LabelSelector
from informers.testing._http import status as failures
from informers.testing._http.status import Cause, Failure
from informers.testing._store.documents import quote
from informers.testing._store.served_resources import Served
from informers.testing._store.sharding import ShardSelector
from informers.testing._store.versioned_storage import StoredRecord

__all__ = ["Query", "Selection", "decode_continue", "encode_continue", "flag", "read_version", "whole"]

_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"
#: Of a number of 64 bits. Python refuses to read thousands of them.
_MOST_DIGITS = 20


@attrs.frozen
class Selection:
    """The selected objects of a resource.

    Attributes:
        namespace: empty for all.
        labels: selector.
        fields: selector.
        shard: selector; None for all.
    """

    namespace: str
    labels: LabelSelector
    fields: FieldSelector
    shard: ShardSelector | None = None

    @property
    def matcher(self) -> Callable[[StoredRecord], bool] | None:
        """Return a predicate for the selectors, without the namespace; None if they select everything."""
        labels, fields, shard = self.labels, self.fields, self.shard
        if shard is not None:
            others = attrs.evolve(self, shard=None).matcher
            return lambda record: (
                shard.selects(namespace=record.key.rpartition("/")[0], uid=record.uid)
                and (others is None or others(record))
            )
        if labels.is_empty and fields.is_empty:
            return None
        if fields.is_empty:
            return lambda record: labels.matches(record.labels)
        return lambda record: labels.matches(record.labels) and fields.matches(lambda f: record.fields.get(f, ""))

    def covers(self, record: StoredRecord) -> bool:
        """Return whether an object is selected, also by its namespace."""
        if self.namespace and not record.key.startswith(f"{self.namespace}/"):
            return False
        matcher = self.matcher
        return matcher is None or matcher(record)


@attrs.frozen
class Query:
    """The options of a list or watch.

    Attributes:
        selection: the selected objects.
        version: `resourceVersion`, as sent.
        match: `resourceVersionMatch`.
        limit: objects per page; 0 for no limit.
        token: `continue`.
        timeout: seconds; None for the server's choice.
        bookmarks: whether a watch gets bookmarks.
        initial_events: whether a watch begins with the state; None if the query does not say.
    """

    selection: Selection
    version: str = ""
    match: str = ""
    limit: int = 0
    token: str = ""
    timeout: int | None = None
    bookmarks: bool = False
    initial_events: bool | None = None

    @classmethod
    def read(
        cls,
        served: Served,
        namespace: str,
        name: str,
        query: Mapping[str, str],
        *,
        is_watch: bool,
        streaming_lists: bool,
        sharding: bool = False,
    ) -> Query:
        """Return the options of a query.

        Raises:
            Failure: 400, 422 or 500: they are invalid.
        """
        initial = query.get("sendInitialEvents")
        found = cls(
            Selection(namespace, _labels(query), _fields(served, query, name)),
            version=query.get("resourceVersion", ""),
            match=query.get("resourceVersionMatch", ""),
            limit=max(0, whole(query, "limit") or 0),
            token=query.get("continue", ""),
            timeout=whole(query, "timeoutSeconds"),
            bookmarks=flag(query, "allowWatchBookmarks"),
            initial_events=None if initial is None else flag(query, "sendInitialEvents"),
        )
        causes = found._watch_causes(streaming_lists=streaming_lists) if is_watch else found._list_causes()
        if causes:
            raise failures.invalid("meta.k8s.io", "ListOptions", "", causes)
        shard = query.get("shardSelector", "")
        if sharding and shard:
            return attrs.evolve(found, selection=attrs.evolve(found.selection, shard=ShardSelector.parse(shard)))
        return found

    def _list_causes(self) -> list[Cause]:
        causes: list[Cause] = []
        field = "resourceVersionMatch"
        if self.match:
            if not self.version:
                causes.append(Cause.forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
            if self.token:
                causes.append(Cause.forbidden(field, f"{field} is forbidden when continue is provided"))
            if self.match not in {_EXACT, _NOT_OLDER}:
                causes.append(Cause.not_supported(field, self.match, [_EXACT, _NOT_OLDER, ""]))
            if self.match == _EXACT and self.version == "0":
                causes.append(Cause.forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
        if self.initial_events is not None:
            causes.append(Cause.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        return causes

    def _watch_causes(self, *, streaming_lists: bool) -> list[Cause]:
        causes: list[Cause] = []
        field = "resourceVersionMatch"
        if self.initial_events is not None:
            if self.match != _NOT_OLDER:
                causes.append(Cause.forbidden(field, f"sendInitialEvents requires setting {field} to {_NOT_OLDER}"))
            if not streaming_lists:
                why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
                causes.append(Cause.forbidden("sendInitialEvents", why))
        if self.match:
            if self.initial_events is None:
                why = f"{field} is forbidden for watch unless sendInitialEvents is provided"
                causes.append(Cause.forbidden(field, why))
            if self.match != _NOT_OLDER:
                causes.append(Cause.not_supported(field, self.match, [_NOT_OLDER]))
            if self.token:
                causes.append(Cause.forbidden(field, f"{field} is forbidden when continue is provided"))
        return causes


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter is set: to anything but `0` and `false`."""
    value = query.get(name)
    return value is not None and value.lower() not in {"0", "false"}


def read_version(text: str, *, is_list: bool = False) -> int:
    """Return a `resourceVersion` as a number; 0 for any.

    Raises:
        Failure: 500, or 400 for a list: it is not a number.
    """
    if not re.fullmatch(r"[0-9]*", text):
        why = "invalid syntax"
    elif len(text) > _MOST_DIGITS or (version := int(text or 0)) >= 1 << 64:
        why = "value out of range"
    else:
        return version
    cause = Cause.invalid("resourceVersion", text, f"strconv.ParseUint: parsing {quote(text)}: {why}")
    message = f"{cause.field}: {cause.message}"
    if is_list:
        raise failures.bad_request(f"invalid resource version: {message}")
    raise Failure(message, code=500, reason="")


def whole(query: Mapping[str, str], name: str) -> int | None:
    """Return a parameter that is a number; None if it is absent.

    Raises:
        Failure: 400, it is not a number.
    """
    if (text := query.get(name)) is None:
        return None
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise failures.bad_request(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    if len(text) > _MOST_DIGITS or not -1 << 63 <= (number := int(text)) < 1 << 63:
        raise failures.bad_request(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return number


def _labels(query: Mapping[str, str]) -> LabelSelector:
    try:
        return LabelSelector.parse(query.get("labelSelector", ""))
    except ConfigurationError as problem:
        raise failures.bad_request(f"unable to parse requirement: {problem}") from None


def _fields(served: Served, query: Mapping[str, str], name: str) -> FieldSelector:
    try:
        given = FieldSelector.parse(query.get("fieldSelector", ""))
    except ConfigurationError as problem:
        raise failures.bad_request(f"invalid selector: {problem}") from None
    if given.is_empty:
        return FieldSelector.coerce({"metadata.name": name}) if name else given
    if name and not any(
        r.field == "metadata.name" and r.operator == "=" and r.value == name for r in given.requirements
    ):
        raise failures.bad_request("fieldSelector metadata.name doesn't match requested name")
    for requirement in given.requirements:
        if not served.canonical_field(requirement.field):
            raise failures.bad_request(served.refusal(requirement.field))
    return FieldSelector(tuple(attrs.evolve(r, field=served.canonical_field(r.field)) for r in given.requirements))


def encode_continue(version: int, last_key: str) -> str:
    """Return the token that continues a list after `last_key` at `version`."""
    # A token has the key to start from: the first possible one after `last_key`.
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": last_key + "\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_continue(token: str, namespace: str) -> tuple[int, str]:
    """Return the version of a token (-1 for the latest), and the key after which its list continues.

    Raises:
        Failure: 400, it is not valid.
    """
    invalid = "invalid continue token: continue key is not valid"
    try:
        content: Any = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        encoding, version, start = content["v"], content["rv"], content["start"]
    except (ValueError, KeyError, TypeError):
        raise failures.bad_request(f"{invalid}: illegal base64 data or JSON") from None
    if encoding != "meta.k8s.io/v1":
        raise failures.bad_request(f"{invalid}: server does not recognize this encoded version {encoding}")
    if not isinstance(version, int) or version == 0:
        raise failures.bad_request(f"{invalid}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
    if not isinstance(start, str) or not start:
        raise failures.bad_request(f"{invalid}: encoded start key empty (version meta.k8s.io/v1)")
    after = start.removesuffix("\0")
    return version, f"{namespace}/{after}" if namespace else after

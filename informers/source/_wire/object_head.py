"""What stands at the beginning of an object's JSON, up to the end of its metadata, read without decoding it.

Servers write in Go's order: `kind` and `apiVersion` first, then the metadata, whose keys have a fixed order,
`managedFields` last. Custom resources are written with sorted keys. A pattern for each spells out every key in its
place, every string with its escapes and every map to its closing brace, so what it matches is what a decoder would
find: nothing is searched for that could be somewhere else.

Managed fields, half of most objects, are passed over. Their end is the first closing bracket, if no other list begins
before it, and a key or the object's end comes behind it. In JSON that can't be within a string, where a quotation mark
has a backslash before it. Whatever is not written like that does not match, and is decoded as a whole.

Upstream: none; client-go decodes whole objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple, final

__all__ = ["Head", "HeadReader"]

_STRING = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*"'
#: A string without a backslash. It takes a third of the time. One with a control character is found when it is read.
_PLAIN = r'"[^"]*"'
_NAME = r'"([^"\\/\x00-\x1f]+)"'
_TEXT = r'"([^"\\\x00-\x1f]+)"'
_NUMBER = r"(?:0|-?[1-9][0-9]{0,18})"
_MANAGED = r'"managedFields":\['


def _map_of(string: str) -> str:
    return rf"\{{(?:{string}:{string}(?:,{string}:{string})*)?\}}"


def _owners_of(string: str) -> str:
    flat = rf"\{{{string}:(?:{string}|true|false|null)(?:,{string}:(?:{string}|true|false|null))*\}}"
    return rf"\[(?:{flat}(?:,{flat})*)?\]"


def _in_go_order(string: str) -> str:
    """Return a pattern of what is behind the brace: name, namespace, uid, version, labels, key of managed fields."""
    time = rf"(?:{string}|null)"
    return (
        rf'"name":{_NAME}(?:,"generateName":{string})?(?:,"namespace":{_NAME})?(?:,"selfLink":{string})?'
        rf'(?:,"uid":{_TEXT})?(?:,"resourceVersion":{_TEXT})?(?:,"generation":{_NUMBER})?'
        rf'(?:,"creationTimestamp":{time})?(?:,"deletionTimestamp":{time})?(?:,"deletionGracePeriodSeconds":{_NUMBER})?'
        rf'(?:,"labels":({_map_of(string)}))?(?:,"annotations":{_map_of(string)})?'
        rf'(?:,"ownerReferences":{_owners_of(string)})?'
        rf'(?:,"finalizers":\[(?:{string}(?:,{string})*)?\])?(?:\}}|(,{_MANAGED})(?=\{{))'
    )


def _sorted_begin(string: str) -> str:
    """Return a pattern of what is behind the brace, to the key of the name: labels, the key of managed fields."""
    time = rf"(?:{string}|null)"
    return (
        rf'(?:"annotations":{_map_of(string)},)?(?:"creationTimestamp":{time},)?'
        rf'(?:"deletionGracePeriodSeconds":{_NUMBER},)?(?:"deletionTimestamp":{time},)?'
        rf'(?:"finalizers":\[(?:{string}(?:,{string})*)?\],)?(?:"generateName":{string},)?'
        rf'(?:"generation":{_NUMBER},)?(?:"labels":({_map_of(string)}),)?(?:({_MANAGED})(?=\{{)|(?="name":))'
    )


def _sorted_end(string: str) -> str:
    """Return a pattern of what begins with the key of the name: name, namespace, version, uid."""
    return (
        rf'"name":{_NAME}(?:,"namespace":{_NAME})?(?:,"ownerReferences":{_owners_of(string)})?'
        rf'(?:,"resourceVersion":{_TEXT})?(?:,"selfLink":{string})?(?:,"uid":{_TEXT})?\}}'
    )


_KIND, _VERSION = rb'"kind":"[A-Za-z0-9]+"', rb'"apiVersion":"[a-z0-9./-]+"'
#: What an object of a kind that is not known begins with, in Go's order or sorted.
_ANY = re.compile(rb'\{(?:(%s,%s)|%s,%s),"metadata":\{' % (_KIND, _VERSION, _VERSION, _KIND))
#: Behind managed fields that were the last: a key of the object. Before a name that follows them.
_KEY_BEHIND, _NAME_BEHIND = re.compile(rb',"[A-Za-z]'), b'],"name":'


@cache
def _with(string: str, pattern: Callable[[str], str]) -> re.Pattern[bytes]:
    # Compiled when first needed, for that takes milliseconds.
    return re.compile(pattern(string).encode())


def _match(pattern: Callable[[str], str], data: bytes, start: int, stop: int) -> re.Match[bytes] | None:
    """Match a part of a head; where no backslash is in it, its strings end at the next quotation mark."""
    match = _with(_PLAIN, pattern).match(data, start, stop)
    if match is not None and data.find(b"\\", start, match.end()) < 0:
        return match
    return _with(_STRING, pattern).match(data, start, stop)


class Head(NamedTuple):
    """What an object's head says.

    Attributes:
        name: never empty; neither this nor what follows has a backslash.
        namespace: None where the key is missing, and never empty; likewise the following.
        uid: as bytes of UTF-8.
        version: likewise.
        labels: the JSON of a mapping of strings.
        end: position behind the metadata.
        managed: what to leave out to be rid of the managed fields, with one of the commas beside them; (0, 0) where
            there are none.
    """

    name: bytes
    namespace: bytes | None
    uid: bytes | None
    version: bytes | None
    labels: bytes | None
    end: int
    managed: tuple[int, int]


@final
class HeadReader:
    """Reads the heads of objects of one kind.

    Args:
        kind: of the objects; empty for any.
        api_version: of the objects, if the kind is given.
    """

    def __init__(self, kind: str, api_version: str) -> None:
        self._is_of_any = not kind
        names = kind.encode(), api_version.encode()
        self._go_order = b'{"kind":"%s","apiVersion":"%s","metadata":{' % names
        self._sorted = b'{"apiVersion":"%s","kind":"%s","metadata":{' % names[::-1]

    def metadata_of(self, data: bytes, start: int = 0) -> tuple[int, bool] | None:
        """Return the position behind the brace of an object's metadata, and whether their keys are in Go's order.

        None where the object does not begin with kind, API version and metadata.
        """
        if self._is_of_any:
            match = _ANY.match(data, start)
            return None if match is None else (match.end(), match[1] is not None)
        if data.startswith(self._go_order, start):
            return start + len(self._go_order), True
        if data.startswith(self._sorted, start):
            return start + len(self._sorted), False
        return None

    def read(self, data: bytes, start: int, stop: int) -> Head | None:
        """Return the head of the object at `start:stop`; None where it is not written as expected."""
        found = self.metadata_of(data, start)
        if found is None:
            return None
        begin, is_go_order = found
        return _go_order(data, begin, stop) if is_go_order else _sorted(data, begin, stop)


def _go_order(data: bytes, begin: int, stop: int) -> Head | None:
    match = _match(_in_go_order, data, begin, stop)
    if match is None:
        return None
    name, namespace, uid, version, labels, managed = match.groups()
    if not managed:
        return Head(name, namespace, uid, version, labels, match.end(), (0, 0))
    close = _end_of_list(data, match.end(), stop)
    if close < 0 or data[close - 1 : close + 2] != b"}]}":
        return None
    end = close + 2
    if end + 1 != stop and _KEY_BEHIND.match(data, end) is None:
        return None
    return Head(name, namespace, uid, version, labels, end, (match.start(6), close + 1))


def _sorted(data: bytes, begin: int, stop: int) -> Head | None:
    match = _match(_sorted_begin, data, begin, stop)
    if match is None:
        return None
    labels, managed = match.groups()
    position, cut = match.end(), (0, 0)
    if managed:
        close = _end_of_list(data, position, stop)
        if close < 0 or data[close - 1 : close] != b"}" or not data.startswith(_NAME_BEHIND, close):
            return None
        position, cut = close + 2, (match.start(2), close + 2)
    rest = _match(_sorted_end, data, position, stop)
    if rest is None:
        return None
    name, namespace, version, uid = rest.groups()
    return Head(name, namespace, uid, version, labels, rest.end(), cut)


def _end_of_list(data: bytes, start: int, stop: int) -> int:
    """Return the position of the first closing bracket, if no list begins before it; -1 otherwise."""
    close = data.find(b"]", start, stop)
    return close if close > 0 and data.find(b"[", start, close) < 0 else -1

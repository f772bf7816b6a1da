"""Shard selectors: shares of the objects, by ranges of a hash.

Upstream: k8s.io/apiserver/pkg/sharding/parser.go, k8s.io/apimachinery/pkg/sharding (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import final

import attrs

from informers.source.shards import fnv1a
from informers.testing._http.status import Failure
from informers.testing._store.documents import quote

__all__ = ["ShardRange", "ShardSelector"]

_UID, _NAMESPACE = "object.metadata.uid", "object.metadata.namespace"
_END = "0x10000000000000000"
# What real servers read is an expression of CEL, of which they take this much.
_TOKEN = re.compile(
    r"""\s*(?:(?P<path>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)|(?P<text>'[^'\\\n]*'|"[^"\\\n]*")|(?P<sign>\|\||[(),]))"""
)
#: Numbers that CEL has for what an expression is.
_IDENTIFIER, _LITERAL, _SELECT = 3, 5, 7


@final
@attrs.frozen
class ShardRange:
    """A range of hashes of a field.

    Attributes:
        field: `object.metadata.uid` or `object.metadata.namespace`.
        start: the first hash, in hexadecimal digits behind `0x`.
        end: the first hash beyond it.
    """

    field: str
    start: str
    end: str

    def __str__(self) -> str:
        return f"shardRange({self.field}, '{self.start}', '{self.end}')"


@final
@attrs.frozen
class ShardSelector:
    """Selects the objects whose hash is in one of its ranges, which are all of one field.

    Attributes:
        ranges: one or more.
    """

    ranges: tuple[ShardRange, ...]

    @classmethod
    def parse(cls, text: str) -> ShardSelector:
        """Return the selector that a text says.

        Raises:
            Failure: 500, as the real server has it: it is not valid.
        """
        try:
            ranges = tuple(_Parser(text.strip()).ranges())
            for other in ranges[1:]:
                if other.field != ranges[0].field:
                    fields = f"{quote(ranges[0].field)} and {quote(other.field)}"
                    raise _SelectorError(f"all shard ranges must use the same field, got {fields}")
        except _SelectorError as problem:
            raise Failure(f"invalid shard selector: {problem}", code=500, reason="") from None
        return cls(ranges)

    def selects(self, *, namespace: str, uid: str) -> bool:
        """Return whether an object is selected."""
        value = fnv1a(uid if self.ranges[0].field == _UID else namespace)
        return any(int(one.start, 16) <= value < int(one.end, 16) for one in self.ranges)

    def __str__(self) -> str:
        return " || ".join(map(str, self.ranges))


class _SelectorError(ValueError):
    """A text that is no shard selector."""


class _Parser:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        if not text:
            raise _SelectorError("empty shard selector is not allowed; omit the parameter for unfiltered lists")
        self._tokens = list(_tokens(text))

    def ranges(self) -> Iterator[ShardRange]:
        yield from self._any_of()
        if self._tokens:
            raise _syntax_error()

    def _any_of(self) -> Iterator[ShardRange]:
        yield from self._one()
        while self._takes("||"):
            yield from self._one()

    def _one(self) -> Iterator[ShardRange]:
        if self._takes("("):
            yield from self._any_of()
            self._expect(")")
            return
        kind, name = self._next()
        if kind == "sign":
            raise _syntax_error()
        if kind == "text" or not self._takes("("):
            raise _SelectorError(
                f"unexpected expression kind {_number(kind, name)}; expected shardRange() call or || operator"
            )
        arguments: list[tuple[str, str]] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            kind, value = self._next()
            if kind == "sign":
                raise _syntax_error()
            arguments.append((kind, value))
        if name != "shardRange":
            raise _SelectorError(f"unsupported function {quote(name)}; only shardRange() and || are allowed")
        yield _range(arguments)

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise _syntax_error()
        return self._tokens.pop(0)

    def _takes(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise _syntax_error()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _syntax_error()
        at = match.end()
        found = match[match.lastgroup]
        yield match.lastgroup, re.sub(r"\s", "", found) if match.lastgroup == "path" else found


def _syntax_error() -> _SelectorError:
    return _SelectorError("CEL parse error: Syntax error")


def _number(kind: str, value: str) -> int:
    return _LITERAL if kind == "text" else _SELECT if "." in value else _IDENTIFIER


def _range(arguments: list[tuple[str, str]]) -> ShardRange:
    if len(arguments) != 3:
        raise _SelectorError(f"shardRange() requires exactly 3 arguments, got {len(arguments)}")
    (kind, field), *bounds = arguments
    if kind != "path":
        raise _SelectorError(
            "shardRange() first argument: expected field path (e.g. object.metadata.uid), "
            f"got expression kind {_number(kind, field)}"
        )
    if field not in {_UID, _NAMESPACE}:
        raise _SelectorError(f"unsupported field path {quote(field)}; supported: {_UID}, {_NAMESPACE}")
    start, end = (_bound(name, *bound) for name, bound in zip(("hexStart", "hexEnd"), bounds, strict=True))
    if int(start, 16) >= int(end, 16):
        raise _SelectorError(f"shard range start {start} must be less than end {end}")
    return ShardRange(field, start, end)


def _bound(name: str, kind: str, value: str) -> str:
    if kind != "text":
        raise _SelectorError(
            f"{name} must be a string literal (e.g. '0xff'), got expression kind {_number(kind, value)}"
        )
    value = value[1:-1]
    digits = value.removeprefix("0x")
    if digits == value:
        raise _SelectorError(f"{name} must have '0x' prefix, got {quote(value)}")
    if not digits:
        raise _SelectorError(f"{name}: hex value is required after '0x'")
    if len(digits) > 17:
        raise _SelectorError(f"{name}: hex value too long ({len(digits)} chars, max 17): {quote(digits)}")
    wrong = re.search(r"[^0-9a-f]", digits)
    if wrong:
        raise _SelectorError(f"{name}: invalid hex character {quote(wrong[0])} in {quote(value)}")
    if len(digits) == 17 and value != _END:
        raise _SelectorError(f"{name}: 17-digit hex value must be '{_END}' (2^64), got {quote(value)}")
    if len(digits) < 16:
        padded = quote(f"0x{digits:0>16}")
        raise _SelectorError(
            f"{name} must be a 0x-prefixed 16-digit hex value, got {quote(value)} (did you mean {padded}?)"
        )
    return value

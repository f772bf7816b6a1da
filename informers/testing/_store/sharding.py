"""Shard selectors: shares of the objects, by ranges of a hash.

Upstream: k8s.io/apiserver/pkg/sharding/parser.go, k8s.io/apimachinery/pkg/sharding (v0.37).
"""

from __future__ import annotations

import re
from typing import final

import attrs

from informers.source.shards import fnv1a
from informers.testing._http.status import Failure

__all__ = ["ShardSelector"]

_UID = "object.metadata.uid"
_BOUND = r"""\s*['"](0x[0-9a-f]{16}|0x10{16})['"]\s*"""
# The real server reads an expression of CEL, in which it knows no more than this.
_RANGE = re.compile(rf"\s*\(?\s*shardRange\(\s*(object\.metadata\.(?:uid|namespace))\s*,{_BOUND},{_BOUND}\)\s*\)?\s*")


@final
@attrs.frozen
class ShardSelector:
    """Selects the objects of which the hash of a field is in one of some ranges.

    Attributes:
        field: `object.metadata.uid` or `object.metadata.namespace`.
        ranges: for each the first hash, and the first hash beyond it.
    """

    field: str
    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> ShardSelector:
        """Return the selector that a text states.

        Raises:
            Failure: 500, as on the real server: it is not valid.
        """
        matches = [_RANGE.fullmatch(part) for part in text.split("||")]
        fields = {match[1] for match in matches if match}
        ranges = tuple((int(match[2], 16), int(match[3], 16)) for match in matches if match)
        if len(ranges) < len(matches):
            why = "expected shardRange(FIELD, '0xSTART', '0xEND'), or several with || between them"
        elif len(fields) > 1:
            why = "all shard ranges must use the same field"
        elif any(start >= end for start, end in ranges):
            why = "the start of a shard range must be less than its end"
        else:
            return cls(fields.pop(), ranges)
        raise Failure(f"invalid shard selector: {why}", code=500, reason="")

    def selects(self, *, namespace: str, uid: str) -> bool:
        """Return whether an object is selected."""
        value = fnv1a(uid if self.field == _UID else namespace)
        return any(start <= value < end for start, end in self.ranges)

    def __str__(self) -> str:
        return " || ".join(f"shardRange({self.field}, '0x{start:016x}', '0x{end:016x}')" for start, end in self.ranges)

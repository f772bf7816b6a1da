"""Shares the texts, numbers and labels that many objects have.

`sys.intern` would keep them for ever in some versions of Python. Here they end with their decoder, and their number is
limited, since a server may send a different value with each object.

Upstream: none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, final

__all__ = ["SharedTexts"]

V = TypeVar("V", str, int)

#: The most entries of each kind.
_MOST = 10_000


@final
class SharedTexts:
    """Returns equal texts, numbers and labels as one object.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._labels: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
        self._decoded: dict[bytes, Any] = {}

    def value(self, value: V) -> V:
        """Return the shared equal text or number."""
        known: V | None = self._values.get(value)
        if known is None:
            _make_room(self._values)
            known = self._values[value] = value
        return known

    def decoded(self, raw: bytes) -> str:
        """Return the text of these UTF-8 bytes."""
        known: str | None = self._decoded.get(raw)
        if known is None:
            _make_room(self._decoded)
            known = self._decoded[raw] = self.value(raw.decode())
        return known

    def decoded_labels(self, raw: bytes) -> dict[str, str]:
        """Return the labels in this JSON, a mapping of strings."""
        known: dict[str, str] | None = self._decoded.get(raw)
        if known is None:
            _make_room(self._decoded)
            known = self._decoded[raw] = self.labels(json.loads(raw))
        return known

    def labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the shared equal labels.

        Raises:
            TypeError: they are not strings.
            AttributeError: they are not a mapping.
        """
        pairs = tuple(labels.items())
        known = self._labels.get(pairs)
        if known is None:
            if not all(type(text) is str for pair in pairs for text in pair):
                raise TypeError("labels are strings")
            known = {self.value(label): self.value(value) for label, value in pairs}
            _make_room(self._labels)
            self._labels[tuple(known.items())] = known
        return known


def _make_room(known: dict[Any, Any]) -> None:
    if len(known) >= _MOST:
        known.clear()

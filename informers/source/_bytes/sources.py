"""Where an object that is read comes from: bytes, and what is known of them without unpacking.

Upstream: none.
"""

from __future__ import annotations

from typing import Protocol, final

from typing_extensions import TypedDict

__all__ = ["KnownMetadata", "OpenSource", "Source"]


class KnownMetadata(TypedDict):
    """The part of an object's metadata that a cache knows, by the names of the official client's fields."""

    name: str
    namespace: str | None
    uid: str | None
    resource_version: str | None
    labels: dict[str, str] | None


class Source(Protocol):
    """The JSON of one object."""

    @property
    def key(self) -> str:
        """Key of the object, for errors."""
        ...

    @property
    def raw(self) -> bytes:
        """The JSON, which may have to be unpacked first."""
        ...

    @property
    def metadata_end(self) -> int:
        """Position in the JSON behind the metadata; 0 where it is not known."""
        ...

    def known_metadata(self) -> KnownMetadata | None:
        """Return what is known of the metadata letter by letter, made again; None where that is nothing."""
        ...


@final
class OpenSource:
    """The JSON of one object, at hand.

    Args:
        raw: the JSON.
        key: of the object, for errors.
        behind: where the JSON comes from, and what is known about it.
    """

    __slots__ = ("_behind", "key", "metadata_end", "raw")

    def __init__(self, raw: bytes, key: str, behind: Source | None = None) -> None:
        self.raw: bytes = raw
        self.key: str = key
        self.metadata_end: int = 0 if behind is None else behind.metadata_end
        self._behind = behind

    def known_metadata(self) -> KnownMetadata | None:
        """Return what is known of the metadata."""
        return None if self._behind is None else self._behind.known_metadata()

"""The source of an object that is read: its bytes, and what is known without unpacking them.

Upstream: none.
"""

from __future__ import annotations

from typing import Protocol, final

from typing_extensions import TypedDict

__all__ = ["KnownMetadata", "OpenSource", "Source"]


class KnownMetadata(TypedDict):
    """The metadata that a cache knows, by the names of the official client's fields."""

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
        """Position in the JSON after the metadata; 0 if unknown."""
        ...

    def known_metadata(self) -> KnownMetadata | None:
        """Return the metadata that is known exactly, as new objects; None if none is."""
        ...


@final
class OpenSource:
    """The unpacked JSON of one object.

    Args:
        raw: the JSON.
        key: of the object, for errors.
        behind: the source that was unpacked.
    """

    __slots__ = ("_behind", "key", "metadata_end", "raw")

    def __init__(self, raw: bytes, key: str, behind: Source | None = None) -> None:
        self.raw: bytes = raw
        self.key: str = key
        self.metadata_end: int = 0 if behind is None else behind.metadata_end
        self._behind = behind

    def known_metadata(self) -> KnownMetadata | None:
        """Return the known metadata."""
        return None if self._behind is None else self._behind.known_metadata()

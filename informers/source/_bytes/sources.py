"""The source of an object that is read: its bytes, and what is known without unpacking them.

Upstream: none.
"""

from __future__ import annotations

from typing import Any, Protocol, final

from typing_extensions import TypedDict

from informers.errors import DecodeError
from informers.source._bytes import deep_json as deep

__all__ = ["KnownMetadata", "OpenSource", "Source", "mapping_of", "unreadable"]


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


def unreadable(message: str, source: Source, what: str) -> DecodeError:
    """Return the error for an object that can't be read; `what` it should be, for example a model's name."""
    key = source.key
    return DecodeError(f"{what} {key or 'without a name'}: {message}", key=key, raw=source.raw)


def mapping_of(source: Source, what: str = "object") -> dict[str, Any]:
    """Return a new JSON mapping of an object.

    Raises:
        DecodeError: it is not a JSON object.
    """
    try:
        mapping = deep.loads(source.raw)
    except ValueError as error:
        raise unreadable(f"is not JSON: {error}", source, what) from error
    if not isinstance(mapping, dict):
        raise unreadable("is not a JSON object", source, what)
    return mapping

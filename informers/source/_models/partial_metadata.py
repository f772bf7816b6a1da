"""Objects with only their metadata.

Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/types.go PartialObjectMetadata (v0.37).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, cast, final

from typing_extensions import TypeVar

from informers.resources import Resource
from informers.source._bytes.sources import OpenSource, Source, mapping_of, unreadable
from informers.source._models.object_makers import Maker, dump, maker, model_reader

if TYPE_CHECKING:
    from kubernetes.client import V1ObjectMeta

__all__ = ["PartialObjectMetadata", "maker_of"]

T = TypeVar("T", default=Any)


@final
class PartialObjectMetadata:
    """An object of a metadata informer; the metadata is built when it is first read.

    Args:
        source: the source of its JSON.

    Thread safety: may be read from any thread.
    """

    __slots__ = ("_metadata", "_source")

    kind = "PartialObjectMetadata"
    api_version = "meta.k8s.io/v1"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._metadata: V1ObjectMeta | None = None

    def __repr__(self) -> str:
        return f"<PartialObjectMetadata {self._source.key}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartialObjectMetadata):
            return NotImplemented
        return bool(self.metadata == other.metadata)

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # mutable, as the client's models are

    @property
    def metadata(self) -> V1ObjectMeta:
        """The official client's model; the reader may change it.

        Raises:
            DecodeError: it is unreadable.
        """
        if self._metadata is None:
            metadata = mapping_of(self._source).get("metadata")
            if not isinstance(metadata, dict):
                raise unreadable("metadata is not a JSON object", self._source, "object")
            built: V1ObjectMeta = model_reader("V1ObjectMeta").whole(
                OpenSource(json.dumps(metadata).encode(), self._source.key)
            )
            # Of two threads here at once, both must return the same object.
            if self._metadata is None:
                self._metadata = built
        return self._metadata

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON mapping, with the present metadata."""
        mapping = mapping_of(self._source) if self._metadata is None else {"metadata": dump(self._metadata)}
        return {"kind": self.kind, "apiVersion": self.api_version, **mapping}


def maker_of(resource: Resource[T], *, metadata_only: bool) -> Maker[T]:
    """Return the maker of a resource's objects, or of their metadata alone; raises the errors of `maker`."""
    return cast("Maker[T]", PartialObjectMetadata) if metadata_only else maker(resource)

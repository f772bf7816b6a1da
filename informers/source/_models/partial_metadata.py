"""Objects of which only the metadata is known.

Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/types.go PartialObjectMetadata (v0.37).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, final

from informers.errors import DecodeError
from informers.source._bytes.compression import Raw
from informers.source._models.object_makers import dump, mapping_of, model_reader

if TYPE_CHECKING:
    from kubernetes.client import V1ObjectMeta

__all__ = ["PartialObjectMetadata"]


@final
class PartialObjectMetadata:
    """An object as a metadata informer knows it; the metadata is built when it is first read.

    Args:
        raw: its JSON.
        key: for errors.

    Thread safety: may be read from any thread.
    """

    __slots__ = ("_key", "_metadata", "_raw")

    kind = "PartialObjectMetadata"
    api_version = "meta.k8s.io/v1"

    def __init__(self, raw: Raw, key: str) -> None:
        self._raw = raw
        self._key = key
        self._metadata: V1ObjectMeta | None = None

    def __repr__(self) -> str:
        return f"<PartialObjectMetadata {self._key}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartialObjectMetadata):
            return NotImplemented
        return bool(self.metadata == other.metadata)

    __hash__: ClassVar[None] = None  # type: ignore[assignment] # can be changed, as the client's models can

    @property
    def metadata(self) -> V1ObjectMeta:
        """The official client's model; the reader's own to change.

        Raises:
            DecodeError: it can't be read.
        """
        if self._metadata is None:
            metadata = mapping_of(self._raw, self._key).get("metadata")
            if not isinstance(metadata, dict):
                raise DecodeError(f"object {self._key}: metadata is not a JSON object", key=self._key)
            built: V1ObjectMeta = model_reader("V1ObjectMeta").whole(json.dumps(metadata).encode(), self._key)
            # Of two threads that are here at once, both must get the one that stays.
            if self._metadata is None:
                self._metadata = built
        return self._metadata

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON mapping, as the metadata is now."""
        mapping = mapping_of(self._raw, self._key) if self._metadata is None else {"metadata": dump(self._metadata)}
        return {"kind": self.kind, "apiVersion": self.api_version, **mapping}

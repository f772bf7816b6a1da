"""Reads objects as models of the official client: whole, or one field alone from the smallest slice of the bytes.

A slice is a guess (see `informers.source._bytes.slices`): if it can't be read, the whole object decides. What the
client refuses there is built leniently.

Metadata is lazy, too. Fields that the cache knows need no bytes; the first other field reads all but managed fields;
these, half of most objects, are only read when they are needed.

Upstream: none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Protocol, final

from kubernetes import client
from typing_extensions import TypeVar, override

from informers.source._bytes.slices import guesses, metadata_of, type_meta
from informers.source._bytes.sources import OpenSource, Source, mapping_of, unreadable
from informers.source._models.lazy import Lazy, Reader
from informers.source._models.lenient import MakesModels, MisshapenError, build

__all__ = ["ModelReader", "Models", "Part", "PartOfModel"]

T = TypeVar("T", default=Any)


class Part(Protocol):
    """One field of a model, which can be read and written alone."""

    def read(self, raw: bytes) -> Any:
        """Return its value in the JSON of an object, or in a slice of that. Raises any error."""
        ...

    def dump(self, value: Any) -> Any:
        """Return a value for JSON, or None."""
        ...


class Models(MakesModels, ABC):
    """The models of one generation of the official client.

    Attributes:
        prefix: precedes the name of a field in a model's `__dict__`.
        slots: names of slots that a model has besides its `__dict__`.
    """

    prefix: ClassVar[str] = ""
    slots: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def wires(self, model: Any) -> Mapping[str, str]:
        """Return the keys in JSON of a model's fields, by their names in its `__dict__`."""

    @abstractmethod
    def whole(self, model: Any, raw: bytes) -> Any:
        """Return the model of a JSON object. Raises any error."""

    @abstractmethod
    def part(self, model: Any, name: str) -> Part:
        """Return one field of a model, by its name in `__dict__`."""

    def begin(self, owner: ModelReader[Any], name: str, source: OpenSource) -> Any:  # noqa: ARG002  not all can
        """Return the lazy value of a field of an object; None if it has to be read as a whole."""
        return None

    @abstractmethod
    def dump(self, obj: Any) -> Any:
        """Return the JSON of a model without nulls, as `ApiClient.sanitize_for_serialization` does."""


class PartOfModel(Reader[T]):
    """What all readers here have in common.

    Args:
        models: the installed client's models.
        model: the model of the objects.
        fields: see `Reader`; all of the model's by default.
        few: see `Reader`.
    """

    def __init__(self, models: Models, model: type[T], *, fields: Iterable[str] | None = None, few: int = 5) -> None:
        self.models = models
        self.wires = models.wires(model)
        super().__init__(model, fields=self.wires if fields is None else fields, slots=models.slots, few=few)

    def read_part(self, name: str, slices: Iterable[bytes], source: Source) -> Any:
        """Return a field from the first slice that can be read; otherwise leniently. Raises DecodeError."""
        read = self.models.part(self.model, name).read
        for each in slices:
            try:
                return read(each)
            except Exception:  # noqa: BLE001, S112  the client raises various errors; another way may work
                continue
        wire = self.wires[name]
        value = mapping_of(source, self.model.__name__).get(wire)
        return vars(self.build({wire: value}, source))[name]

    def build(self, mapping: dict[str, Any], source: Source) -> T:
        """Return a model that need not be valid. Raises DecodeError."""
        try:
            built: T = build(self.models, self.model, mapping)
        except (MisshapenError, RecursionError) as error:
            raise unreadable(str(error), source, self.model.__name__) from error
        return built

    @override
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        return self.wires[name], self.models.part(self.model, name).dump(value)


@final
class ModelReader(PartOfModel[T]):
    """Reads objects of one kind, see `Reader`."""

    def __init__(self, models: Models, model: Any) -> None:
        super().__init__(models, model)
        has_metadata = model.openapi_types.get("metadata") == client.V1ObjectMeta.__name__
        self._metadata = _MetadataReader(self) if has_metadata else None
        self._metadata_name = f"{models.prefix}metadata"

    @override
    def early(self, source: Source, name: str) -> Any:
        if name != self._metadata_name or self._metadata is None:
            return None
        known = source.known_metadata()
        return None if known is None else self._metadata.lazy_of(known, source)

    @override
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        wire = self.wires[name]
        if wire in ("kind", "apiVersion"):
            said = type_meta(source.raw)
            if said is not None:
                return {name: said[wire != "kind"]}
        value = self.models.begin(self, name, source)
        if value is None:
            value = self.read_part(name, guesses(source, wire), source)
        return {name: value}

    @override
    def whole(self, source: OpenSource) -> T:
        try:
            whole: T = self.models.whole(self.model, source.raw)
        except Exception:  # noqa: BLE001  see above
            return self.build(mapping_of(source, self.model.__name__), source)
        return whole


@final
class _MetadataReader(PartOfModel[Any]):
    """Reads the metadata of objects of one kind: all but managed fields at once, these only when needed."""

    def __init__(self, owner: ModelReader[Any]) -> None:
        models, model = owner.models, client.V1ObjectMeta
        super().__init__(models, model, few=len(model.openapi_types) + 1)
        self._owner = owner
        self._managed = f"{models.prefix}managed_fields"
        self._lazy = Lazy[Any](self)

    def lazy_of(self, known: Mapping[str, Any], source: Source) -> Any:
        """Return the metadata that are known already."""
        prefix = self.models.prefix
        return self._lazy.fill({prefix + name: value for name, value in known.items()} if prefix else known, source)

    @override
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        cut = metadata_of(source)
        if cut is not None and cut.managed:
            with suppress(Exception):  # see above
                if name == self._managed:
                    return {name: self.models.part(self.model, name).read(b"{" + cut.managed + b"}")}
                values = dict(vars(self.models.whole(self.model, cut.rest)))
                del values[self._managed]
                return values
        # If the fields' own models refuse them, the whole is built leniently.
        whole: dict[str, Any] = vars(self.whole(source))
        return whole

    @override
    def whole(self, source: OpenSource) -> Any:
        cut = metadata_of(source)
        slices = [source.raw] if cut is None else [b'{"metadata":' + cut.whole + b"}", source.raw]
        return self._owner.read_part(f"{self.models.prefix}metadata", slices, source)

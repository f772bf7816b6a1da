"""Lazy models: they are built when they are read.

A lazy object is an instance of a subclass of its model with the same layout. Its only content is its source, in its own
`__dict__` under a name that no attribute can have. Two hooks do the rest:

- `__getattr__`, which Python calls for a missing field, reads that field; it only uses the bytes if the source does not
  know the field.
- `__dict__`, which code that looks at the whole object reads, adds the missing fields, then makes the object a plain
  instance of its model. The order matters: otherwise another thread would find a plain model without fields.

A field stays the same object once it was read: the reader may have changed it.

Upstream: none; client-go caches decoded objects.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Generic, cast, final

import attrs
from typing_extensions import TypeVar

from informers._base.forks import hold_forks, new_rlock
from informers.source._bytes.sources import OpenSource, Source

__all__ = ["Lazy", "Peek", "Reader", "peek"]

T = TypeVar("T")
R = TypeVar("R")

_SOURCE = "<source>"
#: No field has this name.
_WHOLE = "<whole>"

# Held for a few operations on dictionaries. Re-entrant, since the garbage collector may run a finaliser meanwhile.
_lock = new_rlock()

_new = object.__new__
_set_attribute = object.__setattr__
_set_class: Callable[[object, type], None] = vars(object)["__class__"].__set__


class Reader(ABC, Generic[T]):
    """Builds models of one kind from bytes.

    Args:
        model: the final class of the objects.
        fields: names in an object's `__dict__` that can be read alone.
        slots: names of slots that an object has besides its `__dict__`.
        few: number of fields that are read one by one; then it is cheaper to read the rest at once.
    """

    def __init__(self, model: type[T], *, fields: Iterable[str], slots: tuple[str, ...] = (), few: int = 5) -> None:
        self.model = model
        self.fields: frozenset[str] = frozenset(fields)
        self.slots = slots
        self.few = few

    def early(self, source: Source, name: str) -> Any:  # noqa: ARG002  most readers know nothing
        """Return the value of one of `fields` if the source knows it without its bytes; otherwise None."""
        return None

    @abstractmethod
    def read(self, source: OpenSource, name: str) -> Mapping[str, Any]:
        """Return the values of one of `fields` and of others that are read with it. Raises only DecodeError."""

    @abstractmethod
    def whole(self, source: OpenSource) -> T:
        """Return the plain object. Raises only DecodeError."""

    @abstractmethod
    def dump(self, name: str, value: Any) -> tuple[str, Any]:
        """Return one of `fields` for JSON: its key, and its value or None."""


@final
class Lazy(Generic[T]):
    """Makes lazy objects of one model.

    Thread safety: may be called from any thread; its objects may be read from any thread.

    Args:
        reader: builds the fields and the whole.
    """

    def __init__(self, reader: Reader[T]) -> None:
        self.reader = reader
        self._class = _lazy_class(reader)
        self._set_dict: Callable[[object, dict[str, Any]], None] = _descriptor(reader.model, "__dict__").__set__

    def __call__(self, source: Source) -> T:
        """Return an object without any fields read."""
        obj = _new(self._class)
        _set_attribute(obj, _SOURCE, source)
        return obj

    def many(self, sources: Sequence[Source]) -> list[T]:
        """Return a lazy object for each source."""
        objects = list(map(_new, repeat(self._class, len(sources))))
        deque(map(_set_attribute, objects, repeat(_SOURCE), sources), 0)
        return objects

    def fill(self, values: Mapping[str, Any], source: Source) -> T:
        """Return an object that has some of its fields already."""
        obj = _new(self._class)
        self._set_dict(obj, {**values, _SOURCE: source})
        return obj


@attrs.frozen
class Peek:
    """The present content of a lazy object.

    Attributes:
        source: where it comes from.
        read: the fields that were read, by name.
        reader: the reader of the fields.
    """

    source: Source
    read: dict[str, Any]
    reader: Reader[Any]


def peek(obj: object) -> Peek | None:
    """Return the content of a lazy object, without reading more of it; None for any other object."""
    known = _lazy_classes.get(type(obj))
    if known is None:
        return None
    reader, instance_dict = known
    with _lock:
        values = dict(instance_dict.__get__(obj)) if type(obj) in _lazy_classes else {}
    source = values.pop(_SOURCE, None)
    return None if source is None else Peek(source, values, reader)


_lazy_classes: dict[type, tuple[Reader[Any], Any]] = {}


def _descriptor(model: type, name: str) -> Any:
    for base in model.__mro__:
        if name in vars(base):
            return vars(base)[name]
    raise TypeError(f"{model.__name__} has no {name}")


def _lazy_class(reader: Reader[T]) -> type[T]:
    """Return the subclass of the reader's model whose instances are lazy.

    Type checkers can't follow a class that is made at run time, so all dynamic code is within this function.
    """
    model = reader.model
    fields, few = reader.fields, reader.few
    #: Fields that have been read from any object: their preparation is done.
    used: set[str] = set()
    instance_dict = _descriptor(model, "__dict__")
    slots = [_descriptor(model, name) for name in reader.slots]
    get_dict: Callable[[object], dict[str, Any]] = instance_dict.__get__

    def source_of(self: object) -> Source | None:
        with _lock:
            source = cast("Source | None", get_dict(self).get(_SOURCE)) if type(self) is lazy else None
            if source is None and type(self) is lazy:
                # A fork stopped the thread that completed the object, just before the last step.
                _set_class(self, model)
            return source

    def opened(self: object, source: Source) -> OpenSource:
        """Return the unpacked source, and keep it, since a reader of one field may read others."""
        if type(source) is OpenSource:
            return source
        unpacked = OpenSource(source.raw, source.key, source)
        with _lock:
            if type(self) is lazy:
                get_dict(self)[_SOURCE] = unpacked
        return unpacked

    def first_time(use: str, read: Callable[..., R], *arguments: Any) -> R:
        with hold_forks():
            made = read(*arguments)
        used.add(use)
        return made

    def complete(self: object) -> None:
        source = source_of(self)
        if source is None:
            return
        unpacked = opened(self, source)
        whole = reader.whole(unpacked) if _WHOLE in used else first_time(_WHOLE, reader.whole, unpacked)
        with _lock:
            if type(self) is not lazy:
                return
            read = get_dict(self)
            for slot in slots:
                slot.__set__(self, slot.__get__(whole))
            # A new dictionary, since dumps show the order of fields. This completes the object.
            instance_dict.__set__(self, {name: read.get(name, value) for name, value in get_dict(whole).items()})
            _set_class(self, model)

    def get_attribute(self: object, name: str) -> Any:
        source = source_of(self)
        if source is not None:
            if name in fields and len(get_dict(self)) <= few:
                value = reader.early(source, name)
                if value is not None:
                    values: Mapping[str, Any] = {name: value}
                else:
                    unpacked = opened(self, source)
                    is_used = name in used
                    values = reader.read(unpacked, name) if is_used else first_time(name, reader.read, unpacked, name)
                with _lock:
                    if type(self) is lazy:
                        known = get_dict(self)
                        for each, value in values.items():
                            known.setdefault(each, value)
                        return known[name]
            else:
                complete(self)
        return getattr(self, name)

    def of_plain(operation: Callable[..., R]) -> Callable[..., R]:
        """Return a method that makes the object a plain one, and then does what the plain one does."""

        def method(self: object, *arguments: Any) -> R:
            complete(self)
            return operation(self, *arguments)

        return method

    def deep_copy(self: object, memo: dict[int, Any] | None = None) -> object:
        source = source_of(self)
        with _lock:
            untouched = type(self) is lazy and len(get_dict(self)) == 1
        if source is not None and untouched:
            copied = _new(lazy)
            _set_attribute(copied, _SOURCE, source)
            return copied
        complete(self)
        return copy.deepcopy(self, memo)

    def call(_: type, *args: Any, **kwargs: Any) -> Any:
        return model(*args, **kwargs)

    def is_instance(_: type, instance: object) -> bool:
        return isinstance(instance, model)

    def new(_: type) -> T:
        return _new(model)

    def class_of(_: object) -> type[T]:
        return model

    # Code that calls the class of a given object, as `type(obj)(…)`, needs a plain object.
    metaclass = type(
        type(model).__name__,
        cast("tuple[type, ...]", (type(model),)),
        {
            "__call__": call,
            "__instancecheck__": is_instance,
        },
    )
    namespace = {
        "__slots__": (),
        "__module__": model.__module__,
        "__qualname__": model.__qualname__,
        "__doc__": model.__doc__,
        "__new__": new,
        "__class__": property(class_of),
        "__dict__": property(of_plain(get_dict), of_plain(instance_dict.__set__)),
        "__getattr__": get_attribute,
        "__setattr__": of_plain(setattr),
        "__delattr__": of_plain(delattr),
        "__copy__": of_plain(copy.copy),
        "__deepcopy__": deep_copy,
        "__reduce_ex__": of_plain(lambda self, protocol: self.__reduce_ex__(protocol)),
    }
    # The metaclass of pydantic's models would build validators again; the `__new__` of its base does not.
    base = next(kind for kind in type(model).__mro__ if kind.__module__ in ("abc", "builtins"))
    lazy = cast("type[T]", cast("Any", base).__new__(metaclass, model.__name__, (model,), namespace))
    _lazy_classes[lazy] = (reader, instance_dict)
    return lazy

"""Handlers of events, which users implement.

Upstream: k8s.io/client-go/tools/cache/controller.go ResourceEventHandler and its kin (v0.37).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Generic, Protocol, TypeAlias, cast, final

import attrs
from typing_extensions import TypeVar

from informers._base.checks import check_function, name_of, signature_of
from informers.errors import ConfigurationError
from informers.objects import DeletedFinalStateUnknown

__all__ = ["FilteringResourceEventHandler", "ResourceEventHandler", "ResourceEventHandlerFuncs"]

T = TypeVar("T", default=Any)
T_contra = TypeVar("T_contra", contravariant=True)

_METHODS = ("on_add", "on_update", "on_delete")

OnAdd: TypeAlias = Callable[[T], object] | Callable[[T, bool], object]
OnUpdate: TypeAlias = Callable[[T, T], object]
OnDelete: TypeAlias = Callable[[T | DeletedFinalStateUnknown[T]], object]


class ResourceEventHandler(Protocol[T_contra]):
    """Receives the events of an informer's objects.

    Each handler has its own thread, which calls it for one event at a time, in the order of the cache; the cache shows
    each event before the call. An exception is logged and counted, and the next event follows. A slow handler delays no
    other: its events wait in its own queue. The handler may change the objects it receives.
    """

    def on_add(self, obj: T_contra, is_in_initial_list: bool, /) -> None:
        """Handle an object that is new to the cache.

        Args:
            obj: the object.
            is_in_initial_list: whether the object existed when the handler was added.
        """
        ...

    def on_update(self, old: T_contra, new: T_contra, /) -> None:
        """Handle a change. On a resync, both arguments are the unchanged object."""
        ...

    def on_delete(self, obj: T_contra | DeletedFinalStateUnknown[Any], /) -> None:
        """Handle a deletion: the argument is the object's last state, or a tombstone if the deletion was missed."""
        ...


@final
@attrs.frozen(eq=False, kw_only=True)
class ResourceEventHandlerFuncs(Generic[T]):
    """A handler made of functions; you may leave out any.

    Attributes:
        on_add: takes the object, and whether it is in the initial list if it has a second parameter for that (one
            without a default, or named `is_in_initial_list`).
        on_update: takes the old object and the new one.
        on_delete: takes the object, or a `DeletedFinalStateUnknown`.

    Raises:
        ConfigurationError: a function can't be called with these arguments.

    Example:
        >>> handler = ResourceEventHandlerFuncs(on_add=lambda pod: print("new:", pod["metadata"]["name"]))
        >>> handler.call_on_add({"metadata": {"name": "web-0"}}, True)
        new: web-0
    """

    on_add: OnAdd[T] | None = None
    on_update: OnUpdate[T] | None = None
    on_delete: OnDelete[T] | None = None
    #: `on_add`, called with both arguments.
    call_on_add: Callable[[T, bool], object] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check_on_add(self.on_add)
        _check("on_update", self.on_update, "old, new")
        _check("on_delete", self.on_delete, "obj")
        object.__setattr__(self, "call_on_add", _with_flag(self.on_add))


@final
class FilteringResourceEventHandler(Generic[T]):
    """A handler that passes on only some objects, or some updates.

    An update that moves an object into the filter's range becomes an add; one that moves it out becomes a delete. For a
    tombstone, the filter checks the object in it; one without an object is passed on.

    Args:
        handler: receives the events that pass.
        filter: takes an object and returns whether it passes; None passes all. It must depend on the object alone.
        predicate: takes the old and the new object, and returns whether the update passes; None passes all. It is not
            called for adds, deletes, and updates that cross the filter. `informers.controllers` has some, for example
            `generation_changed`.

    Both run in the handler's thread.

    Raises:
        ConfigurationError: `filter`, `predicate` or `handler` is invalid, or both functions are missing.

    Upstream: k8s.io/client-go/tools/cache/controller.go FilteringResourceEventHandler (v0.37).
    """

    def __init__(
        self,
        *,
        handler: ResourceEventHandler[T] | ResourceEventHandlerFuncs[T],
        filter: Callable[[T], bool] | None = None,
        predicate: Callable[[T, T], bool] | None = None,
    ) -> None:
        if filter is None and predicate is None:
            raise ConfigurationError("give a filter, which is a function of (obj), or a predicate, of (old, new)")
        check_function("filter", filter, "obj")
        check_function("predicate", predicate, "old, new")
        self._filter: Callable[[T], bool] = filter if filter is not None else lambda _obj: True
        self._predicate = predicate
        self._handler = Callbacks.of(handler)

    def __repr__(self) -> str:
        return f"<FilteringResourceEventHandler for {self._handler.name}>"

    def on_add(self, obj: T, is_in_initial_list: bool, /) -> None:
        """Pass an add on."""
        if self._handler.on_add is not None and self._filter(obj):
            self._handler.on_add(obj, is_in_initial_list)

    def on_update(self, old: T, new: T, /) -> None:
        """Pass an update on; it becomes an add or a delete if it crosses the filter."""
        before, after = self._filter(old), self._filter(new)
        handler = self._handler
        if before and after:
            if handler.on_update is not None and (self._predicate is None or self._predicate(old, new)):
                handler.on_update(old, new)
        elif after:
            if handler.on_add is not None:
                handler.on_add(new, False)
        elif before and handler.on_delete is not None:
            handler.on_delete(old)

    def on_delete(self, obj: T | DeletedFinalStateUnknown[Any], /) -> None:
        """Pass a deletion on."""
        if self._handler.on_delete is None:
            return
        if isinstance(obj, DeletedFinalStateUnknown):
            tombstone = cast("DeletedFinalStateUnknown[T]", obj)
            passes = tombstone.obj is None or self._filter(tombstone.obj)
        else:
            passes = self._filter(obj)
        if passes:
            self._handler.on_delete(obj)


class Delivery(Protocol):
    """An event that a listener has handed over, to be delivered elsewhere."""

    @property
    def key(self) -> str:
        """Key of the object; events of one key must be delivered in order."""
        ...

    def begin(self) -> object:
        """Call the handler, and return its result; None if it has no function for this event. Its exceptions pass."""
        ...

    def finish(self, error: BaseException | None) -> None:
        """End the delivery; `error` is the handler's exception, if it raised one."""
        ...


@final
@attrs.frozen(eq=False)
class Callbacks(Generic[T]):
    """A handler as its listener calls it. A missing function is None, so that no object is made for it.

    Attributes:
        hand_over: takes an event that is delivered elsewhere; the listener's thread does not wait for it.
    """

    name: str
    on_add: Callable[[T, bool], object] | None
    on_update: OnUpdate[T] | None
    on_delete: OnDelete[T] | None
    hand_over: Callable[[Delivery], None] | None = None

    @classmethod
    def of(cls, handler: ResourceEventHandler[T] | ResourceEventHandlerFuncs[T]) -> Callbacks[T]:
        """Return the callbacks of a handler.

        Raises:
            ConfigurationError: it is not a handler.
        """
        if isinstance(handler, Callbacks):
            return cast("Callbacks[T]", handler)
        if isinstance(handler, ResourceEventHandlerFuncs):
            functions = (handler.on_add, handler.on_update, handler.on_delete)
            name = next((name_of(function) for function in functions if function is not None), "(no functions)")
            on_add = None if handler.on_add is None else handler.call_on_add
            return cls(name, on_add, handler.on_update, handler.on_delete)
        if isinstance(handler, type):
            raise ConfigurationError(f"a handler must be an instance: got the class {handler.__name__}; add ()")
        missing = [name for name in _METHODS if not callable(getattr(handler, name, None))]
        empty = [name for name in _METHODS if getattr(type(handler), name, None) is vars(ResourceEventHandler)[name]]
        others = [name for name in dir(type(handler)) if name.startswith("on_") and name not in _METHODS]
        # A subclass of the protocol may leave a method out, but hardly if it has one with nearly the same name.
        misspelt = [name for name in others if get_close_matches(name, missing or empty, cutoff=0.75)]
        if missing or misspelt:
            raise ConfigurationError(
                f"a handler has the methods on_add, on_update and on_delete: {type(handler).__name__} has no "
                f"{', '.join(missing or empty)}"
                + (f", but {', '.join(misspelt)}, which nothing would call" if misspelt else "")
                + "; to give functions use ResourceEventHandlerFuncs(on_add=...)"
            )
        _check("on_add", handler.on_add, "obj, is_in_initial_list")
        _check("on_update", handler.on_update, "old, new")
        _check("on_delete", handler.on_delete, "obj")
        return cls(name_of(handler), handler.on_add, handler.on_update, handler.on_delete)


def _check(name: str, function: object, expected: str, arguments: int | None = None) -> None:
    advice = "; informers.aio.add_event_handler takes those"
    check_function(name, function, expected, arguments=arguments, advice=advice)


def _positional(function: object) -> list[inspect.Parameter]:
    """Return the parameters that a function takes by their place; none if its signature is unknown."""
    signature = signature_of(function) if callable(function) else None
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [parameter for parameter in (signature.parameters.values() if signature else ()) if parameter.kind in kinds]


def _with_flag(on_add: Any) -> Callable[[Any, bool], object]:
    if on_add is None:
        return lambda _obj, _is_in_initial_list: None
    second = _positional(on_add)[1:2]
    # `lambda pod, queue=queue: …` is a common way to bind a value; that parameter is not for the flag.
    if second and (second[0].default is inspect.Parameter.empty or second[0].name == "is_in_initial_list"):
        flagged: Callable[[Any, bool], object] = on_add
        return flagged
    return lambda obj, _is_in_initial_list: on_add(obj)


def _check_on_add(function: object) -> None:
    required = [parameter for parameter in _positional(function) if parameter.default is parameter.empty]
    _check("on_add", function, "obj) or (obj, is_in_initial_list", 2 if len(required) == 2 else 1)

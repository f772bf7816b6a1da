"""Events of an object: added, updated, deleted; with records inside the pipeline, with objects outside.

Upstream: k8s.io/client-go/tools/cache/shared_informer.go addNotification and its like (v0.37).
"""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, final

import attrs
from typing_extensions import TypeVar

from informers.objects import object_key

__all__ = ["Added", "Deleted", "ObjectEvent", "Updated"]

T = TypeVar("T", default=Any)


# Not frozen: that would double the time to make one, and each event needs one.


@final
@attrs.define(unsafe_hash=True)
class Added(Generic[T]):
    """An object is new to the cache.

    Attributes:
        obj: the object.
        is_in_initial_list: whether it existed before the handler or the stream was added.
    """

    obj: T
    is_in_initial_list: bool

    @property
    def key(self) -> str:
        """Key of the object."""
        return object_key(self.obj)


@final
@attrs.define(unsafe_hash=True)
class Updated(Generic[T]):
    """An object has changed, or is delivered again by a resync; then `old` and `new` are the same object.

    Attributes:
        old: the state before.
        new: the state now.
    """

    old: T
    new: T

    @property
    def key(self) -> str:
        """Key of the object."""
        return object_key(self.new)


@final
@attrs.define(unsafe_hash=True)
class Deleted(Generic[T]):
    """An object was deleted.

    Attributes:
        key: key of the object.
        obj: its last known state; None if unknown.
        is_tombstone: whether the deletion itself was missed, so that `obj` may not be the last state.
    """

    key: str
    obj: T | None
    is_tombstone: bool


#: The events of a stream of `informers.aio`.
ObjectEvent: TypeAlias = Added[T] | Updated[T] | Deleted[T]

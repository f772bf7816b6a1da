"""From an object's bytes to what users see.

The resource decides what an object becomes: a lazy instance of the official client's model, a new JSON mapping, or the
result of `decode`. Two objects made from the same bytes share nothing that can be changed.

The official client is imported for the first model, since that takes half a second.

Upstream: none; k8s.io/apimachinery/pkg/runtime/serializer does this in Go.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from typing_extensions import TypeVar

from informers._base.forks import hold_forks
from informers.errors import ConfigurationError
from informers.resources import Resource
from informers.source._bytes.sources import Source, mapping_of, unreadable
from informers.source._models.lazy import Lazy, Reader

if TYPE_CHECKING:
    from informers.source._models.model_readers import Models

__all__ = ["Maker", "dump", "load_model", "maker", "model_reader"]

T = TypeVar("T", default=Any)

#: Makes the object for a reader from its source.
Maker: TypeAlias = Callable[[Source], T]


def load_model(name: str) -> type[Any]:
    """Return the official client's class of this name, for example `V1Pod`.

    Raises:
        ConfigurationError: the installed client has no such class.
    """
    with hold_forks():
        client = importlib.import_module("kubernetes.client")
        # Since version 37, this imports the model.
        model = getattr(client, name, None)
    if not isinstance(model, type) or not hasattr(model, "openapi_types"):
        raise ConfigurationError(
            f"the installed kubernetes {client.__version__} has no model {name!r}: install a version that has it, "
            "use a dynamic informer, or give a custom kind decode=, for example decode=dict"
        )
    return model


def maker(resource: Resource[T]) -> Maker[T]:
    """Return the maker of a resource's objects.

    A model takes less than a microsecond to make; if it is unreadable, `DecodeError` is raised when it is read. For
    mappings and `decode` functions, the maker raises it.

    Example:
        >>> from informers.resources import NamespacedResource
        >>> from informers.source._bytes.sources import OpenSource
        >>> make = maker(NamespacedResource("", "v1", "pods", "Pod", model="V1Pod"))
        >>> raw = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0"}}'
        >>> make(OpenSource(raw, "web-0")).metadata.name
        'web-0'

    Raises:
        ConfigurationError: the installed client lacks the model.
    """
    if resource.model:
        return cast("Maker[T]", _lazy(resource.model))
    decode = resource.decode
    if decode is None:
        # Without a model or a function, objects are mappings.
        return cast("Maker[T]", mapping_of)

    kind = resource.kind or str(resource)

    def make(source: Source) -> T:
        mapping = mapping_of(source)
        try:
            return decode(mapping)
        except Exception as error:
            # The cause does not say which object it was.
            raise unreadable(f"decode raised {error!r}", source, kind) from error

    return make


@functools.cache
def _models(*, is_validated: bool) -> Models:
    """Return the models of the installed client. They are imported late: only newer clients have pydantic."""
    with hold_forks():
        if is_validated:
            from informers.source._models.pydantic_models import PydanticModels  # noqa: PLC0415  see above

            return PydanticModels()
        from informers.source._models.openapi_models import OpenAPIModels  # noqa: PLC0415  imports the client

        return OpenAPIModels()


@functools.cache
def _lazy(name: str) -> Lazy[Any]:
    model = load_model(name)
    models = _models(is_validated=hasattr(model, "model_validate_json"))
    from informers.source._models.model_readers import ModelReader  # noqa: PLC0415  likewise, by now

    return Lazy[Any](ModelReader[Any](models, model))


def model_reader(name: str) -> Reader[Any]:
    """Return the reader that builds the official client's model of this name.

    Raises:
        ConfigurationError: the installed client has no such class.
    """
    return _lazy(name).reader


def dump(obj: Any) -> dict[str, Any]:
    """Return the JSON mapping of a model of the official client."""
    return cast("dict[str, Any]", _models(is_validated=hasattr(obj, "model_dump")).dump(obj))

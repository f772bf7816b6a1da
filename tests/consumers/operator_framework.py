"""The watching of an operator framework: kinds and namespaces come and go, and each object's handlers run in order.

Built by hand it was a task for each pair of a kind and a namespace, a task for each object that ends after some idle
seconds, and a handler that waits up to five seconds for the version of the framework's own last patch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias, final

import attrs
from kubernetes.client import ApiClient, V1CustomResourceDefinition

from informers import (
    DynamicSharedInformerFactory,
    NamespacedResource,
    NotFoundError,
    ObjectName,
    ReflectorOptions,
    SharedInformerFactory,
    aio,
)
from informers.controllers import patch_object

__all__ = ["Framework", "Handler"]

#: Takes an object, and what patches it.
Handler: TypeAlias = Callable[[dict[str, Any], Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]], Any]

#: What the watching depends on is one thing, whatever changed of it.
DIMENSIONS = ObjectName("", "dimensions")


@final
@attrs.frozen(eq=False)
class _Watched:
    """A kind that is watched: what runs its handlers."""

    controller: aio.Controller
    task: asyncio.Task[None]
    resource: NamespacedResource[Any]


@final
class Framework:
    """Calls handlers for objects of kinds, as far as the cluster serves those, in namespaces with a label.

    Args:
        api_client: of the official client.
        handlers: by group and plural, a coroutine function.
        label: of the namespaces.
        options: how to list and watch.
    """

    def __init__(
        self,
        api_client: ApiClient,
        handlers: Mapping[tuple[str, str], Handler],
        *,
        label: str,
        options: ReflectorOptions,
    ) -> None:
        self._api_client = api_client
        self._handlers = handlers
        self._label = label
        cluster = self._cluster = SharedInformerFactory(api_client, options=options)
        self._namespaces = cluster.core.v1.namespaces
        self._definitions = cluster.apiextensions.v1.custom_resource_definitions
        self.objects = DynamicSharedInformerFactory(api_client, namespace=[], options=options)
        self.watched: dict[tuple[str, str], _Watched] = {}
        self._followed: set[str] = set()
        self._dimensions = aio.Controller("dimensions", self._namespaces, self._adjust).watches(
            self._definitions, lambda _definition: [DIMENSIONS]
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        async with aio.running(self._cluster), aio.running(self.objects):
            try:
                await self._dimensions.run(stop)
            finally:
                for key in list(self.watched):
                    await self._end(key)

    async def _adjust(self, _name: ObjectName) -> None:
        """Let what is watched be what the cluster serves, and the namespaces be those with the label."""
        found = [one for one in self._definitions.lister.list() if one.metadata.deletion_timestamp is None]
        served = {(one.spec.group, one.spec.names.plural): _resource_of(one) for one in found}
        for key in self.watched.keys() - served.keys():
            await self._end(key)
        for key in served.keys() & self._handlers.keys() - self.watched.keys():
            self._begin(key, served[key])
        wanted = {
            namespace.metadata.name
            for namespace in self._namespaces.lister.list(label_selector=self._label)
            if namespace.metadata.deletion_timestamp is None
        }
        for namespace in self._followed - wanted:
            self.objects.remove_namespace(namespace)
        for namespace in wanted - self._followed:
            self.objects.add_namespace(namespace)
        self._followed = wanted

    def _begin(self, key: tuple[str, str], resource: NamespacedResource[Any]) -> None:
        kind = self.objects.for_resource(resource)
        handler = self._handlers[key]

        async def look(name: ObjectName) -> None:
            try:
                obj = kind.lister.namespace(name.namespace).get(name.name)
            except NotFoundError:
                return

            async def patch(change: Mapping[str, Any]) -> None:
                await asyncio.to_thread(patch_object, client, resource, name, change)

            await handler(obj, patch)

        controller = aio.Controller(".".join(reversed(key)), kind, look, workers=100, sync_timeout=None)
        client = controller.client(self._api_client)
        self.objects.start()
        self.watched[key] = _Watched(controller, asyncio.create_task(controller.run(asyncio.Event())), resource)

    async def _end(self, key: tuple[str, str]) -> None:
        watched = self.watched.pop(key)
        watched.task.cancel()
        await asyncio.wait({watched.task})
        await aio.release(self.objects, watched.resource)


def _resource_of(definition: V1CustomResourceDefinition) -> NamespacedResource[Any]:
    spec = definition.spec
    stored = next(version.name for version in spec.versions if version.storage)
    return NamespacedResource(spec.group, stored, spec.names.plural)

"""The controller of a custom resource, with status and finalizer.

A `Page` wants its text published: as a ConfigMap that belongs to it, and by a name in a registry outside the cluster.
Its status says where. The finalizer keeps a page that is deleted until its name is out of the registry; the ConfigMap
is deleted automatically, since the page owns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from kubernetes.client import ApiClient, CoreV1Api, V1ConfigMap, V1ObjectMeta

from informers import NotFoundError, ObjectName, SharedInformerFactory, Signal
from informers.controllers import (
    Controller,
    controller_reference,
    finalizer_added,
    finalizer_removed,
    patch_object,
)
from informers.kinds import GroupVersion, namespaced

FINALIZER = "pages.example.com/registry"


@attrs.frozen
class Page:
    """What the controller needs of a page."""

    metadata: Mapping[str, Any]
    text: str
    url: str

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Page:
        """Read the JSON mapping."""
        return cls(obj["metadata"], obj.get("spec", {}).get("text", ""), obj.get("status", {}).get("url", ""))


class V1(GroupVersion, group="example.com", version="v1"):
    """The kinds of `example.com/v1`."""

    pages: namespaced[Page] = namespaced("Page", decode=Page.from_dict)


class PageController:
    """The controller.

    Args:
        api_client: of the official client.
        registry: outside the cluster: URLs by name.
    """

    def __init__(self, api_client: ApiClient, registry: dict[str, str]) -> None:
        self._registry = registry
        self._factory = SharedInformerFactory(api_client)
        self._pages = self._factory.version(V1).pages
        self._maps = self._factory.core.v1.config_maps
        self._controller = Controller("pages", self._pages, self._reconcile).owns(self._maps)
        self._client = self._controller.client(api_client)
        self._core = CoreV1Api(self._client)

    def run(self, stop: Signal) -> None:
        """Work until `stop` is set."""
        with self._factory:
            self._controller.run(stop)

    def _reconcile(self, name: ObjectName) -> None:
        try:
            page = self._pages.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        if page.metadata.get("deletionTimestamp"):
            self._registry.pop(str(name), None)
            self._patch(name, finalizer_removed(page, FINALIZER))
            return
        if FINALIZER not in page.metadata.get("finalizers", []):
            # First: what comes after must not be left behind. The change comes back as an event.
            self._patch(name, finalizer_added(page, FINALIZER))
            return
        self._publish(name, page)
        url = self._registry.setdefault(str(name), f"https://pages.example.com/{name}")
        if page.url != url:
            self._patch(name, {"status": {"url": url}}, subresource="status")

    def _publish(self, name: ObjectName, page: Page) -> None:
        data = {"index.html": page.text}
        try:
            found: V1ConfigMap = self._maps.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            metadata = V1ObjectMeta(name=name.name, owner_references=[controller_reference(page, V1.pages)])
            self._core.create_namespaced_config_map(name.namespace, V1ConfigMap(metadata=metadata, data=data))
        else:
            if found.data != data:
                self._core.patch_namespaced_config_map(name.name, name.namespace, {"data": data})

    def _patch(self, name: ObjectName, patch: Mapping[str, Any] | None, subresource: str = "") -> None:
        if patch is not None:
            patch_object(self._client, V1.pages, name, patch, subresource=subresource)

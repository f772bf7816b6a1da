"""The controller of a custom resource, with status and finalizer.

A `Page` wants its text published: as a ConfigMap that belongs to it, and by a name in a registry outside the cluster.
Its status says where. The finalizer keeps a page that is deleted until its name is out of the registry; the ConfigMap
goes by itself, since the page owns it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import attrs
from kubernetes.client import ApiClient, CoreV1Api, CustomObjectsApi, V1ConfigMap, V1ObjectMeta, V1OwnerReference

from informers import NotFoundError, ObjectName, ResourceEventHandlerFuncs, SharedInformerFactory, object_name
from informers.kinds import GroupVersion, namespaced
from informers.workqueue import RateLimitingQueue

FINALIZER = "pages.example.com/registry"
_log = logging.getLogger("pages")


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
        self._custom = CustomObjectsApi(api_client)
        self._core = CoreV1Api(api_client)
        self._registry = registry
        self._factory = SharedInformerFactory(api_client)
        self._pages = self._factory.version(V1).pages
        self._maps = self._factory.core.v1.config_maps
        self._queue: RateLimitingQueue[ObjectName] = RateLimitingQueue(name="pages")
        for informer in (self._pages.informer, self._maps.informer):
            # A ConfigMap has the name of its page, so a change of either is a reason to look at the page.
            handler: ResourceEventHandlerFuncs[Any] = ResourceEventHandlerFuncs(
                on_add=lambda obj: self._queue.add(object_name(obj)),
                on_update=lambda _old, new: self._queue.add(object_name(new)),
                on_delete=lambda obj: self._queue.add(object_name(obj)),
            )
            informer.add_event_handler(handler)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        worker = threading.Thread(target=self._work, name="worker")
        with self._factory:
            self._factory.wait_for_cache_sync(timeout=60).raise_if_unsynced()
            worker.start()
            stop.wait()
            self._queue.shut_down()
            worker.join()

    def _work(self) -> None:
        for name in self._queue.items():
            try:
                self._reconcile(name)
            except Exception:  # noqa: BLE001  whatever it is, it is tried again
                _log.exception("%s: trying again", name)
                self._queue.add_rate_limited(name)
            else:
                self._queue.forget(name)
            finally:
                self._queue.done(name)

    def _reconcile(self, name: ObjectName) -> None:
        try:
            page = self._pages.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            return
        finalizers: list[str] = page.metadata.get("finalizers", [])
        if page.metadata.get("deletionTimestamp"):
            if FINALIZER in finalizers:
                self._registry.pop(str(name), None)
                self._patch(name, self._with_finalizers(page, [f for f in finalizers if f != FINALIZER]))
            return
        if FINALIZER not in finalizers:
            # First: what comes after must not be left behind. The change comes back as an event.
            self._patch(name, self._with_finalizers(page, [*finalizers, FINALIZER]))
            return
        self._publish(name, page)
        url = self._registry.setdefault(str(name), f"https://pages.example.com/{name}")
        if page.url != url:
            self._patch(name, {"status": {"url": url}}, status=True)

    @staticmethod
    def _with_finalizers(page: Page, finalizers: list[str]) -> Mapping[str, Any]:
        # With the version, or a finalizer that another controller has added meanwhile would be lost.
        return {"metadata": {"finalizers": finalizers, "resourceVersion": page.metadata["resourceVersion"]}}

    def _publish(self, name: ObjectName, page: Page) -> None:
        data = {"index.html": page.text}
        try:
            found: V1ConfigMap = self._maps.lister.namespace(name.namespace).get(name.name)
        except NotFoundError:
            owner = V1OwnerReference(
                api_version="example.com/v1", kind="Page", name=name.name, uid=page.metadata["uid"], controller=True
            )
            metadata = V1ObjectMeta(name=name.name, owner_references=[owner])
            self._core.create_namespaced_config_map(name.namespace, V1ConfigMap(metadata=metadata, data=data))
        else:
            if found.data != data:
                self._core.patch_namespaced_config_map(name.name, name.namespace, {"data": data})

    def _patch(self, name: ObjectName, patch: Mapping[str, Any], *, status: bool = False) -> None:
        api = self._custom
        call: Any = api.patch_namespaced_custom_object_status if status else api.patch_namespaced_custom_object
        call(
            V1.group,
            V1.version,
            name.namespace,
            "pages",
            name.name,
            patch,
            _content_type="application/merge-patch+json",
        )

"""The factory: one shared informer for each resource, typed.

Upstream: k8s.io/client-go/informers/factory.go (v0.37).
"""

from __future__ import annotations

from typing import final

from typing_extensions import TypeVar

from informers.errors import ConfigurationError
from informers.informer_factory import InformerFactory
from informers.kinds.groups import KindGroups
from informers.resources import GroupVersion

__all__ = ["SharedInformerFactory"]

V = TypeVar("V", bound=GroupVersion)


@final
class SharedInformerFactory(KindGroups, InformerFactory):
    """Makes informers and listers: `factory.core.v1.pods.informer`, `factory.apps.v1.deployments.lister`.

    The same informer each time it is asked for, so that however many ask there is one watch for each resource. Ask
    before `start`, or start again: that starts what is new.

    Args:
        api_client: a `kubernetes.client.ApiClient`; None for one with the configuration that has been loaded.
        default_resync: seconds after which handlers are told of every object again, from the cache; 0 for never.
        namespace: None for all, a name, or a collection of names: one cache, one watch for each.
        label_selector: such as `app=web`, for all kinds.
        field_selector: such as `metadata.name!=x`, for all kinds.
        transform: changes each object before it is stored.
        tweak: changes the options (`ListOptions`) of every list and watch.
        drop_managed_fields: leave `metadata.managedFields`, half of a typical object, out of what is kept.
        shard: keep a share of the objects only, such as `Shard(0, of=2)`; other processes keep the others.
        overrides: what single kinds have otherwise, such as `{core.V1.pods: KindOptions(label_selector="app=web")}`.
        watch_error_handler: told of every failure, with what happens next and when.
        options: how to list and watch.
        clock: for waiting.

    Raises:
        ConfigurationError: an argument is wrong.

    Example:
        >>> from informers.testing import APIServer
        >>> with APIServer() as server, SharedInformerFactory(server.client()) as factory:
        ...     pods = factory.core.v1.pods
        ...     factory.start()
        ...     bool(factory.wait_for_cache_sync(timeout=10)), pods.lister.list()
        (True, [])

    Thread safety: all methods may be called from any thread, also within handlers.

    Upstream: k8s.io/client-go/informers/factory.go SharedInformerFactory (v0.37).
    """

    def version(self, group_version: type[V]) -> V:
        """Return the kinds of a table of one's own: `factory.version(V1).widgets`; see `informers.resources`."""
        if not (isinstance(group_version, type) and issubclass(group_version, GroupVersion)):
            raise ConfigurationError(f"version() takes a subclass of GroupVersion: got {group_version!r}")
        return group_version(self)

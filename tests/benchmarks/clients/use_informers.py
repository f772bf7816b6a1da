"""This library: a shared informer of all pods, one handler, default options."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import attributes
from harness import Bench, seconds_per_call

bench = Bench("informers", attributes.READERS)

with bench.importing():
    from kubernetes.client import ApiClient, Configuration

    from informers import ResourceEventHandlerFuncs, SharedInformerFactory


def main() -> None:
    factory = SharedInformerFactory(ApiClient(Configuration(host=bench.url)), default_resync=0)
    pods = factory.core.v1.pods
    updated = bench.updated
    pods.informer.add_event_handler(
        ResourceEventHandlerFuncs(on_add=bench.added, on_update=lambda _old, new: updated(new)), resync_period=None
    )
    bench.start()
    factory.start()

    def reads() -> dict[str, float]:
        keys = list(islice(pods.informer.indexer.keys(), 1000))
        names = [key.split("/") for key in keys]
        listers = {namespace: pods.lister.namespace(namespace) for namespace, _ in names}
        held = [listers[namespace].get(name) for namespace, name in names]

        def each(read: Callable[[str, str], object]) -> float:
            return seconds_per_call(lambda: [read(namespace, name) for namespace, name in names]) / len(names)

        lazy = each(lambda namespace, name: listers[namespace].get(name))
        first = seconds_per_call(lambda: [attributes.status(pod) for pod in held], times=1) / len(held)
        return {
            "get_s": lazy,
            "first_status_read_s": first,
            "get_held_and_status_s": each(lambda namespace, name: attributes.status(listers[namespace].get(name))),
            "list_s": seconds_per_call(pods.lister.list),
            "list_selector_s": seconds_per_call(lambda: pods.lister.list(label_selector="app=web-0000")),
            "list_namespace_s": seconds_per_call(pods.lister.namespace(names[0][0]).list),
        }

    bench.measure(reads=reads)


if __name__ == "__main__":
    main()

"""This library: a shared informer of all pods, one handler, default options.

Variants, separated by commas: `custom` follows the same objects as custom resources, `pages` lists in pages and `whole`
in one answer instead of a stream, `deflate` packs as if zstd were not installed, `bare` has no handler: for objects of
custom kinds are mappings, and a handler that gets one has all of it decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import attributes
import attrs
from harness import Bench, seconds_per_call

bench = Bench("informers", attributes.READERS)

with bench.importing():
    from kubernetes.client import ApiClient, Configuration

    from informers import (
        DynamicSharedInformerFactory,
        ListOptions,
        ReflectorOptions,
        ResourceEventHandlerFuncs,
        SharedInformerFactory,
    )
    from informers.source._bytes import codecs


def as_one_answer(options: ListOptions) -> ListOptions:
    return attrs.evolve(options, limit=0)


def without_zstd() -> None:
    raise ImportError("no zstd in this variant")


def main() -> None:
    variants = set(filter(None, bench.args.variant.split(",")))
    if "deflate" in variants:
        codecs._zstd = without_zstd
    kind = DynamicSharedInformerFactory if "custom" in variants else SharedInformerFactory
    factory = kind(
        ApiClient(Configuration(host=bench.url)),
        default_resync=0,
        options=ReflectorOptions(streaming_lists=not variants & {"pages", "whole"}),
        tweak=as_one_answer if "whole" in variants else None,
    )
    if isinstance(factory, SharedInformerFactory):
        pods = factory.core.v1.pods
    else:
        pods = factory.for_resource("bench.example", "v1", "widgets")
    updated = bench.updated
    if "bare" not in variants:
        pods.informer.add_event_handler(
            ResourceEventHandlerFuncs(on_add=bench.added, on_update=lambda _old, new: updated(new)), resync_period=None
        )
    bench.start()
    factory.start()
    if "bare" in variants:
        factory.wait_for_cache_sync(timeout=bench.args.limit).raise_if_unsynced()
        for _ in range(len(pods.informer.indexer)):
            bench.added()

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

    bench.measure(reads=reads if variants <= {"deflate"} else None)


if __name__ == "__main__":
    main()

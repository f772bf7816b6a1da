"""cloudcoil's informer, synchronous; the newest release that this Python can install."""

from __future__ import annotations

import attributes
from harness import Bench

bench = Bench("cloudcoil", attributes.READERS)

with bench.importing():
    from cloudcoil.client import Config  # isort: skip - before caching, which it and caching import each other's
    from cloudcoil.caching import Cache
    from cloudcoil.models.kubernetes.core.v1 import Pod


def main() -> None:
    cache = Cache()
    config = Config(server=bench.url, namespace="default", token="none", cache=cache)
    informer = config.cache.get_informer(Pod, sync=True)
    informer.on_add(bench.added)
    informer.on_update(lambda _old, new: bench.updated(new))
    bench.start()
    cache.start()
    cache.wait(bench.args.limit)
    if (
        held := len(informer.list())
    ) < bench.args.pods:  # 0.6 keeps a list's first page and tells handlers nothing of it
        bench.result["error"] = f"holds {held} of {bench.args.pods} pods after its sync"
        bench.finish()
    for pod in informer.list():
        bench.added(pod)
    bench.measure()


if __name__ == "__main__":
    main()

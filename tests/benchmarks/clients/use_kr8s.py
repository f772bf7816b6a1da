"""kr8s, which has no informer: a watch, which begins with the state, into a dict; in asyncio, its faster side."""

from __future__ import annotations

import asyncio
import threading

import camel_attributes
from harness import Bench

bench = Bench("kr8s", camel_attributes.READERS)

with bench.importing():
    import kr8s.asyncio
    from kr8s.asyncio.objects import Pod


def main() -> None:
    cache: dict[tuple[str, str], Pod] = {}

    async def run() -> None:
        api = await kr8s.asyncio.api(url=bench.url)
        bench.start()
        async for event, pod in api.watch("pods", namespace=kr8s.ALL):
            key = pod.namespace, pod.name
            if event == "DELETED":
                cache.pop(key, None)
            else:
                cache[key] = pod
            if event == "ADDED":
                bench.added(pod)
            else:
                bench.updated(pod)

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    bench.measure()


if __name__ == "__main__":
    main()

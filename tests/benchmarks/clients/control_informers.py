"""A controller of all pods with eight workers, in threads or (variant `aio`) as tasks of an event loop.

Its function gets the pod from the cache and reads from it; it writes nothing.
"""

from __future__ import annotations

import asyncio
import threading

import attributes
from harness import Bench

WORKERS = 8
bench = Bench("informers", attributes.READERS)

with bench.importing():
    from kubernetes.client import ApiClient, Configuration

    from informers import ObjectName, SharedInformerFactory, aio
    from informers.controllers import Controller


def main() -> None:
    factory = SharedInformerFactory(ApiClient(Configuration(host=bench.url)))
    pods = factory.core.v1.pods
    lock = threading.Lock()
    left = bench.args.pods

    def reconcile(name: ObjectName) -> None:
        nonlocal left
        pod = pods.lister.namespace(name.namespace).get(name.name)
        with lock:
            if left:
                left -= 1
                attributes.metadata(pod)
                bench.added(pod)
            else:
                bench.updated(pod)

    async def reconcile_as_task(name: ObjectName) -> None:
        reconcile(name)

    stop = threading.Event()
    if bench.args.variant == "aio":
        controller = aio.Controller("pods", pods, reconcile_as_task, workers=WORKERS)
        running = threading.Thread(target=lambda: asyncio.run(controller.run(stop)), daemon=True)
    else:
        running = threading.Thread(
            target=Controller("pods", pods, reconcile, workers=WORKERS).run, args=(stop,), daemon=True
        )
    bench.start()
    factory.start()
    running.start()
    bench.measure()


if __name__ == "__main__":
    main()

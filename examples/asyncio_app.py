"""An asyncio application beside an informer: one task follows pods, another answers questions from the cache.

It says when a pod becomes ready, and how many there are whenever something changes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient, V1Pod

from informers import NamespacedKind, NotSyncedError, SharedInformerFactory, aio

Say = Callable[[str], object]


def is_ready(pod: V1Pod) -> bool:
    """Whether a pod is ready."""
    conditions = pod.status.conditions or [] if pod.status else []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


async def follow(pods: NamespacedKind[V1Pod], say: Say) -> None:
    """Say which pods become ready, or stop being so."""
    async with aclosing(aio.events(pods.informer)) as stream:
        async for event in stream:
            match event:
                case aio.Added(obj=pod) if is_ready(pod):
                    say(f"{event.key} is ready")
                case aio.Updated(old=old, new=new) if is_ready(old) != is_ready(new):
                    say(f"{event.key} is {'ready' if is_ready(new) else 'not ready'}")
                case aio.Deleted():
                    say(f"{event.key} is gone")
                case _:
                    pass


async def run(api_client: ApiClient, stop: asyncio.Event, say: Say = print) -> None:
    """Run until `stop` is set."""
    async with aio.running(SharedInformerFactory(api_client)) as factory:
        pods = factory.core.v1.pods
        changed = asyncio.Event()

        async def on_change(_pod: Any) -> None:
            changed.set()

        aio.add_event_handler(pods.informer, on_add=on_change, on_delete=on_change)
        factory.start()
        result = await aio.synced(factory, timeout=60, stop=stop)
        if stop.is_set():
            return
        result.raise_if_unsynced()

        async def report() -> None:
            while True:
                await changed.wait()
                changed.clear()
                # Reading the cache never waits, so it needs no await.
                say(f"{len(pods.lister.list())} pods")

        tasks = [asyncio.create_task(follow(pods, say)), asyncio.create_task(report())]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def main() -> None:
    """Run until a signal comes."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    try:
        await run(ApiClient(), stop)
    except NotSyncedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    asyncio.run(main())

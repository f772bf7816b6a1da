"""Informers for applications on an asyncio event loop: the same machinery, with a bridge to the loop.

::

    async with aio.running(factory):
        await aio.synced(factory, timeout=60)
        pods.lister.namespace("default").get("web-0")
        async for event in aio.events(pods.informer):
            ...

Listers, indexers and everything else that only reads are used as they are: they never wait. Watching goes on in the
informer's threads; what is the loop's is your handlers, objects at the same time and each object's events in order.

- `handlers`: coroutine functions as handlers;
- `streams`: events for `async for`;
- `controller`: `Controller`, whose reconcile function is a coroutine function;
- `queues`: work queues whose items are awaited;
- `waits`: waiting for a write of one's own, or a state of an object;
- `lifecycle`: start, wait, let go and stop without blocking the loop;
- `wakeups`: what all waits are made of.

Upstream: none.
"""

from informers.aio.cache_waits import wait_until as wait_until
from informers.aio.cache_waits import wait_until_seen as wait_until_seen
from informers.aio.controller import Controller as Controller
from informers.aio.coroutine_handlers import add_event_handler as add_event_handler
from informers.aio.loop_wakeups import AsyncStop as AsyncStop
from informers.aio.queues import get as get
from informers.aio.queues import items as items
from informers.aio.start_and_stop import release as release
from informers.aio.start_and_stop import running as running
from informers.aio.start_and_stop import stop as stop
from informers.aio.start_and_stop import synced as synced
from informers.aio.streams import events as events
from informers.cache.object_events import Added as Added
from informers.cache.object_events import Deleted as Deleted
from informers.cache.object_events import ObjectEvent as Event
from informers.cache.object_events import Updated as Updated

__all__ = [
    "Added",
    "AsyncStop",
    "Controller",
    "Deleted",
    "Event",
    "Updated",
    "add_event_handler",
    "events",
    "get",
    "items",
    "release",
    "running",
    "stop",
    "synced",
    "wait_until",
    "wait_until_seen",
]

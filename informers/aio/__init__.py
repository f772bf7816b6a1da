"""Informers for applications on an asyncio event loop: the same machinery, with a bridge to the loop.

::

    async with aio.running(factory):
        await aio.synced(factory, timeout=60)
        pods.lister.namespace("default").get("web-0")
        async for event in aio.events(pods.informer):
            ...

Listers, indexers and everything else that only reads are used directly: they never wait. The informer's threads watch;
your handlers run on the loop, for different objects at the same time, and for one object in the order of its events.

- `coroutine_handlers`: coroutine functions as handlers;
- `streams`: events for `async for`;
- `controller`: `Controller`, whose reconcile function is a coroutine function;
- `queues`: work queues whose items are awaited;
- `cache_waits`: waits for your own write, or for a state of an object;
- `start_and_stop`: start, wait, release and stop without blocking the loop;
- `loop_wakeups`: the building block of all waits.

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

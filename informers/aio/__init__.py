"""Informers for applications on an asyncio event loop: the same machinery, with a bridge to the loop.

::

    async with aio.running(factory):
        await aio.synced(factory, timeout=60)
        pods.lister.namespace("default").get("web-0")
        async for event in aio.events(pods.informer):
            ...

Listers, indexers and everything else that only reads are used as they are: they never wait. Watching and decoding go on
in the informer's threads; what is the loop's is your handlers, one call at a time for each.

- `handlers`: coroutine functions as handlers;
- `streams`: events for `async for`;
- `lifecycle`: start, wait and stop without blocking the loop.

Upstream: none.
"""

from informers.aio.handlers import add_event_handler as add_event_handler
from informers.aio.lifecycle import running as running
from informers.aio.lifecycle import stop as stop
from informers.aio.lifecycle import synced as synced
from informers.aio.streams import Added as Added
from informers.aio.streams import Deleted as Deleted
from informers.aio.streams import Event as Event
from informers.aio.streams import Updated as Updated
from informers.aio.streams import events as events

__all__ = [
    "Added",
    "Deleted",
    "Event",
    "Updated",
    "add_event_handler",
    "events",
    "running",
    "stop",
    "synced",
]

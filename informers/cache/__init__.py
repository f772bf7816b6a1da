"""From a source to handlers and listers.

The stages, in the order that an object passes through them::

    source → reflector → deltas → controller → indexer            → listers
                                             → processor → handlers, one thread each

- `_reflector` lists and watches, and decides what to do when that fails;
- `_pipeline.inlets` puts events into the queue, with their `scopes`: one namespace, or all;
- `_pipeline.deltas` is the queue: ordered, with each list as one atomic replacement;
- `_pipeline.cache_controller` takes from the queue, transforms, has `histories` decide what is delivered, and changes
  the cache and the handlers' queues in one step; `set_aside` has objects that can't be stored, `observers` are called
  after each step;
- `_contents` is the cache; `Indexer` reads it; a `Store` is a cache that its user fills;
- `_pipeline.processor` has a queue and a thread for each handler;
- `informer` wires them; `observed` says how far the cache is, and waits for more; `accessor` joins an informer and its
  lister; `health` reports on all of them.

Threads: one for each reflector (one per namespace), one for the controller, one for each handler. Users' code runs in
the controller's thread (transforms, index functions, error handlers) and in the handlers' threads, never under a lock,
never in a reflector's thread.

Locks, in the order in which they may be taken together: the informer's lifecycle lock; the lock of the cache's contents
(cache, versions and handlers' queues change under it in one step); a handler queue's lock. The locks of the delta queue
and of the observers are taken alone.
"""

"""From a source to handlers and listers.

The stages, in the order that an object passes through them::

    source → reflector → deltas → controller → indexer            → listers
                                             → processor → handlers, one thread each

- `_reflector` lists and watches, and decides what to do when that fails;
- `_pipeline.inlets` puts what it sees into the queue, with the `scopes` that it is of: a namespace, or all;
- `_pipeline.deltas` is the queue: in order, a list as one atomic replacement;
- `_pipeline.cache_controller` takes from the queue, transforms, has `histories` decide what is told, and changes the
  cache and the handlers' queues as one; `set_aside` has what could not be held, `observers` are called when the cache
  moved;
- `_contents` is the cache; `Indexer` reads it, and a `Store` is one that its user fills;
- `_pipeline.processor` keeps a queue and a thread for each handler;
- `informer` wires them; `observed` says how far the cache is, and waits for more; `accessor` joins an informer to its
  lister; `health` says how all of it fares.

Threads: one for each reflector (a namespace each), one controller, one for each handler. Users' code runs in the
controller's thread (transform, index functions, error handlers) and the handlers', never under a lock, never in a
reflector's.

Locks, in the order in which they may be taken together: the informer's lifecycle lock; that of the cache's contents
(cache, versions and handlers' queues change under it as one); a handler queue's. The delta queue's is taken alone, and
so is the observers'.
"""

"""From a source to handlers and listers.

The stages, in the order that an object passes through them::

    source → reflector → deltas → controller → indexer            → listers
                                             → processor → handlers, one thread each

- `reflector` lists and watches, and decides what to do when that fails;
- `deltas` is the queue behind it: in order, a list as one atomic replacement;
- `controller` takes from the queue, transforms, changes the cache, then tells the handlers;
- `indexer` is the cache: `Store` is its writing side, `Indexer` the reading one;
- `processor` keeps a queue and a thread for each handler;
- `informer` wires them; `kind` joins an informer to its lister; `health` says how all of it fares.

Threads: one for each reflector (a namespace each), one controller, one for each handler. Users' code runs in the
controller's thread (transform, index functions, error handlers) and the handlers', never under a lock, never in a
reflector's.

Locks, in the order in which they may be taken together: the informer's lifecycle lock; the controller's distribution
lock (cache and handlers' queues change under it as one); the store's; a handler queue's. The delta queue's is
taken alone.
"""

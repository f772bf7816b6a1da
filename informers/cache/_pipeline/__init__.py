"""From a reflector to the cache and the handlers, in order: queue, controller, processor."""

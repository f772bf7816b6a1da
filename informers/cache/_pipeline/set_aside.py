"""Objects of the server whose present state is not in the cache, and the reporting of failures.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandler (v0.37); an unreadable object ends a watch there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import final

from informers._base.exceptions import as_exception, clear_frames, note, report, safe_text
from informers.cache._reflector.watch_failures import (
    NextStep,
    WatchErrorHandler,
    WatchFailure,
    WatchRecovery,
    WatchRecoveryHandler,
)
from informers.errors import DecodeError

__all__ = ["SetAside"]

_log = logging.getLogger("informers.cache")


@final
class SetAside:
    """The objects of one cache that could not be stored, by key, with the reasons: they are set aside.

    Args:
        on_failure: called with every failure; None for the log alone.
        on_recovery: called when a watch works again after failures; None for the log alone.

    Attributes:
        resource: names the resource in messages; it may be changed.
        objects: by key. The controller's thread replaces or changes it; a list replaces it in one step with the cache.
        total: how often an object was set aside, or left out of an index.

    Thread safety: it belongs to the controller's thread; the attributes may be read from any thread.
    """

    def __init__(
        self, resource: str, on_failure: WatchErrorHandler | None, on_recovery: WatchRecoveryHandler | None = None
    ) -> None:
        self.resource: str = resource
        self._on_failure = on_failure
        self._on_recovery = on_recovery
        self.objects: dict[str, Exception] = {}
        self.total: int = 0
        #: Errors of the present step; their frames are cleared at its end.
        self._reasons: list[Exception] = []

    def put(self, key: str, error: Exception) -> None:
        """Set an object aside, and report that; the key is empty if it could not be read either."""
        self._reasons.append(error)
        self.total += 1
        if key:
            self.objects[key] = error
        self.report(WatchFailure(self.resource, None, error, NextStep.GO_ON, key=key))

    def take_back(self, keys: Iterable[str]) -> None:
        """Note that objects are in the cache again, or were deleted."""
        if self.objects:
            for key in keys:
                self.objects.pop(key, None)

    def keep(self, keys: Iterable[str], *, namespace: str | None) -> None:
        """Forget all objects of a namespace (None: all) except these."""
        kept = set(keys)
        self.objects = {
            key: error
            for key, error in self.objects.items()
            if key in kept or namespace not in {None, key.rpartition("/")[0]}
        }

    def report_index_failure(self, index: str, key: str, error: Exception) -> None:
        """Report an index function that raised; the object is in the cache, but not in that index."""
        reason = DecodeError(f"index function {index!r} failed: {safe_text(error)}", key=key)
        reason.__cause__ = error
        note(error, "index function %r failed on %s of %s", index, key, self.resource)
        self._reasons.append(reason)
        self.total += 1
        self.report(WatchFailure(self.resource, None, reason, NextStep.GO_ON, key=key, index=index))

    def report(self, what: WatchFailure | WatchRecovery) -> None:
        """Report a failure or recovery to its handler; with an error handler, both are logged at DEBUG only."""
        with suppress(Exception):  # of the user's filters of the log
            _log.log(logging.WARNING if self._on_failure is None else logging.DEBUG, "%s", what)
        try:
            if isinstance(what, WatchRecovery):
                if self._on_recovery is not None:
                    self._on_recovery(what)
            elif self._on_failure is not None:
                self._on_failure(what)
        except BaseException as error:  # noqa: BLE001  the handler is the user's
            reason, kind = as_exception(error), "error" if isinstance(what, WatchFailure) else "recovery"
            report(_log, reason, "the %s handler of %s failed on: %s", kind, self.resource, str(what))

    def clear_frames(self) -> None:
        """Release the objects that the tracebacks of this step's errors reference."""
        while self._reasons:
            clear_frames(self._reasons.pop())

"""The notifications of a user's functions, and the log lines for their exceptions.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandlerWithContext (v0.37).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, final

from informers._base.exceptions import as_exception, report
from informers.cache._reflector.interrupts import Interrupts
from informers.cache._reflector.progress import Outage
from informers.cache._reflector.watch_failures import (
    NextStep,
    WatchErrorHandler,
    WatchFailure,
    WatchRecovery,
    WatchRecoveryHandler,
)

__all__ = ["Notices"]

_log = logging.getLogger("informers")


@final
class Notices:
    """Calls a reflector's user functions, and logs what they raise.

    Attributes:
        resource: as given; it may be changed.

    Thread safety: `failed` and `recovered` belong to the reflector's thread; the rest may be used from any.
    """

    def __init__(
        self,
        resource: str,
        namespace: str | None,
        *,
        on_failure: WatchErrorHandler | None,
        on_recovery: WatchRecoveryHandler | None,
        interrupts: Interrupts,
    ) -> None:
        self.resource: str = resource
        self._namespace = namespace
        self._on_failure = on_failure
        self._on_recovery = on_recovery
        self._interrupts = interrupts

    @property
    def name(self) -> str:
        """Name of the watch in the log: the resource, and its namespace if it has one."""
        return self.resource if self._namespace is None else f"{self.resource} in {self._namespace}"

    def failed(self, error: Exception, next_step: NextStep, delay: float = 0.0) -> None:
        """Notify of a failure, and of the next step in `delay` seconds."""
        self._tell(self._on_failure, WatchFailure(self.resource, self._namespace, error, next_step, delay))

    def recovered(self, outage: Outage) -> None:
        """Notify that a watch works after failures."""
        self._tell(
            self._on_recovery,
            WatchRecovery(self.resource, self._namespace, outage.seconds, outage.failures, outage.is_first),
        )

    def guarded(self, function: Callable[[], object], message: str) -> None:
        """Call a function that may be the user's; its exception is logged with `message`, which takes the resource."""
        try:
            function()
        except BaseException as error:  # noqa: BLE001  a user's error must not end this thread
            report(_log, as_exception(error), message, self.resource)

    def _tell(self, listener: Callable[[Any], object] | None, what: WatchFailure | WatchRecovery) -> None:
        # A failure after a stop is the broken-off request.
        if listener is not None and not self._interrupts.stopped:
            self.guarded(lambda: listener(what), "%s: a failure handler failed")

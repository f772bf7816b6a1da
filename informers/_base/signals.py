"""A flag that is raised once, can be waited for, and calls back.

Stop requests and has-synced states are such flags. `threading.Event` has no callbacks, so a wait for the first of
several events, or the interruption of a blocked read, would need polling or another thread.

Upstream: `DoneChecker` in k8s.io/client-go/tools/cache/shared_informer.go, and channels (v0.37).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import final

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import report
from informers._base.forks import OfOneProcess, new_condition
from informers.errors import ConfigurationError

__all__ = ["Signal"]

_log = logging.getLogger("informers")


@final
class Signal(OfOneProcess):
    """A flag that goes from unset to set, once and for ever.

    Thread safety: all methods may be called from any thread, and from within a callback. A signal handler
    (`signal.signal`) may call `set`; `threading.Event.set` can lock up there, if it interrupts a wait for the event.
    """

    __slots__ = ("_callbacks", "_clock", "_condition", "_set")

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._condition = new_condition()
        self._set = False
        #: By a token, since the same function may be given twice.
        self._callbacks: dict[object, Callable[[], object]] = {}

    def __repr__(self) -> str:
        return f"<Signal {'set' if self._set else 'unset'}>"

    def is_set(self) -> bool:
        """Return whether the flag has been raised."""
        return self._set

    def set(self) -> None:
        """Raise the flag: wake the waiting threads, then run the callbacks, in this thread. Works once."""
        with self._condition:
            if self._set:
                return
            self._set = True
            callbacks, self._callbacks = self._callbacks, {}
            self._condition.notify_all()
        interrupt: KeyboardInterrupt | None = None
        for callback in callbacks.values():
            try:
                callback()
            except BaseException as error:  # noqa: BLE001  a callback's error is not the caller's, not even an exit
                report(_log, error, "a callback of a signal failed")
                # Only Ctrl-C, which reaches the main thread alone, is meant for the code that runs there.
                if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                    interrupt = error
        if interrupt is not None:
            raise interrupt

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set, at most `timeout` seconds; return whether it is."""
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._condition:
            while not self._set:
                left = None if deadline is None else deadline - self._clock.monotonic()
                if left is not None and left <= 0:
                    return False
                self._clock.wait(self._condition, left)
            return True

    def add_callback(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` when the flag is set, or now if it is set already.

        The callback runs in the thread that sets the flag, and must be short. Its exceptions are logged there.

        Returns:
            A function that withdraws the callback; without effect once it has run.

        Raises:
            ConfigurationError: it is not a function.
        """
        if not callable(callback):
            raise ConfigurationError(f"callback must be a function of (): got {type(callback).__name__}")
        with self._condition:
            if not self._set:
                token = object()
                self._callbacks[token] = callback

                def withdraw() -> None:
                    with self._condition:
                        self._callbacks.pop(token, None)

                return withdraw
        callback()
        return lambda: None

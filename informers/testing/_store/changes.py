"""Waits for what a test expects, for example of the stored objects: after each change, or by polling.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

from informers._base.clock import SYSTEM_CLOCK
from informers._base.forks import new_condition

__all__ = ["Changes", "poll"]


@final
class Changes:
    """Counts changes, so that a wait looks again after each of them and not in between.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._changed = new_condition()
        self._count = 0

    def note(self) -> None:
        """Note that something has changed."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_until(self, look: Callable[[], object], timeout: float) -> bool:
        """Call `look`, under no lock, now and after changes until it returns true; return whether it has.

        Args:
            look: may call functions of users.
            timeout: seconds of real time.
        """
        deadline = SYSTEM_CLOCK.monotonic() + timeout
        while True:
            count = self._count
            if look():
                return True
            with self._changed:
                while self._count == count:
                    if (left := deadline - SYSTEM_CLOCK.monotonic()) <= 0:
                        return False
                    self._changed.wait(left)


def poll(look: Callable[[], bool], timeout: float) -> bool:
    """Call `look` 50 times a second until it returns true; return whether it has.

    Args:
        look: called at least once.
        timeout: seconds of real time.
    """
    pause, deadline = threading.Event(), SYSTEM_CLOCK.monotonic() + timeout
    while not (found := look()) and SYSTEM_CLOCK.monotonic() < deadline:
        pause.wait(0.02)
    return found

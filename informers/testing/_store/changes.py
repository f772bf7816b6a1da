"""Waits until what is stored satisfies a predicate.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest/komega.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import final

from informers._base.clock import SYSTEM_CLOCK
from informers._base.forks import new_condition
from informers.errors import StatusError
from informers.testing._store.documents import Json

__all__ = ["Changes"]


@final
class Changes:
    """Counts writes, so that a wait looks again after each of them and not in between.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._written = new_condition()
        self._count = 0

    def note(self) -> None:
        """Note that something was written."""
        with self._written:
            self._count += 1
            self._written.notify_all()

    def wait_for(
        self, what: str, get: Callable[[], Json], predicate: Callable[[Json | None], object], timeout: float
    ) -> Json | None:
        """Wait until an object satisfies `predicate`; return it.

        Args:
            what: names the object in the error.
            get: returns the object, or raises StatusError where it is absent.
            predicate: gets the object, or None; called in this thread, under no lock.
            timeout: real seconds.

        Raises:
            TimeoutError: it did not in time; with the object as it is.
        """
        deadline = SYSTEM_CLOCK.monotonic() + timeout
        while True:
            count = self._count
            try:
                found: Json | None = get()
            except StatusError:
                found = None
            if predicate(found):
                return found
            with self._written:
                left = deadline - SYSTEM_CLOCK.monotonic()
                if left <= 0 or not self._written.wait_for(partial(self._is_after, count), left):
                    raise TimeoutError(f"{what} was not as wanted within {timeout:g} s: it is {found!r}")

    def _is_after(self, count: int) -> bool:
        return self._count != count

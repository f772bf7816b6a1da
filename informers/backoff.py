"""Growing pauses between retries, with jitter.

Upstream: k8s.io/apimachinery/pkg/util/wait/backoff.go as used by k8s.io/client-go/tools/cache/reflector.go (v0.37).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import attrs

from informers._base.checks import as_number
from informers._base.clock import SYSTEM_CLOCK, Clock
from informers.errors import ConfigurationError

__all__ = ["Backoff", "BackoffSettings"]


def _positive(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < as_number(value) < math.inf:
        raise ConfigurationError(f"{attribute.name} must be a number of seconds above zero: got {value!r}")


def _at_least_one(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    # Pauses that shrink would end in a hot loop.
    if not 1 <= as_number(value) < math.inf:
        raise ConfigurationError(f"{attribute.name} must be a number from 1 up: got {value!r}")


def _not_negative(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= as_number(value) < math.inf:
        raise ConfigurationError(f"{attribute.name} must be a number from 0 up: got {value!r}")


@final
@attrs.frozen(kw_only=True)
class BackoffSettings:
    """How the pauses between retries grow.

    Attributes:
        initial: seconds of the first pause, before jitter.
        maximum: seconds of the longest pause, before jitter.
        factor: each pause is this many times the one before.
        jitter: a pause of `d` seconds becomes a random one between `d` and `d * (1 + jitter)`.
        reset_after: seconds without a failure after which the next pause is `initial` again.

    Raises:
        ConfigurationError: a number is out of range.
    """

    initial: float = attrs.field(default=0.8, validator=_positive)
    maximum: float = attrs.field(default=30.0, validator=_positive)
    factor: float = attrs.field(default=2.0, validator=_at_least_one)
    jitter: float = attrs.field(default=1.0, validator=_not_negative)
    reset_after: float = attrs.field(default=120.0, validator=_positive)


@final
class Backoff:
    """The pauses of one operation that is retried.

    Thread safety: none; it belongs to the thread that retries.
    """

    def __init__(
        self,
        settings: BackoffSettings | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._settings = settings or BackoffSettings()
        self._clock = clock
        self._uniform = uniform
        self._base = self._smallest
        self._quiet_since = clock.monotonic()

    def next(self, *, at_least: float = 0.0) -> float:
        """Return the seconds to wait before the next try.

        Args:
            at_least: seconds that the other side asked for (Retry-After).
        """
        settings = self._settings
        now = self._clock.monotonic()
        if now - self._quiet_since > settings.reset_after:
            self._base = self._smallest
        base = self._base
        self._base = min(base * settings.factor, settings.maximum)
        pause = max(self._uniform(base, base * (1 + settings.jitter)), at_least)
        # The pause itself does not show that all is well: the quiet time starts when it is over.
        self._quiet_since = now + pause
        return pause

    def reset(self) -> None:
        """Begin with the initial pause again."""
        self._base = self._smallest

    @property
    def _smallest(self) -> float:
        return min(self._settings.initial, self._settings.maximum)

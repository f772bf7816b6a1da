"""How a reflector lists and watches.

Upstream: k8s.io/client-go/tools/cache/reflector.go ReflectorOptions (v0.37).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import final

import attrs

from informers.backoff import BackoffSettings
from informers.errors import ConfigurationError
from informers.functions import check_function

__all__ = ["ReflectorOptions", "check_options"]

#: Seconds: a server takes no more than fits into an int32, and twice this is asked for.
_LONGEST = 1e9


def _uniform(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311  spreads load, hides nothing


def _is_number(value: object, kinds: type | tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


@final
@attrs.frozen(kw_only=True)
class ReflectorOptions:
    """How a reflector lists and watches.

    Attributes:
        page_size: objects in a page of a list; 0 for 500, or for all where the server has a watch cache to read from.
        streaming_lists: whether to try streaming lists.
        min_watch_timeout: the server is asked to end a watch after one to two times as many seconds, at random.
        backoff: how the pauses after failures grow.
        uniform: returns a random number between two; for jitter.

    Raises:
        ConfigurationError: a number is out of range, or something is of another type.

    Upstream: k8s.io/client-go/tools/cache/reflector.go ReflectorOptions (v0.37).
    """

    page_size: int = 0
    streaming_lists: bool = True
    min_watch_timeout: float = 300.0
    backoff: BackoffSettings = attrs.field(factory=BackoffSettings)
    uniform: Callable[[float, float], float] = _uniform

    def __attrs_post_init__(self) -> None:
        is_page_size = _is_number(self.page_size, int) and self.page_size >= 0
        is_timeout = _is_number(self.min_watch_timeout, (int, float)) and 1 <= self.min_watch_timeout <= _LONGEST
        if not is_page_size or not is_timeout:
            raise ConfigurationError(
                f"page_size must not be negative and min_watch_timeout at least a second: "
                f"got {self.page_size!r} and {self.min_watch_timeout!r}"
            )
        if not isinstance(self.backoff, BackoffSettings):
            raise ConfigurationError(f"backoff must be BackoffSettings: got {self.backoff!r}")
        if not callable(self.uniform):
            raise ConfigurationError(f"uniform must be a function of (low, high): got {self.uniform!r}")
        check_function("uniform", self.uniform, "low, high")


def check_options(options: object) -> None:
    """Refuse what is neither None nor options.

    Raises:
        ConfigurationError: saying so.
    """
    if not (options is None or isinstance(options, ReflectorOptions)):
        raise ConfigurationError(f"options must be ReflectorOptions: got {options!r}")

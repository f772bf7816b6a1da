"""What callers give, checked.

Upstream: none.
"""

from __future__ import annotations

from informers.errors import ConfigurationError

__all__ = ["check_period", "check_timeout"]


def check_period(name: str, seconds: object) -> float:
    """Return a period.

    Raises:
        ConfigurationError: it is no number of seconds, or negative.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise ConfigurationError(f"{name} must be a number of seconds, or 0 for never: got {seconds!r}")
    return float(seconds)


def check_timeout(timeout: object) -> None:
    """Refuse what is no timeout.

    Raises:
        ConfigurationError: it is neither None nor a number of seconds, or negative.
    """
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise ConfigurationError(f"timeout must be None or not negative, in seconds: got {timeout!r}")

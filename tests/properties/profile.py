"""How long the random tests run: the same short run every time, or a longer one that differs.

`HISTORIES=20` makes twenty times as many examples, and others each time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["TIMES", "histories"]

TIMES = int(os.environ.get("HISTORIES", "1"))


def histories(examples: int, *, steps: int = 30) -> settings:
    """Return the settings for a test of so many examples."""
    return settings(
        max_examples=examples * TIMES,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
    )

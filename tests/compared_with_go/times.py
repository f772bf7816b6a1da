"""How soon a cache is whole again, with client-go and with this library, script by script.

`python -m tests.compared_with_go.times` writes what it measures into `times.json`, which the page shows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import final

import attrs

from informers import ReflectorOptions
from tests.compared_with_go import ours
from tests.compared_with_go.performance import SCRIPTS, play_to_client_go
from tests.compared_with_go.server import serving
from tests.compared_with_go.vocabulary import Script

__all__ = ["MEASURED", "SLOWER", "Times", "measure", "measured"]

MEASURED = Path(__file__).with_name("times.json")
PLAYS = 3
#: Informers of this library that run at once: with more, they would wait for each other.
_AT_ONCE = 12
#: Seconds by which both may differ whatever the factor: machines are busy, and Python starts slower.
_MOMENT = 0.5
#: The pauses that both have by default. Of their jitter here the middle is taken, so that it is no matter of chance.
_OPTIONS = ReflectorOptions(uniform=lambda low, high: (low + high) / 2)

_REFUSED = "client-go accepts this as a list. Here it is a failure, and costs a pause."
#: Scripts in which this library may take more than one and a half times as long as client-go, and why.
SLOWER: Mapping[str, str] = {
    "a list without a kind": _REFUSED,
    "a list with bytes that are no UTF-8": _REFUSED,
    "mappings, and a failure that says it is well": _REFUSED,
}


@final
@attrs.frozen
class Times:
    """Seconds from a client's first request until the cache was whole, the median of some plays.

    None where it was not within the script's time.
    """

    client_go: float | None
    ours: float | None

    @property
    def is_slower(self) -> bool:
        """Whether this library took more than one and a half times as long as client-go, and half a second more."""
        if self.ours is None or self.client_go is None:
            return self.client_go is not None
        return self.ours > max(1.5 * self.client_go, self.client_go + _MOMENT)


def measure(scripts: Sequence[Script], *, plays: int = PLAYS) -> dict[str, Times]:
    """Play scripts some times to both, in one run: first all to client-go, then all to this library."""
    from kubernetes.client import ApiClient, Configuration

    if not scripts:
        return {}
    ApiClient(Configuration())
    played = sorted((script for script in scripts if not script.crashes), key=lambda script: -script.takes)
    theirs, mine = ([f"{side}-{number}" for number in range(plays)] for side in ("client-go", "ours"))
    with serving(scripts) as server, ThreadPoolExecutor(_AT_ONCE) as pool:
        for client in theirs:
            play_to_client_go(played, server, client)
        futures = [
            pool.submit(ours.play, script, server.url(client, script), _OPTIONS) for script in played for client in mine
        ]
        for future in futures:
            future.result()

        def middle(clients: Sequence[str], script: Script) -> float | None:
            seconds = [server.seconds(client, script) for client in clients]
            known = [value for value in seconds if value is not None]
            return round(median(known), 2) if len(known) == plays else None

        return {script.name: Times(middle(theirs, script), middle(mine, script)) for script in played}


def measured() -> dict[str, Times]:
    """Return what was written last."""
    return {name: Times(*pair) for name, pair in json.loads(MEASURED.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    logging.disable()
    found = measure(SCRIPTS)
    lines = (f"  {json.dumps(name)}: {json.dumps([times.client_go, times.ours])}" for name, times in found.items())
    MEASURED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")

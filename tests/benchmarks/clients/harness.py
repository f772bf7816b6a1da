"""What every client's process does around its library: start, count, ask for events, measure itself, print one line of
JSON.

Only the standard library is imported here, and as little of it as will do: this is inside what is measured. Memory is
the process's own (VmRSS, VmHWM), read once as it is when synced and once after a collection; the figures name which.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Reader = Callable[[Any], object]
QUIET = (
    5.0  # seconds without an event after which a burst counts as over: kopf hands out only the last of several changes
)


class Bench:
    """One client's run.

    Args:
        peer: The client's name in the table.
        readers: By name, what a handler reads of an object: "metadata", "status", "everything", and "sent", which
            gives the annotation with the time of sending.
    """

    def __init__(self, peer: str, readers: Mapping[str, Reader]) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("--server", required=True, help="host:port")
        parser.add_argument("--pods", type=int, required=True)
        parser.add_argument("--events", type=int, required=True)
        parser.add_argument("--bursts", default="metadata,status,everything")
        parser.add_argument("--steady", type=int, default=0)
        parser.add_argument("--rate", type=float, default=200)
        parser.add_argument("--limit", type=float, default=300, help="seconds that any one phase may take")
        parser.add_argument("--variant", default="", help="an option of the client to use; see the client's script")
        self.args = parser.parse_args()
        self.url = f"http://{self.args.server}"
        self.result: dict[str, Any] = {"peer": peer, "pods": self.args.pods, "events": self.args.events}
        self._readers = readers
        self._read: Reader = lambda _obj: None
        self._adds = self._updates = self._target = 0
        self._synced = threading.Event()
        self._done = threading.Event()
        self._overran = False
        self._started_at = self._synced_at = self._last_at = self._cpu_before = 0.0
        self._latencies: list[int] = []
        self._sent = readers["sent"]

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Measure the imports in the block."""
        before, start = memory("VmRSS"), time.perf_counter()
        yield
        self.result["import_s"] = time.perf_counter() - start
        self.result["import_mib"] = memory("VmRSS") - before

    def start(self) -> None:
        """Say that the client sets out to sync now."""
        self._cpu_before = time.process_time()
        self._started_at = time.perf_counter()

    def added(self, _obj: object = None) -> None:
        """Count an object of the initial state."""
        self._adds += 1
        if self._adds == self.args.pods:
            self._synced_at = time.perf_counter()
            self._synced.set()

    def updated(self, obj: Any) -> None:
        """Handle a changed object: read from it what the burst says, and count it."""
        self._read(obj)
        self._updates += 1
        if self._updates >= self._target:
            self._last_at = time.perf_counter()
            self._done.set()

    def measure(self, *, reads: Callable[[], dict[str, float]] | None = None) -> None:
        """Run through sync, bursts and the steady stream, print the result and end the process.

        Args:
            reads: Measures reads from the client's cache, as seconds by name.
        """
        try:
            self._measure_sync()
            bursts = ("metadata", "status", "everything")
            for name in filter(None, self.args.bursts.split(",")):
                if not self._overran:  # what is left of one burst would be counted to the next
                    self._measure_burst(name, bursts.index(name))
            if self.args.steady and not self._overran:
                self._measure_steady()
            self.result["peak_mib"] = memory("VmHWM")
            if reads:
                self.result["reads"] = reads()
        except Exception as error:  # noqa: BLE001 - whatever it was is this client's result
            self.result["error"] = f"{type(error).__name__}: {error}"
        self.finish()

    def finish(self) -> None:
        """Print the result and end the process."""
        print(json.dumps(self.result), flush=True)
        os._exit(0)  # some clients' threads can't be stopped

    def _measure_sync(self) -> None:
        if not self._synced.wait(self.args.limit):
            raise TimeoutError(f"not synced: {self._adds} of {self.args.pods} objects")
        self.result["sync_s"] = self._synced_at - self._started_at
        self.result["sync_cpu_s"] = time.process_time() - self._cpu_before
        self.result["sync_rss_mib"] = memory("VmRSS")
        self.result["sync_peak_mib"] = memory("VmHWM")
        gc.collect()
        self.result["rss_mib"] = memory("VmRSS")

    def _measure_burst(self, name: str, number: int) -> None:
        self._read = self._readers[name]
        cpu = time.process_time()
        seconds = self._events(f"burst?n={number}", self.args.events)
        self.result[f"{name}_cpu_s"] = time.process_time() - cpu
        if self._updates < self.args.events:
            self.result[f"{name}_handled"] = self._updates
        self.result[f"{name}_per_s"] = (self._updates if self._overran else self.args.events) / seconds

    def _measure_steady(self) -> None:
        def read(obj: Any) -> None:
            sent = self._sent(obj)
            self._latencies.append(time.time_ns() - int(sent))

        self._read = read
        self._events(f"steady?rate={self.args.rate}", self.args.steady)
        ordered = sorted(self._latencies[len(self._latencies) // 10 :])  # the first tenth warms up
        self.result["latency_p50_ms"] = ordered[len(ordered) // 2] / 1e6
        self.result["latency_p99_ms"] = ordered[len(ordered) * 99 // 100] / 1e6

    def _events(self, order: str, count: int) -> float:
        """Ask for events; return the seconds until the last of them was handled."""
        self._updates, self._target = 0, count
        self._done.clear()
        host, port = self.args.server.split(":")
        control = http.client.HTTPConnection(host, int(port), timeout=90)
        start = time.perf_counter()
        control.request("POST", f"/_bench/{order}")
        if control.getresponse().status != 200:
            raise ConnectionError("the server had no watch to send events to")
        control.close()
        seen, quiet_since = 0, time.perf_counter()
        while not self._done.wait(0.25):
            now = time.perf_counter()
            if self._updates != seen:
                seen, quiet_since = self._updates, now
            elif seen and now - quiet_since > QUIET:
                return quiet_since - start
            if now - start > self.args.limit:
                if not self._updates:
                    raise TimeoutError(f"none of {count} events")
                self._overran = True
                return now - start
        return self._last_at - start


def memory(field: str) -> float:
    """Return a field of /proc/self/status in MiB."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib would be one more import
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    raise LookupError(field)


def seconds_per_call(call: Callable[[], object], *, times: int = 5) -> float:
    """Return the seconds of the fastest of so many calls."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best

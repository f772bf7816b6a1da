"""This library's resync: how long one re-delivery of the whole cache to an idle handler takes, and what it adds."""

from __future__ import annotations

import threading
import time

import attributes
from harness import Bench, memory

bench = Bench("informers", attributes.READERS)

with bench.importing():
    from kubernetes.client import ApiClient, Configuration

    from informers import ResourceEventHandlerFuncs, SharedInformerFactory


class Rounds:
    """When each round of re-delivered objects began and ended."""

    def __init__(self, size: int) -> None:
        self.times: list[tuple[float, float]] = []
        self.enough = threading.Event()
        self._size, self._count, self._first = size, 0, 0.0

    def updated(self, _old: object, _new: object) -> None:
        if not self._count:
            self._first = time.perf_counter()
        self._count += 1
        if self._count == self._size:
            self.times.append((self._first, time.perf_counter()))
            self._count = 0
            if len(self.times) == 3:
                self.enough.set()


def main() -> None:
    rounds = Rounds(bench.args.pods)
    period = 2.0 + bench.args.pods / 20_000
    factory = SharedInformerFactory(ApiClient(Configuration(host=bench.url)), default_resync=period)
    factory.core.v1.pods.informer.add_event_handler(
        ResourceEventHandlerFuncs(on_add=lambda _obj: None, on_update=rounds.updated), resync_period=None
    )
    factory.start()
    factory.wait_for_cache_sync(timeout=bench.args.limit)
    before = memory("VmRSS")
    if rounds.enough.wait(bench.args.limit):
        bench.result["resync_s"] = min(end - start for start, end in rounds.times)
        bench.result["resync_grew_mib"] = memory("VmRSS") - before
    else:
        bench.result["error"] = f"{len(rounds.times)} rounds of resync"
    bench.args.bursts = ""
    factory.stop()
    bench.finish()


if __name__ == "__main__":
    main()

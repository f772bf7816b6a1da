"""A million items through the work queues, beside the standard library's queue.

    python tests/benchmarks/workqueue.py [items]

Each line is one run: the items go in first and then out, or through in small steps, in one thread and in several.
"""

from __future__ import annotations

import queue as standard
import sys
import threading
import time
from collections.abc import Callable

from informers.testing.fake_clock import FakeClock
from informers.workqueue import DelayingQueue, Queue, RateLimitingQueue


def standard_steps(keys: list[str]) -> None:
    q = standard.Queue[str]()
    for key in keys:
        q.put(key)
        q.get()
        q.task_done()


def steps(keys: list[str], q: Queue[str]) -> None:
    for key in keys:
        q.add(key)
        q.done(q.get())


def standard_in_and_out(keys: list[str]) -> None:
    q = standard.Queue[str]()
    for key in keys:
        q.put(key)
    for _ in keys:
        q.get()
        q.task_done()


def in_and_out(keys: list[str], q: Queue[str]) -> None:
    for key in keys:
        q.add(key)
    q.shut_down()
    for key in q.items():
        q.done(key)


def standard_threads(keys: list[str], workers: int) -> None:
    q = standard.Queue[str | None]()

    def work() -> None:
        while q.get() is not None:
            q.task_done()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for key in keys:
        q.put(key)
    for _ in threads:
        q.put(None)
    for thread in threads:
        thread.join()


def threads(keys: list[str], workers: int) -> None:
    q = Queue[str]()

    def work() -> None:
        for key in q.items():
            q.done(key)

    running = [threading.Thread(target=work) for _ in range(workers)]
    for thread in running:
        thread.start()
    for key in keys:
        q.add(key)
    assert q.shut_down_with_drain(timeout=300)
    for thread in running:
        thread.join()


def delayed(keys: list[str]) -> None:
    clock = FakeClock()
    q = DelayingQueue[str](clock=clock)
    for number, key in enumerate(keys):
        q.add_after(key, 1 + (number * 7919) % 600)
    clock.advance(601)
    for _ in keys:
        q.done(q.get(timeout=0))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    keys = [f"default/pod-{number}" for number in range(count)]

    def measure(name: str, run: Callable[[], object], against: float | None = None) -> float:
        begin, cpu_begin = time.perf_counter(), time.process_time()
        run()
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu_begin
        ratio = "" if against is None else f"  {cpu / against:5.2f} times queue.Queue's CPU"
        print(f"{name:34}{seconds:7.2f} s {cpu:7.2f} s of CPU {cpu / count * 1e6:7.2f} µs each{ratio}")
        return cpu

    print(f"{count:,} items, Python {sys.version.split()[0]}")
    base = measure("queue.Queue, in steps", lambda: standard_steps(keys))
    measure("Queue, in steps", lambda: steps(keys, Queue()), base)
    measure("RateLimitingQueue, in steps", lambda: steps(keys, RateLimitingQueue()), base)
    base = measure("queue.Queue, in and out", lambda: standard_in_and_out(keys))
    measure("Queue, in and out", lambda: in_and_out(keys, Queue()), base)
    measure("RateLimitingQueue, in and out", lambda: in_and_out(keys, RateLimitingQueue()), base)
    base = measure("queue.Queue, 4 threads", lambda: standard_threads(keys, 4))
    measure("Queue, 4 threads", lambda: threads(keys, 4), base)
    measure("DelayingQueue, each with a delay", lambda: delayed(keys))


if __name__ == "__main__":
    main()

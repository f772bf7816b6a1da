"""One start of this library, by a list or from the caches that a process before it saved; for resume.py."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from harness import memory
from kubernetes.client import ApiClient, Configuration

from informers import ResourceEventHandlerFuncs, SharedInformerFactory

LIMIT = 300.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True, help="host:port")
    parser.add_argument("--file", type=Path, required=True, help="the caches: saved after a list, or loaded")
    parser.add_argument("--resume", action="store_true", help="load them")
    args = parser.parse_args()
    told = {"add": 0, "update": 0}

    def on_add(_pod: object) -> None:
        told["add"] += 1

    def on_update(_old: object, _new: object) -> None:
        told["update"] += 1

    before, cpu_before = time.perf_counter(), time.process_time()
    factory = SharedInformerFactory(ApiClient(Configuration(host=f"http://{args.server}")), default_resync=0)
    pods = factory.core.v1.pods
    registration = pods.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=on_add, on_update=on_update))
    result: dict[str, Any] = {}
    if args.resume:
        loaded = factory.load(args.file, max_age=None)
        assert loaded, loaded
        result["load_s"] = time.perf_counter() - before
    factory.start()
    assert registration.synced.wait(LIMIT), registration.why_not_synced
    result |= {"ready_s": time.perf_counter() - before, "cpu_s": time.process_time() - cpu_before, **told}
    result |= {"peak_mib": memory("VmHWM"), "memory_mib": memory("VmRSS")}
    lists = [watch.lists for watch in pods.informer.health().watches]
    assert lists == [0 if args.resume else 1], lists
    if not args.resume:
        before = time.perf_counter()
        saved = factory.save(args.file)
        assert saved, saved
        result |= {"save_s": time.perf_counter() - before, "file_mib": args.file.stat().st_size / 2**20}
    factory.stop()
    print(json.dumps(result))


if __name__ == "__main__":
    main()

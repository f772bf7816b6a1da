"""Many small caches in one process: the pods of each of many namespaces, or many kinds, each with twenty objects."""

from __future__ import annotations

import argparse
import gc
import json
import os
import threading
import time

from harness import memory
from kubernetes.client import ApiClient, Configuration

from informers import DynamicSharedInformerFactory, SharedInformerFactory

LIMIT = 300.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True, help="host:port")
    parser.add_argument("--namespaces", type=int, default=0)
    parser.add_argument("--kinds", type=int, default=0)
    args = parser.parse_args()
    api_client = ApiClient(Configuration(host=f"http://{args.server}"))
    started, cpu = time.perf_counter(), time.process_time()
    if args.namespaces:
        names = [f"team-{number}" for number in range(args.namespaces)]
        factory = SharedInformerFactory(api_client, namespace=names)
        informers = [factory.core.v1.pods.informer]
    else:
        dynamic = factory = DynamicSharedInformerFactory(api_client)
        informers = [
            dynamic.for_resource("small.example", "v1", f"kind{number}").informer for number in range(args.kinds)
        ]
    factory.start()
    factory.wait_for_cache_sync(timeout=LIMIT).raise_if_unsynced()
    result = {"sync_s": time.perf_counter() - started, "sync_cpu_s": time.process_time() - cpu}
    gc.collect()
    result |= {"rss_mib": memory("VmRSS"), "threads": threading.active_count()}
    result["objects"] = sum(len(informer.indexer) for informer in informers)
    idle = time.process_time()
    time.sleep(5)
    result["idle_cpu_part"] = (time.process_time() - idle) / 5
    result["packed_rss_mib"] = memory("VmRSS")
    print(json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

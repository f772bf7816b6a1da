"""A scheduler that forks a worker for each task while its watch goes on; prints as JSON what came of it.

In a process of its own: pytest's has much else in it, and Python 3.12 warns of every fork beside threads.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import threading
import warnings
from pathlib import Path

from kubernetes.client import ApiClient, Configuration, CoreV1Api

from informers import ForkedError
from tests.consumers.job_watcher import JobWatcher
from tests.waiting import QUICK, eventually

PATIENCE = 20.0


def work(watcher: JobWatcher, host: str, task: str) -> None:
    """Do a task in a child, which inherits the watcher, and must neither use it nor harm it."""
    assert not watcher.factory.health().is_live
    CoreV1Api(ApiClient(Configuration(host=host))).patch_namespaced_pod_status(
        task, "etl", {"status": {"phase": "Succeeded"}}
    )
    try:
        watcher.controller.run(threading.Event())
    except ForkedError:
        watcher.factory.stop()
    else:
        sys.exit("the parent's controller runs in a child")


def main(host: str, count: int) -> None:
    """Run so many tasks."""
    warnings.simplefilter("ignore", DeprecationWarning)
    api_client = ApiClient(Configuration(host=host))
    api, stop, context = CoreV1Api(api_client), threading.Event(), multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        caches = Path(folder) / "caches"
        watcher = JobWatcher(api_client, scheduler="a", namespaces=["etl", "ml"], caches=caches, options=QUICK)
        thread = threading.Thread(target=watcher.run, args=(stop,))
        thread.start()
        # A child of a moment before would have a factory that nobody has started, and could start it itself.
        eventually(lambda: watcher.factory.health().is_live)
        workers = []
        for number in range(count):
            task = f"task-{number}"
            metadata = {"name": task, "labels": {"scheduler": "a"}, "annotations": {"task": task}}
            api.create_namespaced_pod(
                "etl", {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}]}}
            )
            workers.append(context.Process(target=work, args=(watcher, host, task)))
            workers[-1].start()
        for worker in workers:
            worker.join(PATIENCE)
        results = [watcher.results.get(timeout=PATIENCE) for _ in range(count)]
        failures = sum(watch.failures for informer in watcher.factory.health().informers for watch in informer.watches)
        stop.set()
        thread.join(PATIENCE)
    codes = [worker.exitcode for worker in workers]
    by_task = {result.task: result.outcome for result in results}
    print(json.dumps({"exit codes": codes, "results": by_task, "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

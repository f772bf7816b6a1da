"""What it costs to make and read an object: lazy, against validation at once and against the official client.

Run: python tests/benchmarks/models.py [--json]
Microseconds of processor time per object, the least of several rounds, over different pods of 8 KB in turn.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import corpus
from kubernetes import client

from informers.resources import NamespacedResource
from informers.source._bytes.sources import OpenSource
from informers.source._models.object_makers import maker
from informers.source._wire.decode import Decoder
from informers.source.records import Record
from informers.source.restorer import restorer

PODS = [corpus.typed(corpus.pod(number, version=corpus.FIRST_VERSION + number)) for number in range(200)]
ROUNDS = 7


def cost(operation: Callable[[bytes], object]) -> float:
    """Return microseconds that an operation takes for one pod."""
    operation(PODS[0])
    best = float("inf")
    gc.disable()
    for _ in range(ROUNDS):
        start = time.thread_time()
        for raw in PODS:
            operation(raw)
        best = min(best, time.thread_time() - start)
        gc.collect()
    gc.enable()
    return best / len(PODS) * 1e6


def dropping(record: Record[Any], restore: Callable[[Any], Record[Any]]) -> Record[Any]:
    """Do what the usual transform does: drop the managed fields, and keep the rest as bytes."""
    pod = record.object()
    pod.metadata.managed_fields = None
    return restore(pod)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    resource = NamespacedResource[client.V1Pod]("", "v1", "pods", "Pod", model="V1Pod")
    make, restore = maker(resource), restorer(resource)
    decoder = Decoder(make, kind="Pod", api_version="v1")

    def arrived(raw: bytes) -> Record[Any]:
        record = decoder.short_item(raw)
        assert isinstance(record, Record)
        return record

    api: Any = client.ApiClient()
    validated = hasattr(client.V1Pod, "model_validate_json")

    def official(raw: bytes) -> Any:
        if validated:
            return api.deserialize(raw.decode(), "V1Pod", "application/json")
        return api.deserialize(SimpleNamespace(data=raw), "V1Pod")

    keys = itertools.repeat("shop/web-0")
    operations: dict[str, Callable[[bytes], object]] = {
        "json.loads": json.loads,
        "ApiClient.deserialize": official,
    }
    if validated:
        operations["model_validate_json"] = lambda raw: client.V1Pod.model_validate_json(raw, extra="ignore")
    operations |= {
        "lazy: make": lambda raw: make(OpenSource(raw, next(keys))),
        "lazy: metadata.name": lambda raw: make(OpenSource(raw, "")).metadata.name,
        "lazy: metadata.managed_fields": lambda raw: make(OpenSource(raw, "")).metadata.managed_fields,
        "lazy: status.phase": lambda raw: make(OpenSource(raw, "")).status.phase,
        "lazy: spec.node_name": lambda raw: make(OpenSource(raw, "")).spec.node_name,
        "lazy: name, node and phase": lambda raw: (
            (pod := make(OpenSource(raw, ""))).metadata.name,
            pod.spec.node_name,
            pod.status.phase,
        ),
        "lazy: everything": lambda raw: vars(make(OpenSource(raw, ""))),
        "record: make": arrived,
        "record: transform, unread": lambda raw: restore(arrived(raw).object()),
        "record: transform drops managedFields": lambda raw: dropping(arrived(raw), restore),
        "official: to_dict": lambda raw: official(raw).to_dict(),
        "lazy: to_dict": lambda raw: make(OpenSource(raw, "")).to_dict(),
    }
    figures = {name: cost(operation) for name, operation in operations.items()}
    size = sum(map(len, PODS)) // len(PODS)
    if arguments.json:
        json.dump({"kubernetes": client.__version__, "bytes": size, "microseconds": figures}, sys.stdout, indent=1)
        return
    print(
        f"kubernetes {client.__version__}, pods of {size} bytes; microseconds, and times what the official client takes"
    )
    for name, figure in figures.items():
        print(f"{name:40} {figure:9.2f} {figure / figures['ApiClient.deserialize']:8.3f}")


if __name__ == "__main__":
    main()

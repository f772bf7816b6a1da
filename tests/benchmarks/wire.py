"""What each step from the wire to a reader takes, in microseconds of processor time for one pod of 8 KB.

    python tests/benchmarks/wire.py

The least of several rounds over different pods. Processor time depends less than a clock's on what else runs.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import corpus
from kubernetes import client

from informers.resources import NamespacedResource
from informers.source._bytes.codecs import Deflate, Zstd, best_codec
from informers.source._models.object_makers import maker
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import ListReader
from informers.source.records import WireRecord, learn_from

COUNT, ROUNDS, BLOCK = 400, 7, 1 << 18


def cost(operation: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Return the microseconds that an operation takes for one item."""
    best = float("inf")
    gc.disable()
    for _ in range(ROUNDS):
        start = time.thread_time()
        for item in items:
            operation(item)
        best = min(best, time.thread_time() - start)
        gc.collect()
    gc.enable()
    return best / len(items) * 1e6


def cost_of_list(decoder: Decoder[Any], data: bytes, *, is_short: bool = True) -> float:
    """Return the microseconds that a list takes for one of its items."""
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]

    def read(_: object) -> None:
        reader = ListReader(decoder, limit=1 << 26, is_short=is_short)
        for block in blocks:
            reader.feed(block)
        assert len(reader.finish().records) == COUNT

    return cost(read, [None]) / COUNT


def main() -> None:
    pods = [corpus.typed(corpus.pod(number, version=corpus.FIRST_VERSION + number)) for number in range(COUNT)]
    make = maker(NamespacedResource[client.V1Pod]("", "v1", "pods", "Pod", model="V1Pod"))
    decoder = Decoder(make, kind="Pod", api_version="v1")
    lines = [b'{"type":"MODIFIED","object":%b}' % pod for pod in pods]
    records: list[WireRecord[Any]] = [decoder.event(line).record for line in lines]
    figures = {
        "event": cost(decoder.event, lines),
        "event, decoded as a whole": cost(decoder.event_the_long_way, lines),
    }
    items = b",".join(b"{" + pod[pod.index(b'"metadata"') :] for pod in pods)
    built_in = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[%b]}' % items
    figures["item of a list"] = cost_of_list(decoder, built_in)
    figures["item of a list, decoded"] = cost_of_list(decoder, built_in, is_short=False)
    widgets = [
        json.dumps({**json.loads(pod), "kind": "Widget", "apiVersion": "a.b/v1"}, sort_keys=True, separators=(",", ":"))
        for pod in pods
    ]
    custom = '{"apiVersion":"a.b/v1","items":[%s],"kind":"WidgetList","metadata":{"resourceVersion":"1"}}'
    figures["item of a list of custom resources"] = cost_of_list(
        Decoder(make, kind="Widget", api_version="a.b/v1"), (custom % ",".join(widgets)).encode()
    )

    def known(record: WireRecord[Any]) -> None:
        metadata = record.object().metadata
        _ = metadata.name, metadata.namespace, metadata.resource_version, metadata.labels

    reads: dict[str, Callable[[WireRecord[Any]], object]] = {
        "object, nothing read": lambda record: record.object(),
        "name, namespace, version and labels": known,
        "metadata.annotations": lambda record: record.object().metadata.annotations,
        "metadata.managed_fields": lambda record: record.object().metadata.managed_fields,
        "status.phase": lambda record: record.object().status.phase,
        "spec.node_name": lambda record: record.object().spec.node_name,
        "everything": lambda record: vars(record.object()),
    }
    figures |= {name: cost(read, records) for name, read in reads.items()}
    learn_from(records)
    for record in records:
        record.pack()
    packed = "packed: name, namespace, version and labels", "packed: status.phase"
    figures[packed[0]] = cost(known, records)
    figures[packed[1]] = cost(reads["status.phase"], records)
    for codec in (Zstd, Deflate) if best_codec() is Zstd else (Deflate,):
        learnt = codec.learn(pods[:: COUNT // 64])
        kept = [learnt.pack(pod) for pod in pods]
        figures[f"{learnt.name}: pack"] = cost(learnt.pack, pods)
        figures[f"{learnt.name}: unpack"] = cost(learnt.unpack, kept)
        figures[f"{learnt.name}: bytes of {sum(map(len, pods)) // COUNT:,}"] = sum(map(len, kept)) / COUNT
    for name, figure in figures.items():
        print(f"| {name:45} | {figure:8.1f} |")


if __name__ == "__main__":
    main()

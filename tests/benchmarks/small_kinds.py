"""What a cache of small objects takes, against the same objects as plain dictionaries.

    python tests/benchmarks/small_kinds.py KIND WAY [--objects 200000]

KIND is `lease`, `binding` or `map`, WAY is `dicts`, `zstd` or `deflate`. It prints the bytes of memory for each object,
as the process takes them once all are listed and packed: run it in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from small_objects import made

from informers.cache._compaction import LatePacker
from informers.cache.store import Store, StoreWriter
from informers.source._bytes import codecs
from informers.source._bytes.sources import mapping_of
from informers.source._wire.decode import Decoder
from informers.source._wire.list_reader import read_list

KINDS = {
    "lease": ("Lease", "coordination.k8s.io/v1"),
    "binding": ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    "map": ("ConfigMap", "v1"),
}
WAYS = ("dicts", "zstd", "deflate")


def answer(kind: str, count: int) -> Iterator[bytes]:
    """Yield a list's answer in blocks."""
    block = '{{"kind":"{}List","apiVersion":"{}","metadata":{{"resourceVersion":"1"}},"items":['.format(*KINDS[kind])
    for number in range(count):
        block += ("," if number else "") + json.dumps(made(kind, number), separators=(",", ":"))
        if len(block) > 1 << 18:
            yield block.encode()
            block = ""
    yield (block + "]}").encode()


def memory() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def dicts(kind: str, count: int) -> list[Any]:
    return [json.loads(json.dumps(made(kind, number))) for number in range(count)]


def cache(kind: str, count: int) -> Store[Any]:
    """Return a cache of so many objects, all of them packed."""
    name, api_version = KINDS[kind]
    held, late = Store[Any](), LatePacker[Any]()
    page = read_list(
        Decoder(mapping_of, kind=name, api_version=api_version),
        answer(kind, count),
        on_arrival=lambda records: [late.add(each) for each in records],
    )
    StoreWriter(held).replace_records(page.records, page.resource_version)
    for record in page.records:
        record.pack()
    return held


def without_zstd() -> None:
    raise ImportError("no zstd this time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--objects", type=int, default=200_000)
    args = parser.parse_args()
    if args.way == "deflate":
        codecs._zstd = without_zstd
    fill = dicts if args.way == "dicts" else cache
    warm = fill(args.kind, 1_000)  # what is imported and compiled at the first use is not the objects'
    gc.collect()
    before = memory()
    held = fill(args.kind, args.objects)
    gc.collect()
    assert (len(warm), len(held)) == (1_000, args.objects)
    print((memory() - before) / args.objects)


if __name__ == "__main__":
    main()

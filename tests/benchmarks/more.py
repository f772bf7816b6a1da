"""What the other tables leave out: growth, many small caches, latency by rate, versions of Python and of the client.

python tests/benchmarks/more.py                                  some 30 minutes
python tests/benchmarks/more.py --parts many,latency             some of it: growth, many, latency, pythons
python tests/benchmarks/more.py --plots docs/_static             and the plot of growth
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bake
import peers
import plots
import run
import tables

GO = "client-go (protobuf)"
Result = dict[str, Any]
#: What runs this library elsewhere; `backports.zstd` has its place in the standard library from Python 3.14 on.
NEEDED = ("attrs", "typing-extensions", "backports.zstd; python_version < '3.14'")
OLDEST, NEWEST = "kubernetes==35.0.0", "kubernetes==37.0.2"


def main() -> None:
    parts: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
        "growth": growth, "many": many, "latency": latency, "pythons": pythons,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description="Measure what the other tables leave out.")
    parser.add_argument("--parts", default=",".join(parts))
    parser.add_argument("--sizes", default="1000,3000,10000,30000,100000,300000", help="pods, for the growth")
    parser.add_argument("--pythons", default="python3.10,python3.11,python3.12,python3.13,python3.14", help="or paths")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--plots", type=Path, help="folder for the plot of the growth (docs/_static)")
    args = parser.parse_args()
    print(f"Others take {run.busy_share(3.0):.0%} of the processors.\n", flush=True)
    for part in args.parts.split(","):
        for text in parts[part](args):
            print(text, end="\n\n", flush=True)


def medians(size: int, names: list[str], repeat: int, **more: Any) -> dict[str, Result]:
    """Return the medians of some clients for so many pods."""
    settings = Namespace(
        **{"events": 0, "steady": 0, "rate": 200.0, "limit": 600.0, "bursts": "", **more}, repeat=repeat
    )
    chosen = [peer for peer in peers.PEERS if peer.name in names]
    commands = {peer.name: peer.command() for peer in chosen}
    results = run.measure_size(chosen, commands, size, settings, [], events=bool(settings.events))
    return {name: run.median(each) for name, each in results.items()}


def growth(args: argparse.Namespace) -> Iterator[str]:
    """Time, processor time and memory of a sync, by the number of pods."""
    by_size = {int(size): medians(int(size), [run.OURS, GO], args.repeat) for size in args.sizes.split(",")}
    figures = (("s", "sync_s", "{:.2f}"), ("CPU s", "sync_cpu_s", "{:.2f}"), ("MiB", "rss_mib", "{:,.0f}"))
    head = ["pods", *(f"{name}, {what}" for name in (run.OURS, GO) for what, _, _ in figures)]
    yield tables.table(
        head,
        [
            [f"{size:,}", *(show.format(results[name][key]) for name in (run.OURS, GO) for _, key, show in figures)]
            for size, results in by_size.items()
        ],
    )
    if args.plots:
        plots.draw_growth(by_size, (run.OURS, GO), args.plots)


def many(_: argparse.Namespace) -> Iterator[str]:
    """Many small caches in one process."""
    folder = bake.prepare(peers.CACHE / "recordings", pods=1_000, events=0, steady=0)
    script = [sys.executable, str(peers.HERE / "clients" / "many_informers.py")]
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT)}
    rows = []
    with run.server(folder) as address:
        for what, flag in (
            ("500 namespaces of 20 pods", "--namespaces=500"),
            ("100 kinds of 20 leases", "--kinds=100"),
        ):
            command = [*script, f"--server={address}", flag]
            done = subprocess.run(command, env=environment, timeout=600, check=True, capture_output=True, text=True)
            result = run.last_line(done.stdout)
            keys = ("sync_s", "sync_cpu_s", "rss_mib", "packed_rss_mib")
            rows.append([what, *(f"{result[key]:.2f}" for key in keys), str(result["threads"])])
    yield tables.table(["", "sync s", "CPU s", "MiB", "MiB, 5 s later", "threads"], rows)


def latency(args: argparse.Namespace) -> Iterator[str]:
    """From sending to handler, at several rates."""
    rows = []
    for rate in (200.0, 1_000.0, 5_000.0):
        results = medians(10_000, [run.OURS, GO], args.repeat, events=20_000, steady=1_000, rate=rate)
        cells = [f"{results[name][key]:.2f}" for name in (run.OURS, GO) for key in ("latency_p50_ms", "latency_p99_ms")]
        rows.append([f"{rate:,.0f}", *cells])
    yield tables.table(["events/s", *(f"{name}, {p} ms" for name in (run.OURS, GO) for p in ("p50", "p99"))], rows)


def pythons(args: argparse.Namespace) -> Iterator[str]:
    """Every Python that is installed, with the newest client, and this one with the oldest."""
    folder = bake.prepare(peers.CACHE / "recordings", pods=10_000, events=20_000, steady=1_000)
    options = {"pods": 10_000, "events": 20_000, "steady": 0, "rate": 200, "limit": 120, "bursts": "metadata,status"}
    found = [shutil.which(name) for name in args.pythons.split(",")]
    wanted = [(python, NEWEST) for python in found if python and version_of(python)] + [(sys.executable, OLDEST)]
    rows = []
    with run.server(folder) as address:
        for python, client in wanted:
            version = version_of(python)
            name = f"{version}-{client.rpartition('=')[2]}"
            own = peers.environment(name, (client, *NEEDED), made_by=python)
            command = [str(own), str(peers.HERE / "clients" / "use_informers.py")]
            result = run.median([run.run_client(command, address, options) for _ in range(args.repeat)])
            keys = ("sync_s", "sync_cpu_s", "rss_mib", "metadata_per_s", "status_per_s")
            shown = [f"{result[key]:,.2f}" if key in result else "" for key in keys]
            rows.append([f"Python {version}, {client}", *shown, result.get("error", "")])
    yield tables.table(["", "sync s", "CPU s", "MiB", "labels/s", "phase and IP/s", ""], rows)


def version_of(python: str) -> str:
    """Return the version of a Python; empty where it does not run, as a shim of pyenv's may not."""
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], check=False, capture_output=True, text=True, timeout=60).stdout.strip()


if __name__ == "__main__":
    main()

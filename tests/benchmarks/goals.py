"""What this library is to reach against client-go with protobuf, as a table with the goals, with zstd and without.

    python tests/benchmarks/goals.py                       three turns, some 15 minutes
    python tests/benchmarks/goals.py --pods 10000          without 100,000 pods: some 6 minutes
    python tests/benchmarks/goals.py --paste docs/explanation/performance.md

With --paste the last table is put into a page, between two comments, and nothing is measured. A figure is the median of
the turns. The row of the real kube-apiserver is there where `make contract` has built one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import peers
import run
import tables

RESULTS = peers.ROOT / "bench-results" / "goals.json"
GO = "client-go (protobuf)"
#: (what, this library's run, another's, figure, goal with zstd, goal without; over 0 a goal is not to be exceeded)
ROWS: tuple[tuple[str, str, str, str, float, float | None], ...] = (
    ("sync of {n} pods, streamed: time", "", GO, "sync_s", 0.62, 1.0),
    ("… in pages of 500: time", "pages", GO, "sync_s", 1.0, None),
    ("… in pages of 500: memory, of streamed", "pages", "", "sync_peak_mib", 1.2, None),
    ("… as one answer: time", "one answer", GO, "sync_s", 1.0, None),
    ("… as one answer: memory, of streamed", "one answer", "", "sync_peak_mib", 1.2, None),
    ("… of a custom kind, streamed: time, of the built-in kind", "custom kind; no handler", "no handler",
     "sync_s", 1.4, None),
    ("… … memory", "custom kind; no handler", "no handler", "sync_peak_mib", 1.4, None),
    ("… of a custom kind, in pages: time, of the built-in kind", "custom kind; pages; no handler", "pages; no handler",
     "sync_s", 1.4, None),
    ("… … memory", "custom kind; pages; no handler", "pages; no handler", "sync_peak_mib", 1.4, None),
    ("memory after it", "", GO, "rss_mib", 0.45, None),
    ("events/s, handler reads labels", "", GO, "metadata_per_s", -1.5, None),
    ("events/s, handler reads phase and IP", "", GO, "status_per_s", -1.2, None),
)  # fmt: skip
LARGE = (
    ("sync of {n} pods, streamed: time", "", GO, "sync_s", 0.5, None),
    ("memory after it", "", GO, "rss_mib", 0.18, None),
)
SMALL_KINDS = {"lease": "leases", "binding": "role bindings", "map": "config maps of 300 bytes"}


def name_of(way: str, *, packed: str) -> str:
    """Return the name in the report of a run of this library, or of another client."""
    if way == GO:
        return way
    inner = "; ".join(filter(None, (way, packed)))
    return f"{run.OURS} ({inner})" if inner else run.OURS


def measure(args: Namespace) -> dict[str, Any]:
    """Run everything, in turns; return the report."""
    began = time.monotonic()
    ways = {way for rows in (ROWS, LARGE) for row in rows for way in row[1:3]}
    wanted = {name_of(way, packed=packed) for way in ways for packed in ("", "deflate")}
    chosen = [peer for peer in peers.PEERS if peer.name in wanted]
    settings = Namespace(
        pods=args.pods, events=args.events, steady=0, rate=200.0, repeat=args.repeat, limit=120.0, quick=args.quick,
        bursts="metadata,status",
    )  # fmt: skip
    report: dict[str, Any] = {}
    for report in run.measure(chosen, settings):  # noqa: B007  the last one has all
        pass
    run.say("real kube-apiserver")
    report["real"] = [] if args.quick else [figure for _ in range(args.repeat) for figure in real_server()]
    report["date"] = datetime.now(tz=timezone.utc).strftime("%Y-%m-%d")
    report["minutes"] = (time.monotonic() - began) / 60
    return report


def real_server() -> Iterator[float]:
    """Yield how many times a plain transfer a sync takes on a real kube-apiserver, if there is one."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-m", "not soak or real_apiserver", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(peers.ROOT / "tests" / "real" / "test_many.py")],
        cwd=peers.ROOT, timeout=600, check=False, capture_output=True, text=True,
    )  # fmt: skip
    yield from map(float, re.findall(r"synced after [\d.]+ s \(ratio ([\d.]+)\)", done.stdout))


def render(report: dict[str, Any]) -> str:
    """Return the table, and what it was measured with, as Markdown."""
    rows: list[list[str]] = []
    for place, (size, results) in enumerate(report["medians"].items()):
        for what, ours, other, figure, goal, other_goal in LARGE if place else ROWS:
            with_zstd, without = (ratio(results, ours, other, figure, packed) for packed in ("", "deflate"))
            rows.append([what.format(n=f"{int(size):,}"), *told(goal, other_goal, with_zstd, without)])
    first = next(iter(report["medians"].values()))
    real = statistics.median(report["real"]) if report["real"] else None
    rows.append(["real kube-apiserver, 10,000 pods: time, of a plain transfer", *told(1.15, None, real, None)])
    lists = [first.get(name_of("", packed=packed), {}).get("reads", {}).get("list_s") for packed in ("", "deflate")]
    rows.append(["`list()` of them, ms", *told(3.0, None, *(each and each * 1e3 for each in lists))])
    part = report["import_s"] / report["client_import_s"]
    rows.append(["`import informers`, of `import kubernetes.client`", *told(0.45, None, part, None)])
    for kind, by_way in report["small_kinds"].items():
        parts = (by_way[way] / by_way["dicts"] for way in ("zstd", "deflate"))
        rows.append([f"memory of 200,000 {SMALL_KINDS[kind]}, of plain dictionaries", *told(0.35, None, *parts)])
    machine, settings = report["machine"], report["settings"]
    quiet = "it was quiet" if machine["busy"] <= 0.05 else "it was not quiet: ratios are rough"
    measured = (
        f"{report['date']}, {machine['cpus']} cores, {machine['processor']}, Python {machine['python']}; medians of"
        f" {settings['repeat']} turns, in {report['minutes']:.0f} minutes. Between the turns others took"
        f" {machine['busy']:.0%} of the processors in the median, {machine['busiest']:.0%} at most: {quiet}."
    )
    return tables.table(["", "goal", "with zstd", "without", "met"], rows) + "\n\n" + measured


def ratio(results: dict[str, Any], ours: str, other: str, figure: str, packed: str) -> float | None:
    """Return one run's figure over that of another."""
    one = results.get(name_of(ours, packed=packed), {}).get(figure)
    two = results.get(name_of(other, packed=packed), {}).get(figure)
    return one / two if one and two else None


def told(goal: float, other_goal: float | None, with_zstd: float | None, without: float | None) -> list[str]:
    """Return the cells of a row: the goal, both figures, and whether the goal is met."""
    sign, bound = ("≥", -goal) if goal < 0 else ("≤", goal)
    shown = f"{sign} {bound:g}" + (f" (without {sign} {other_goal:g})" if other_goal else "")
    figures = ["-" if each is None else f"{each:.2f}" for each in (with_zstd, without)]
    judged = [(with_zstd, bound)] + ([(without, other_goal)] if other_goal else [])
    known = [(each <= limit if sign == "≤" else each >= limit) for each, limit in judged if each is not None]
    return [shown, *figures, ("yes" if all(known) else "no") if known else "-"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the library is to reach.")
    parser.add_argument("--pods", default="10000,100000", help="numbers of pods; events are measured with the first")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3, help="turns")
    parser.add_argument("--quick", action="store_true", help="1,000 pods, one turn: shows that it works, not how fast")
    parser.add_argument("--paste", type=Path, help="put the last table into this page")
    args = parser.parse_args()
    if args.paste:
        tables.paste(args.paste, "goals", render(json.loads(RESULTS.read_text(encoding="utf-8"))))
        return
    if args.quick:
        args.pods, args.events, args.repeat = "1000", 2_000, 1
    print(f"load before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    report = measure(args)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(render(report))


if __name__ == "__main__":
    main()

"""Compare this library with other clients, on one recording, each in a process of its own.

    python tests/benchmarks/run.py                       everything; about 25 minutes
    python tests/benchmarks/run.py --quick               1,000 pods and 2,000 events; shows that it works, not how fast
    python tests/benchmarks/run.py --peers informers,lightkube --pods 10000 --repeat 5

Clients take turns, and a figure is the median of its repeats. What it prints is also written to
bench-results/latest.json; two plots are drawn from the same run with --plots. Nothing here fails
because something was slow.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bake
import peers
import plots
import tables

Result = dict[str, Any]
OURS = "informers"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare informers with other clients.")
    parser.add_argument("--pods", default="10000,100000", help="numbers of pods; events are measured with the first")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--bursts", default="metadata,status,everything", help="what the handler reads in each")
    parser.add_argument("--steady", type=int, default=1_000, help="events at a fixed rate, for the latency")
    parser.add_argument("--rate", type=float, default=200, help="that rate, in events a second")
    parser.add_argument("--peers", default="", help="names, separated by commas; all if not given")
    parser.add_argument("--repeat", type=int, default=3, help="turns; kopf and kr8s have one")
    parser.add_argument("--limit", type=float, default=120, help="seconds that one phase of one client may take")
    parser.add_argument("--json", type=Path, default=peers.ROOT / "bench-results" / "latest.json")
    parser.add_argument("--plots", type=Path, help="folder for two plots")
    parser.add_argument("--quick", action="store_true", help="1,000 pods, 2,000 events, one turn")
    args = parser.parse_args()
    if args.quick:
        args.pods, args.events, args.steady, args.repeat = "1000", 2_000, 200, 1
    wanted = [name.strip() for name in args.peers.split(",") if name.strip()]
    known = [peer.name for peer in peers.PEERS]
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [peer for peer in peers.PEERS if peer.name in (wanted or known)]
    report: Result = {}
    for report in measure(chosen, args):  # after each number of pods, so that one that is ended early has what it had
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    print(tables.render(report))
    if args.plots:
        plots.draw(report, args.plots)


def measure(chosen: list[peers.Peer], args: argparse.Namespace) -> Iterator[Result]:
    """Yield every figure so far: the machine, the medians by number of pods and client, and each single run."""
    commands: dict[str, list[str]] = {}
    missing: dict[str, str] = {}
    for peer in chosen:
        say(f"preparing {peer.name}")
        try:
            commands[peer.name] = peer.command()
        except (peers.PeerMissingError, subprocess.TimeoutExpired) as error:
            missing[peer.name] = str(error)
    busy: list[float] = []
    small_kinds: dict[str, dict[str, float]] = {}
    sizes = [int(size) for size in args.pods.split(",")]
    runs: dict[str, dict[str, list[Result]]] = {}
    for size in sizes:
        first = size == sizes[0]
        group = [peer for peer in chosen if peer.name in commands and (first or peer.scales)]
        runs[str(size)] = measure_size(group, commands, size, args, busy, events=first)
        if first and any(peer.name == OURS for peer in chosen):
            say("small kinds")
            small_kinds = measure_small_kinds(20_000 if args.quick else 200_000)
        yield describe(runs, missing, busy, small_kinds, args)


def describe(
    runs: dict[str, dict[str, list[Result]]],
    missing: dict[str, str],
    busy: list[float],
    small_kinds: dict[str, dict[str, float]],
    args: argparse.Namespace,
) -> Result:
    """Return the report of these runs."""
    return {
        "machine": {
            "cpus": os.cpu_count(), "processor": processor(), "python": platform.python_version(),
            "busy": statistics.median(busy), "busiest": max(busy),
        },
        "settings": {"events": args.events, "steady": args.steady, "rate": args.rate, "repeat": args.repeat},
        "import_s": import_seconds(),
        "client_import_s": import_seconds("kubernetes.client"),
        "small_kinds": small_kinds,
        "missing": missing,
        "medians": {size: {name: median(each) for name, each in by_name.items()} for size, by_name in runs.items()},
        "runs": runs,
    }  # fmt: skip


def measure_size(
    group: list[peers.Peer],
    commands: dict[str, list[str]],
    size: int,
    args: argparse.Namespace,
    busy: list[float],
    *,
    events: bool,
) -> dict[str, list[Result]]:
    """Run each client with so many pods, in turns; note before each how busy others keep the machine."""
    say(f"recording {size:,} pods")
    count, steady = (args.events, args.steady) if events else (0, 0)
    folder = bake.prepare(peers.CACHE / "recordings", pods=size, events=count, steady=steady)
    if any(peer.variant == "protobuf" for peer in group):
        encode_protobuf(folder)
    results: dict[str, list[Result]] = {}
    options = {
        "pods": size, "events": count, "steady": steady, "rate": args.rate, "limit": args.limit,
        "bursts": args.bursts if events else "",
    }  # fmt: skip
    with server(folder) as address:
        for turn in range(args.repeat):
            for peer in group:
                if turn and not peer.often:
                    continue
                busy.append(busy_share())
                say(f"{size:,} pods, turn {turn + 1}: {peer.name}")
                given = {**options, "bursts": "", "events": 0, "steady": 0} if peer.syncs_only else options
                results.setdefault(peer.name, []).append(run_client(commands[peer.name], address, given))
            if not turn and OURS in results and "everything" in args.bursts:
                resync = [sys.executable, str(peers.HERE / "clients" / "resync_informers.py")]
                results["informers resync"] = [run_client(resync, address, options)]
    return results


def run_client(command: list[str], address: str, options: dict[str, Any]) -> Result:
    """Return what one client's process printed; it has ended when this returns."""
    flags = [f"--server={address}", *(f"--{name}={value}" for name, value in options.items())]
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT)}
    bound = options["limit"] * 6
    try:
        done = subprocess.run(
            [*command, *flags], env=environment, timeout=bound, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": f"not done in {bound:.0f} s"}
    return last_line(done.stdout) or {"error": (done.stderr.strip().splitlines() or ["no output"])[-1]}


def last_line(output: str) -> Result:
    """Return the figures that a client has printed last; none where it has not."""
    lines = output.strip().splitlines()
    result: Result = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return result


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """Play the recording in a process that ends with the block, or with this process."""
    command = [sys.executable, str(peers.HERE / "server.py"), str(folder), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(30)


def encode_protobuf(folder: Path) -> None:
    for source in sorted(folder.glob("*.json")):
        target = source.with_suffix(".pb")
        if source.stem.startswith(("initial", "burst", "steady")) and not target.exists():
            partial = target.with_suffix(".partial")
            with source.open("rb") as read, partial.open("wb") as write:
                subprocess.run([str(peers.go_program()), "-encode"], stdin=read, stdout=write, check=True, timeout=600)
            partial.rename(target)


def measure_small_kinds(objects: int) -> dict[str, dict[str, float]]:
    """Return the bytes of memory for each object of small kinds, by kind and way."""
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT)}
    script = str(peers.HERE / "small_kinds.py")

    def measured(kind: str, way: str) -> float:
        command = [sys.executable, script, kind, way, "--objects", str(objects)]
        done = subprocess.run(command, env=environment, timeout=600, check=True, capture_output=True, text=True)
        return float(done.stdout)

    return {
        kind: {way: measured(kind, way) for way in ("dicts", "zstd", "deflate")} for kind in ("lease", "binding", "map")
    }


def import_seconds(module: str = "informers") -> float:
    """Return the seconds that an import takes in a fresh process: the best of five."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    # As installed, with its bytecode kept: without that, Python compiles every module again.
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT), "PYTHONPYCACHEPREFIX": str(peers.CACHE / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, env=environment, timeout=60, check=True, capture_output=True, text=True).stdout)
        for _ in range(5)
    )


def median(results: list[Result]) -> Result:
    """Return the median of each figure; of what is no figure, the last."""
    merged: Result = {}
    for key in {key: None for result in results for key in result}:
        values = [result[key] for result in results if key in result]
        if isinstance(values[0], dict):
            merged[key] = median(values)
        elif isinstance(values[0], (int, float)):
            merged[key] = statistics.median(values)
        else:
            merged[key] = values[-1]
    return merged


def busy_share(seconds: float = 0.5) -> float:
    """Return what part of the processors others take, while nothing of ours runs."""

    def times() -> tuple[int, int]:
        with Path("/proc/stat").open(encoding="ascii") as stat:
            each = [int(value) for value in stat.readline().split()[1:]]
        return sum(each), each[3] + each[4]  # idle, and waiting for a disk

    all_before, idle_before = times()
    time.sleep(seconds)
    all_after, idle_after = times()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as info:
        return next(
            (line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine()
        )


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

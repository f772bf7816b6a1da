"""How long a restart takes: with a list, and with the caches that the process before it saved.

    python tests/benchmarks/resume.py [--pods 10000,100000] [--changes 1000] [--repeat 3]

Each start is a process of its own, one informer with one handler, against the server that plays a recording. What is
measured is from before `load` or `start` until the handler has been told of every object, and of every change that has
happened since the save; imports come before. Figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import bake
import peers
from run import server


def measure(address: str, file: Path, *, resume: bool, repeat: int) -> dict[str, float]:
    """Return the medians of so many starts, each in a process of its own."""
    script = str(peers.HERE / "clients" / "restart_informers.py")
    command = [sys.executable, script, "--server", address, "--file", str(file), *(["--resume"] if resume else [])]
    environment = {**os.environ, "PYTHONPATH": str(peers.ROOT)}
    results: list[dict[str, float]] = []
    for _ in range(repeat):
        done = subprocess.run(command, env=environment, timeout=600, check=True, stdout=subprocess.PIPE, text=True)
        results.append(json.loads(done.stdout))
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def compare(pods: int, changes: int, repeat: int) -> None:
    """Print the figures for so many pods."""
    folder = bake.prepare(peers.CACHE / "recordings", pods=pods, events=changes, steady=0)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "caches"
        with server(folder) as address:
            listed = measure(address, file, resume=False, repeat=repeat)
            resumed = measure(address, file, resume=True, repeat=repeat)
        with server(folder, "--behind") as address:
            behind = measure(address, file, resume=True, repeat=repeat)
    assert (listed["add"], resumed["add"], behind["add"], behind["update"]) == (pods, pods, pods, changes)
    print(f"{pods:,} pods: a file of {listed['file_mib']:.1f} MiB, saved in {listed['save_s']:.2f} s")
    rows = {"a list": listed, "the file": resumed, f"the file, {changes:,} changes since": behind}
    for name, figures in rows.items():
        print(
            f"  {name:32}{figures['ready_s']:7.2f} s  {figures['cpu_s']:7.2f} s of CPU  "
            f"{listed['ready_s'] / figures['ready_s']:5.1f} times as fast  "
            f"{figures['memory_mib']:6.0f} MiB, {figures['peak_mib']:.0f} at most",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a restart from saved caches with one by a list.")
    parser.add_argument("--pods", default="10000,100000", help="numbers of pods")
    parser.add_argument("--changes", type=int, default=1_000, help="changes between the save and the restart")
    parser.add_argument("--repeat", type=int, default=3, help="starts of each kind")
    args = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    for size in args.pods.split(","):
        compare(int(size), args.changes, args.repeat)


if __name__ == "__main__":
    main()

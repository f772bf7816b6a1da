"""A hundred thousand names through a controller with eight workers, here, in controller-runtime and in kopf.

    python tests/benchmarks/controllers.py                            100,000 pods, three turns; about 15 minutes
    python tests/benchmarks/controllers.py --pods 10000 --repeat 1    shows that it works

Each gets the pod from its cache and reads some fields. First all pods have their turn, then as many as change. Clients
take turns; a figure is the median of its repeats. CPU counts all threads of the client's process, and not the server.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess

import bake
import peers
import run
import tables

#: What the harness calls them, and what they mean here.
FIGURES = (
    ("all s", "sync_s", "{:.2f}"),
    ("CPU s", "sync_cpu_s", "{:.2f}"),
    ("MiB", "rss_mib", "{:,.0f}"),
    ("peak MiB", "peak_mib", "{:,.0f}"),
    ("changes/s", "metadata_per_s", "{:,.0f}"),
    ("CPU s", "metadata_cpu_s", "{:.2f}"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare controllers.")
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=20_000, help="changes, each of another pod")
    parser.add_argument("--peers", default="", help="names, separated by commas; all if not given")
    parser.add_argument("--repeat", type=int, default=3, help="turns; kopf has one")
    parser.add_argument("--limit", type=float, default=240, help="seconds that one phase of one client may take")
    args = parser.parse_args()
    events = min(args.events, args.pods)  # more would be of the same pods, and fewer turns
    folder = bake.prepare(peers.CACHE / "recordings", pods=args.pods, events=events, steady=0)
    run.encode_protobuf(folder)
    results: dict[str, list[run.Result]] = {}
    busy: list[float] = []
    options = {"pods": args.pods, "events": events, "bursts": "metadata", "limit": args.limit}
    with run.server(folder) as address:
        for turn in range(args.repeat):
            for peer in peers.CONTROLLERS:
                if (args.peers and peer.name not in args.peers.split(",")) or (turn and not peer.often):
                    continue
                busy.append(run.busy_share())
                run.say(f"turn {turn + 1}: {peer.name}")
                try:
                    result = run.run_client(peer.command(), address, options)
                except (peers.PeerMissingError, subprocess.TimeoutExpired) as error:
                    result = {"error": str(error)}
                results.setdefault(peer.name, []).append(result)
    print(render({name: run.median(each) for name, each in results.items()}))
    print(
        f"\n{args.pods:,} pods, {events:,} changes, eight workers; medians of {args.repeat}. Between turns, others took"
    )
    print(f"{statistics.median(busy):.0%} of the processors in the median, {max(busy):.0%} at most.")


def render(medians: dict[str, run.Result]) -> str:
    rows = []
    for name, result in medians.items():
        cells = [show.format(result[key]) if key in result else "" for _, key, show in FIGURES]
        rows.append([name, *cells, result.get("error", "")])
    return tables.table(["controller", *(head for head, _, _ in FIGURES), ""], rows)


if __name__ == "__main__":
    main()

"""The report as text: figures, ratios against each client with their goals, and what else was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Report = dict[str, Any]
OURS = "informers"

# Against each client: how many times faster, what part of its memory, how many times the events.
GOALS: dict[str, dict[str, float]] = {
    "client-go (protobuf)": {"sync_s": 1.6, "rss_mib": 0.45, "metadata_per_s": 1.5, "status_per_s": 1.2},
    "client-go (json)": {"sync_s": 4, "rss_mib": 0.6, "metadata_per_s": 5, "status_per_s": 4},
    "kubernetes.informer": {"sync_s": 10, "rss_mib": 0.12, "metadata_per_s": 8, "status_per_s": 6},
    "lightkube": {"sync_s": 2, "rss_mib": 0.33, "metadata_per_s": 1.5, "status_per_s": 1},
}
SCALE_GOAL = 1.2
IMPORT_GOAL = 0.15
IMPORT_PART_GOAL = 0.45
SMALL_GOAL = 0.35

FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("sync s", "sync_s", "{:.2f}".format),
    ("CPU s", "sync_cpu_s", "{:.2f}".format),
    ("MiB", "rss_mib", "{:,.0f}".format),
    ("sync peak", "sync_peak_mib", "{:,.0f}".format),
    ("peak", "peak_mib", "{:,.0f}".format),
    ("metadata/s", "metadata_per_s", "{:,.0f}".format),
    ("status/s", "status_per_s", "{:,.0f}".format),
    ("everything/s", "everything_per_s", "{:,.0f}".format),
    ("p50 ms", "latency_p50_ms", "{:.2f}".format),
    ("p99 ms", "latency_p99_ms", "{:.2f}".format),
    ("import s", "import_s", "{:.2f}".format),
)
RATIOS = (
    ("sync: times faster", "sync_s"),
    ("memory: part of", "rss_mib"),
    ("metadata events: times", "metadata_per_s"),
    ("status events: times", "status_per_s"),
    ("all fields: times", "everything_per_s"),
)


def render(report: Report) -> str:
    """Return the whole report as Markdown."""
    parts: list[str] = []
    for size, results in report["medians"].items():
        parts += [f"## {int(size):,} pods", _figures(results)]
        if ratios := _ratios(results):
            parts.append(ratios)
    parts += _extras(report)
    return "\n\n".join(parts)


def ratio(results: Report, peer: str, figure: str) -> float | None:
    """Return how this library stands to *peer* in a figure: times faster, part of the memory, times the events."""
    ours, theirs = results.get(OURS, {}).get(figure), results.get(peer, {}).get(figure)
    if not ours or not theirs:
        return None
    return float(theirs / ours if figure == "sync_s" else ours / theirs)


def met(value: float, goal: float, figure: str) -> bool:
    """Say whether a ratio reaches its goal: memory is to be below, all else above."""
    return value <= goal if figure == "rss_mib" else value >= goal


def _figures(results: Report) -> str:
    shown = [figure for figure in FIGURES if any(figure[1] in result for result in results.values())]
    rows = []
    for name, result in results.items():
        if name == "informers resync":
            continue
        cells = [show(result[key]) if key in result else "" for _, key, show in shown]
        rows.append([name, *cells, result.get("error", "")])
    return table(["client", *(head for head, _, _ in shown), ""], rows)


def _ratios(results: Report) -> str:
    rows = []
    for peer in results:
        if peer.startswith(OURS) or peer == "transfer":
            continue
        cells = []
        for _, figure in RATIOS:
            value, goal = ratio(results, peer, figure), GOALS.get(peer, {}).get(figure)
            if value is None:
                cells.append("")
            elif goal is None:
                cells.append(f"{value:.2f}")
            else:
                sign = "≤" if figure == "rss_mib" else "≥"
                cells.append(f"{value:.2f} ({sign} {goal:g} {'met' if met(value, goal, figure) else 'MISSED'})")
        if any(cells):
            rows.append([peer, *cells])
    return table([f"{OURS} against", *(head for head, _ in RATIOS)], rows) if rows else ""


#: Of each other way to sync: against what, by what figure, and at most how many times.
WAYS = (
    ("informers (deflate)", "client-go (protobuf)", "sync_s", 1.0),
    ("informers (pages)", "client-go (protobuf)", "sync_s", 1.0),
    ("informers (pages)", OURS, "sync_peak_mib", 1.2),
    ("informers (one answer)", "client-go (protobuf)", "sync_s", 1.0),
    ("informers (one answer)", OURS, "sync_peak_mib", 1.2),
    ("informers (custom kind; no handler)", "informers (no handler)", "sync_s", 1.4),
    ("informers (custom kind; no handler)", "informers (no handler)", "sync_peak_mib", 1.4),
    ("informers (custom kind; pages; no handler)", "informers (pages; no handler)", "sync_s", 1.4),
    ("informers (custom kind; pages; no handler)", "informers (pages; no handler)", "sync_peak_mib", 1.4),
)


def _ways(results: Report) -> list[list[str]]:
    rows: list[list[str]] = []
    for name, other, figure, goal in WAYS:
        ours, theirs = results.get(name, {}).get(figure), results.get(other, {}).get(figure)
        if ours and theirs:
            what = "time" if figure == "sync_s" else "peak"
            rows.append([f"{name}: {what} over that of {other}", f"{ours / theirs:.2f}", _verdict(ours / theirs, goal)])
    return rows


def _extras(report: Report) -> list[str]:
    rows: list[list[str]] = [
        ["`import informers`", f"{report['import_s']:.3f} s", _verdict(report["import_s"], IMPORT_GOAL)],
        ["… over `import kubernetes.client`", f"{report['import_s'] / report['client_import_s']:.2f}",
         _verdict(report["import_s"] / report["client_import_s"], IMPORT_PART_GOAL)],
    ]  # fmt: skip
    for kind, by_way in report["small_kinds"].items():
        for way in ("zstd", "deflate"):
            part = by_way[way] / by_way["dicts"]
            what = f"small kinds, {kind}: memory over that of plain dictionaries ({way}, {by_way[way]:,.0f} B each)"
            rows.append([what, f"{part:.2f}", _verdict(part, SMALL_GOAL)])
    rows += [row for results in report["medians"].values() for row in _ways(results)]
    sizes = list(report["medians"])
    for larger in sizes[1:]:
        small, large = (report["medians"][size].get(OURS, {}) for size in (sizes[0], larger))
        factor = int(larger) / int(sizes[0])
        for name, figure in (("time", "sync_s"), ("memory", "rss_mib")):
            if figure in small and figure in large:
                value = large[figure] / small[figure] / factor
                rows.append([f"{name} of {int(larger):,} pods over {factor:g} times that of {int(sizes[0]):,}",
                             f"{value:.2f}", _verdict(value, SCALE_GOAL)])  # fmt: skip
    for size, results in report["medians"].items():
        for name, value in results.get("transfer", {}).items():
            if name.endswith("_s") and name not in ("sync_s", "import_s"):
                rows.append([f"transfer of {int(size):,} pods: {name[:-2].replace('_', ' ')}", f"{value:.3f} s", ""])
        if resync := results.get("informers resync", {}).get("resync_s"):
            rows.append([f"resync of {int(size):,} pods to a handler", f"{resync * 1e3:.0f} ms", ""])
        for peer, result in results.items():
            rows += [[f"{peer}, {int(size):,} pods: {name[:-2].replace('_', ' ')}", f"{value * 1e6:,.1f} µs", ""]
                     for name, value in result.get("reads", {}).items()]  # fmt: skip
    parts = ["## Besides", table(["what", "figure", "goal"], rows)]
    parts += [f"{name} was not run: {why}." for name, why in report["missing"].items()]
    return parts + _measured(report)


def _measured(report: Report) -> list[str]:
    machine, settings = report["machine"], report["settings"]
    return [
        (
            f"{machine['cpus']} CPUs, {machine['processor']}, Python {machine['python']}; {settings['events']:,} events"
            f" in a burst, {settings['steady']:,} at {settings['rate']:g} a second; medians of {settings['repeat']}."
        ),
        f"Between turns, others took {machine['busy']:.0%} of the processors in the median, {machine['busiest']:.0%} at"
        + (" most: times are too long, ratios rough." if machine["busy"] > 0.05 else " most: it was quiet."),
    ]


def _verdict(value: float, goal: float) -> str:
    return f"≤ {goal:g} {'met' if value <= goal else 'MISSED'}"


def paste(page: Path, name: str, text: str) -> None:
    """Put text into a page, between the two comments that name it."""
    begin, end = f"% figures: {name}\n", f"% end: {name}\n"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} has no lines {begin.strip()!r} and {end.strip()!r}")
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def show(line: list[str]) -> str:
        first, *rest = (cell.ljust(width) if not at else cell.rjust(width)
                        for at, (cell, width) in enumerate(zip(line, widths, strict=True)))  # fmt: skip
        return "| " + " | ".join((first, *rest)) + " |"

    rule = (
        "|"
        + "|".join(("-" * (width + 2)) if not at else "-" * (width + 1) + ":" for at, width in enumerate(widths))
        + "|"
    )
    return "\n".join([show(head), rule, *(show(line) for line in lines[1:])])

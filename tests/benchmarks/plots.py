"""The two plots of the documentation, as SVG written by hand: time and memory of the first sync; events a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import attrs

OURS = "informers"
LABELS = {"lightkube": "lightkube, into a dict"}
SKIPPED = ("transfer", "informers resync")
WIDTH, LEFT, ROW, BAR = 760, 178, 30, 18
INK, PALE, GRID = "#1f2933", "#52606d", "#e4e7eb"
OURS_COLOURS, OTHER_COLOURS = ("#1d6fd1", "#5b9be3", "#a9cbf2"), ("#7b8794", "#a5afba", "#ccd2d9")


@attrs.frozen
class Bars:
    """One panel: a title, and for each client one bar or several."""

    title: str
    rows: Sequence[tuple[str, Sequence[float]]]
    show: Callable[[float], str]
    x: float
    width: float


def draw(report: dict[str, Any], folder: Path) -> None:
    """Write benchmark-sync.svg and benchmark-events.svg for the first number of pods."""
    size, results = next(iter(report["medians"].items()))
    results = {name: result for name, result in results.items() if name not in SKIPPED and "error" not in result}
    events = report["settings"]["events"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark-sync.svg").write_text(_sync(results, int(size)), encoding="utf-8")
    (folder / "benchmark-events.svg").write_text(_events(results, events), encoding="utf-8")


def draw_growth(by_size: dict[int, dict[str, Any]], names: tuple[str, str], folder: Path) -> None:
    """Write benchmark-growth.svg: processor time and memory of a sync by the number of pods, both axes logarithmic."""
    width, top, height = (WIDTH - 150) / 2, 84, 240
    sizes = sorted(by_size)
    across = log10(sizes[-1] / sizes[0])
    colours = dict(zip(names, (OURS_COLOURS[0], OTHER_COLOURS[0]), strict=True))
    body: list[str] = []
    for panel, (title, figure) in enumerate((("processor time, s", "sync_cpu_s"), ("memory, MiB", "rss_mib"))):
        left = 40 + panel * (width + 60)
        body.append(f'<text x="{left:g}" y="{top - 14}" class="small">{title}</text>')
        places = [left + log10(size / sizes[0]) / across * width for size in sizes]
        body += [
            f'<text x="{x:.1f}" y="{top + height + 24}" text-anchor="middle" class="small">{_short(size)}</text>'
            for x, size in zip(places, sizes, strict=True)
        ]
        values = {name: [float(by_size[size][name][figure]) for size in sizes] for name in names}
        low, high = min(map(min, values.values())), max(map(max, values.values()))
        for name, colour in colours.items():
            heights = [top + height - log10(value / low) / log10(high / low) * height for value in values[name]]
            points = list(zip(places, heights, strict=True))
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            body.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for (x, y), value in zip(points, values[name], strict=True):
                text, side = f"{value:,.2g}" if value < 100 else f"{value:,.0f}", "end" if x == places[-1] else "start"
                at = x - 5 if side == "end" else x + 5
                body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
                body.append(f'<text x="{at:.1f}" y="{y - 6:.1f}" text-anchor="{side}" class="small">{text}</text>')
    for at, (name, colour) in enumerate(colours.items()):
        body.append(f'<rect x="{16 + 160 * at}" y="42" width="11" height="11" rx="2" fill="{colour}"/>')
        body.append(f'<text x="{32 + 160 * at}" y="52" class="small">{escape(name)}</text>')
    folder.mkdir(parents=True, exist_ok=True)
    page = _page("First sync by the number of pods", "both axes are logarithmic", top + height + 40, body)
    (folder / "benchmark-growth.svg").write_text(page, encoding="utf-8")


def _short(size: int) -> str:
    return f"{size // 1000:,}k" if size >= 1000 else str(size)


def _sync(results: dict[str, Any], pods: int) -> str:
    order = sorted((name for name in results if "sync_s" in results[name]), key=lambda name: results[name]["sync_s"])
    panel = (WIDTH - LEFT - 56) / 2
    time = Bars("time until synced, s", [(n, [results[n]["sync_s"]]) for n in order], "{:.1f}".format, LEFT, panel)
    memory = Bars(
        "memory then, MiB", [(n, [results[n]["rss_mib"]]) for n in order], "{:,.0f}".format, LEFT + panel + 40, panel
    )
    height = 74 + ROW * len(order) + 14
    title = f"First sync of {pods:,} pods of 8 KB"
    body = [_names(order, 74, ROW), _bars(time, 74, ROW), _bars(memory, 74, ROW)]
    return _page(title, "shorter is better", height, body)


def _events(results: dict[str, Any], events: int) -> str:
    figures = ("metadata_per_s", "status_per_s", "everything_per_s")
    usable = [name for name in results if "metadata_per_s" in results[name]]
    order = sorted(usable, key=lambda name: -results[name]["metadata_per_s"])
    rows = [(name, [results[name].get(figure, 0.0) for figure in figures]) for name in order]
    row = 52
    bars = Bars("", rows, "{:,.0f}".format, LEFT, WIDTH - LEFT - 66)
    height = 78 + row * len(order) + 10
    key, x = [], LEFT
    for colour, text in zip(OURS_COLOURS, ("reads metadata", "reads phase and IP", "reads all parts"), strict=True):
        key.append(f'<rect x="{x}" y="52" width="11" height="11" rx="2" fill="{colour}"/>')
        key.append(f'<text x="{x + 16}" y="62" class="small">{text}</text>')
        x += 40 + 7 * len(text)
    title = f"Events a second to a handler, of {events:,} changes"
    return _page(title, "longer is better", height, [*key, _names(order, 78, row), _bars(bars, 78, row)])


def _page(title: str, note: str, height: float, body: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img"',
            f' aria-label="{escape(title)}">',
            "<style>text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:" + INK + "}",
            ".title{font-size:16px;font-weight:600}.small{font-size:12px;fill:"
            + PALE
            + "}.ours{font-weight:600}</style>",
            f'<rect width="{WIDTH}" height="{height:g}" rx="8" fill="#fff"/>',
            f'<text x="16" y="28" class="title">{escape(title)}</text>',
            f'<text x="{WIDTH - 16}" y="28" class="small" text-anchor="end">{escape(note)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _names(names: Sequence[str], top: float, row: float) -> str:
    return "\n".join(
        f'<text x="{LEFT - 10}" y="{top + row * at + row / 2 + 0.5:g}" text-anchor="end"'
        f"{' class=' + chr(34) + 'ours' + chr(34) if name == OURS else ''}>{escape(LABELS.get(name, name))}</text>"
        for at, name in enumerate(names)
    )


def _bars(bars: Bars, top: float, row: float) -> str:
    values = sorted(value for _, each in bars.rows for value in each)
    longest = values[-1] if values else 1.0
    others = [max(each) for _, each in bars.rows]
    others.remove(max(others))
    if others and longest > 2.5 * max(others):  # one bar that would flatten all others is cut, and says so
        longest = 1.25 * max(others)
    parts = [f'<text x="{bars.x:g}" y="{top - 14:g}" class="small">{escape(bars.title)}</text>'] if bars.title else []
    bottom = top + row * len(bars.rows)
    parts.append(
        f'<line x1="{bars.x:g}" x2="{bars.x:g}" y1="{top - 4:g}" y2="{bottom:g}" stroke="{GRID}" stroke-width="1"/>'
    )
    for at, (name, each) in enumerate(bars.rows):
        colours = OURS_COLOURS if name == OURS else OTHER_COLOURS
        thick = BAR if len(each) == 1 else 13
        known = [(value, colour) for value, colour in zip(each, colours, strict=False) if value]
        y = top + row * at + (row - thick * len(known)) / 2 - 4
        for value, colour in known:
            room = bars.width - 46
            length = max(1.5, room * min(value / longest, 1.0))
            parts.append(
                f'<rect x="{bars.x:g}" y="{y:.1f}" width="{length:.1f}" height="{thick - 1}" rx="2" fill="{colour}"/>'
            )
            if value > longest:
                cut = bars.x + length - 22
                corners = ((cut, thick), (cut + 5, thick), (cut + 11, -1), (cut + 6, -1))
                points = " ".join(f"{corner:.1f},{y + below:.1f}" for corner, below in corners)
                parts.append(f'<polygon points="{points}" fill="#fff"/>')
            text = bars.x + length + 6
            parts.append(f'<text x="{text:.1f}" y="{y + thick / 2 + 4:.1f}" class="small">{bars.show(value)}</text>')
            y += thick
    return "\n".join(parts)

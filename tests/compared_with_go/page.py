"""Makes docs/explanation/compared-with-client-go.md from the scripts and the table of differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.compared_with_go.definition_updates import measured as updates_measured
from tests.compared_with_go.differences import DIFFERENCES
from tests.compared_with_go.performance import CHAPTERS, SCRIPTS
from tests.compared_with_go.program import CLIENT_GO_VERSION
from tests.compared_with_go.scripts_random import SCRIPTS as RANDOM_SCRIPTS
from tests.compared_with_go.times import SLOWER, measured

__all__ = ["page"]

RANDOM = len(RANDOM_SCRIPTS)
_HEAD = f"""\
<!-- Written by `make pages` from tests/compared_with_go. Don't edit. -->

# Compared with client-go

A server plays the same script to client-go v{CLIENT_GO_VERSION} and to this library, and what came of it is compared:
for each object and handler the sequence of notifications, their order, the cache at the end, whether handlers count
as synced, and what the server was asked for. A difference that is not listed here fails the test, and so does one that
is listed and no longer there. *Wanted* is what the design of this library says; its table is in [](../why.md).

    tests/compared_with_go/build.sh     # once: builds a program with client-go in it; needs Go 1.26
    pytest tests/compared_with_go

Of the {{scripts}} scripts of this page {{same}} end the same; most are also played with mappings or metadata alone.
{RANDOM} more are drawn at random, from fixed seeds: in these nothing may differ, but that an object that was made anew
is two.

## How to read it

| | |
|---|---|
| `initial add 3` | an add at version 3, as part of the initial list; `add 3`: later |
| `update 1→6` | an update, from version to version; `another uid`: the object was made anew in between |
| `repeat 6` | an update from a version to itself; several in a row count as one |
| `delete 8` | a deletion, with its version; `tombstone 8`: it was missed, and 8 was the last, or `?`: none is known |
| `list@5/500` | a list at version 5, in pages of 500; `list page-2/500`: the next page |
| `watch@5` `stream@5` | a watch from there, and a streaming list; `again`: the same once more, or more often |
| `-` | no such thing |

## What differs, and why
"""


_TIMES = """
## How soon a cache is whole again

Seconds from the first request until the last object of the script has been sent, with the pauses that both have by
default: the median of three plays, on two busy cores. Of the jitter of pauses the middle is taken here. A script that
takes more than one and a half times as long here, and half a second more, fails the test, unless its reason stands
here. Scripts that take less than 0.6 s on both sides are left out; `-`: it was not whole within the script's time.

    python -m tests.compared_with_go.times     # measures anew
"""
#: Seconds.
_LONG = 0.6
_UPDATES = """
### After the update of a definition

On a real kube-apiserver a CustomResourceDefinition is updated six times, while an informer of each side follows its
kind. The server ends the watches, answers some requests with 429 or not at all, and has forgotten the history then:
a list follows. Seconds from the end of the watches until each cache has an object that was created after it. The
pauses of client-go grow from update to update, and here a watch that worked lets them start small again.

    python -m tests.compared_with_go.definition_updates     # measures anew

| update | client-go | here |
|---|--:|--:|"""


def page() -> str:
    """Return the page."""
    differing = {script for difference in DIFFERENCES for script in difference.scripts}
    same = sum(script.name not in differing for script in SCRIPTS)
    return _HEAD.replace("{scripts}", str(len(SCRIPTS))).replace("{same}", str(same)) + "\n".join(_body(differing))


def _body(differing: set[str]) -> Iterator[str]:
    for difference in DIFFERENCES:
        yield f"\n### {difference.title}\n"
        yield f"*Wanted: {difference.design}.*\n\n{difference.why}\n"
        yield "| script | client-go | here |\n|---|---|---|"
        for name, facets in difference.scripts.items():
            yield f"| {name} | {_cell(facets, 0)} | {_cell(facets, 1)} |"
    yield _TIMES
    yield "| script | client-go | here | |\n|---|--:|--:|---|"
    for name, times in measured().items():
        if any(value is None or value >= _LONG for value in (times.client_go, times.ours)):
            yield f"| {name} | {_seconds(times.client_go)} | {_seconds(times.ours)} | {SLOWER.get(name, '')} |"
    yield _UPDATES
    for number, (client_go, ours) in enumerate(updates_measured(), start=1):
        yield f"| {number} | {_seconds(client_go)} | {_seconds(ours)} |"
    yield "\n## What is the same"
    for title, scripts in CHAPTERS.items():
        yield f"\n### {title}\n"
        yield from (f"- {script.name}" for script in scripts if script.name not in differing)
    yield ""


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(facets: Mapping[str, tuple[str, str]], side: int) -> str:
    return "<br>".join(f"{facet}: {_code(texts[side])}" for facet, texts in facets.items())


def _code(text: str) -> str:
    return text if text in {"-", "yes", "no", "empty"} or text.startswith(("it ", "the ")) else f"`{text}`"

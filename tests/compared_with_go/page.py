"""Makes docs/explanation/compared-with-client-go.md from the scripts and the table of differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.compared_with_go.definition_updates import measured as updates_measured
from tests.compared_with_go.differences import DIFFERENCES
from tests.compared_with_go.performance import CHAPTERS, SCRIPTS
from tests.compared_with_go.program import CLIENT_GO_VERSION
from tests.compared_with_go.scripts_random import SCRIPTS as RANDOM_SCRIPTS
from tests.compared_with_go.times import SLOWER, Times, measured

__all__ = ["page"]

RANDOM = len(RANDOM_SCRIPTS)
_HEAD = f"""\
<!-- Written by `make pages` from tests/compared_with_go. Don't edit. -->

# Compared with client-go

A server plays the same script to client-go v{CLIENT_GO_VERSION} and to this library. A test compares what each
handler receives for each object, in which order, the cache at the end, whether handlers are synced, and the requests.
It fails if a difference is not listed here, or is listed and no longer there.
[A summary](../why.md#where-it-departs-from-client-go).

    tests/compared_with_go/build.sh     # once: builds a program with client-go; needs Go 1.26
    pytest tests/compared_with_go

Of {{scripts}} scripts {{same}} end the same. Most are also played with mappings or metadata alone. {RANDOM} more
scripts are drawn at random, from fixed seeds. There the only difference is that a recreated object is two objects.

## How to read it

| | |
|---|---|
| `initial add 3` | an add of version 3 from the initial list; `add 3`: a later add |
| `update 1→6` | an update, from version to version; `another uid`: the object was created again in between |
| `repeat 6` | one or more updates from a version to itself |
| `delete 8` | a deletion, with its version; `tombstone 8`: it was missed; 8 is the last known version (`?`: unknown) |
| `list@5/500` | a list at version 5, in pages of 500; `list page-2/500`: the next page |
| `watch@5` `stream@5` | a watch from version 5; a streaming list; `again`: the same once more, or more often |
| `-` | nothing |

## What differs, and why
"""


_TIMES = """
## How soon a cache is complete again

Seconds from the first request until the last object of the script has been sent, with the default pauses of both (here
with the jitter at its middle): the median of three runs, on two busy cores. A script that takes more than one and a
half times as long here, and half a second more, fails the test, unless the table has a reason. The table has the
scripts in which the two differ by more than half a second. In the other {others} they differ by less. `-`: the cache
was not complete within the script's time.

    python -m tests.compared_with_go.times     # measures again

| script | client-go | here | |
|---|--:|--:|---|"""
#: Seconds.
_MUCH = 0.5
_UPDATES = """
### After the update of a definition

On a real kube-apiserver a CustomResourceDefinition is updated six times, while an informer of each side follows its
kind. The server ends the watches, answers some requests with 429 or not at all, and has then lost its history, so
a list follows. The table has the seconds from the end of the watches until each cache has an object that was created
afterwards. client-go's pauses grow from update to update. Here they start small again after a watch that worked.

    python -m tests.compared_with_go.definition_updates     # measures again

| update | client-go | here |
|---|--:|--:|"""


def page() -> str:
    """Return the page."""
    differing = {script for difference in DIFFERENCES for script in difference.scripts}
    same = sum(script.name not in differing for script in SCRIPTS)
    return _HEAD.replace("{scripts}", str(len(SCRIPTS))).replace("{same}", str(same)) + "\n".join(_body(differing))


def _body(differing: set[str]) -> Iterator[str]:
    for difference in DIFFERENCES:
        yield f"\n### {difference.title}\n\n{difference.why}\n"
        yield "| script | client-go | here |\n|---|---|---|"
        for name, facets in difference.scripts.items():
            yield f"| {name} | {_cell(facets, 0)} | {_cell(facets, 1)} |"
    much = {name: times for name, times in measured().items() if name in SLOWER or _differ(times)}
    yield _TIMES.replace("{others}", str(len(measured()) - len(much)))
    for name, times in much.items():
        yield f"| {name} | {_seconds(times.client_go)} | {_seconds(times.ours)} | {SLOWER.get(name, '')} |"
    yield _UPDATES
    for number, (client_go, ours) in enumerate(updates_measured(), start=1):
        yield f"| {number} | {_seconds(client_go)} | {_seconds(ours)} |"
    yield "\n## What is the same\n"
    for title, scripts in CHAPTERS.items():
        yield f"- **{title}:** {'; '.join(script.name for script in scripts if script.name not in differing)}."
    yield ""


def _differ(times: Times) -> bool:
    if times.client_go is None or times.ours is None:
        return times.client_go != times.ours
    return abs(times.client_go - times.ours) > _MUCH


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(facets: Mapping[str, tuple[str, str]], side: int) -> str:
    return "<br>".join(f"{facet}: {_code(texts[side])}" for facet, texts in facets.items())


def _code(text: str) -> str:
    return text if text in {"-", "yes", "no", "empty"} or text.startswith(("it ", "the ")) else f"`{text}`"

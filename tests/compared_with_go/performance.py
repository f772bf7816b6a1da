"""Plays all scripts to both, at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

import attrs

from tests.compared_with_go import ours, program
from tests.compared_with_go.differences import expected
from tests.compared_with_go.notifications import Outcome, facets
from tests.compared_with_go.scripts_handlers import SCRIPTS as HANDLERS
from tests.compared_with_go.scripts_lists import SCRIPTS as LISTS
from tests.compared_with_go.scripts_streams import SCRIPTS as STREAMS
from tests.compared_with_go.scripts_watches import SCRIPTS as WATCHES
from tests.compared_with_go.scripts_writing import SCRIPTS as WRITING
from tests.compared_with_go.server import ScriptedServer, serving
from tests.compared_with_go.vocabulary import Script

__all__ = [
    "CHAPTERS",
    "OTHER_CLIENTS",
    "SCRIPTS",
    "Compared",
    "play_all",
    "play_to_client_go",
]

#: Informers of this library that run at once. With all of them, what takes a moment would take seconds, and a watch
#: that ends at once would not end at once.
_AT_ONCE = 32

#: The scripts, as the page has them.
CHAPTERS: dict[str, tuple[Script, ...]] = {
    "Lists": LISTS,
    "Watches": WATCHES,
    "Streaming lists": STREAMS,
    "How a server writes": WRITING,
    "Handlers, filters, transforms, resyncs": HANDLERS,
}
SCRIPTS: tuple[Script, ...] = tuple(script for chapter in CHAPTERS.values() for script in chapter)
#: What only typed clients take as client-go's do: the chapter "How a server writes" has these for mappings.
_TYPED_ALONE = {"a deletion of an object that can't be read", "a failure that says it is well"}


def _with_other_clients() -> Iterator[Script]:
    """Yield the scripts in which nothing differs once more, in turn with mappings and with metadata alone."""
    clients = itertools.cycle(("dynamic", "metadata"))
    for script in SCRIPTS:
        if script.client == "typed" and not expected(script.name) and script.name not in _TYPED_ALONE:
            # What is written in so many bytes is no metadata.
            client = next(clients) if script not in WRITING else "dynamic"
            yield attrs.evolve(script, client=client, name=f"{script.name} ({client})")


OTHER_CLIENTS: tuple[Script, ...] = tuple(_with_other_clients())


@final
@attrs.frozen
class Compared:
    """What a script came to, with client-go and with this library, facet by facet."""

    client_go: dict[str, str]
    ours: dict[str, str]

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        """What is not the same: client-go's and ours, by facet; `-` where there is no such thing."""
        found = {
            facet: (self.client_go.get(facet, "-"), self.ours.get(facet, "-"))
            for facet in {**self.client_go, **self.ours}
            if self.client_go.get(facet) != self.ours.get(facet)
        }
        if any("/" in facet for facet in found):
            # Where objects differ their order does too, which says nothing more.
            found.pop("order", None)
        return found


def play_all(scripts: Sequence[Script]) -> dict[str, Compared]:
    """Play scripts to both; most of the time passes in the pauses after failures."""
    from kubernetes.client import ApiClient, Configuration

    ApiClient(Configuration())
    crashing = [[script] for script in scripts if script.crashes]
    groups = [group for group in ([script for script in scripts if not script.crashes], *crashing) if group]
    # What takes long goes first.
    order = sorted(scripts, key=lambda script: -script.takes)
    with serving(scripts) as server, ThreadPoolExecutor(len(groups)) as processes, ThreadPoolExecutor(_AT_ONCE) as pool:
        goes = [processes.submit(play_to_client_go, group, server) for group in groups]
        mine = {script.name: pool.submit(ours.play, script, server.url("ours", script)) for script in order}
        theirs = {name: outcome for process in goes for name, outcome in process.result().items()}
        played = {name: outcome.result() for name, outcome in mine.items()}
        for script in scripts:
            theirs[script.name].requests = server.requests("client-go", script)
            played[script.name].requests = server.requests("ours", script)
    return {
        script.name: Compared(facets(script, theirs[script.name]), facets(script, played[script.name]))
        for script in scripts
    }


def play_to_client_go(
    scripts: Sequence[Script], server: ScriptedServer, client: str = "client-go"
) -> dict[str, Outcome]:
    """Play scripts to client-go, which the server knows by the name `client`."""
    orders: list[dict[str, Any]] = []
    for script in scripts:
        order = attrs.asdict(script)
        for answers in ("lists", "watches", "streams"):
            del order[answers]
        orders.append({**order, "url": server.url(client, script)})
    lines, _ = program.run(orders, timeout=120)
    outcomes = {script.name: Outcome() for script in scripts}
    for line in lines:
        outcomes[line["script"]].take(line)
    return outcomes

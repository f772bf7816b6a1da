"""The same behaviour of a server, played to client-go and to this library: what handlers are told is the same.

Where it is not, `differences` says so, and why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.compared_with_go.differences import DIFFERENCES, expected
from tests.compared_with_go.performance import OTHER_CLIENTS, SCRIPTS, Compared, play_all
from tests.compared_with_go.scripts_random import SCRIPTS as RANDOM

#: All scripts are played for the first test that asks, which on a busy machine takes more than a minute.
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def compared() -> Mapping[str, Compared]:
    """All scripts, played once, at the same time: what takes long are the pauses after failures."""
    return play_all([*SCRIPTS, *OTHER_CLIENTS, *RANDOM])


@pytest.mark.parametrize("script", [script.name for script in SCRIPTS])
def test_handlers_receive_the_same_but_for_the_listed_differences(
    compared: Mapping[str, Compared], script: str
) -> None:
    played = compared[script]
    assert played.differences == expected(script), f"client-go: {played.client_go}\nhere: {played.ours}"


@pytest.mark.parametrize("script", [script.name for script in (*OTHER_CLIENTS, *RANDOM)])
def test_nothing_differs_with_other_clients_nor_whatever_a_server_does_by_chance(
    compared: Mapping[str, Compared], script: str
) -> None:
    played = compared[script]
    assert made_two(played).differences == {}, f"client-go: {played.client_go}\nhere: {played.ours}"


def made_two(played: Compared) -> Compared:
    """Return what client-go tells as it were if it told an object that was made anew as two, as is told here."""
    if not any("another uid" in text for text in played.client_go.values()):
        return played
    client_go, here = (
        {
            facet: re.sub(r"update (\S+)→([^, ]+), another uid", r"delete \1, add \2", text).replace(
                "tombstone", "delete"
            )
            for facet, text in side.items()
            if facet != "order"
        }
        for side in (played.client_go, played.ours)
    )
    return Compared(client_go, here)


def test_every_script_has_a_name_of_its_own() -> None:
    names = [script.name for script in SCRIPTS]
    assert sorted(set(names)) == sorted(names)


def test_every_listed_difference_is_of_a_script() -> None:
    names = {script.name for script in SCRIPTS}
    listed = [name for difference in DIFFERENCES for name in difference.scripts]
    assert set(listed) <= names
    assert len(listed) == len(set(listed))

"""The page for who comes from client-go gives names that exist, and a program that prints what it says."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_docs import blocks, server, setup

__all__ = ["server"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "coming-from-client-go.md"
TEXT = PAGE.read_text(encoding="utf-8")
#: Where a name is looked for that does not say its module.
PLACES = ("informers", "informers.workqueue")
#: `Name`, `Class.member`, `informers.module.Name`, or one of these with a parameter: `Name(parameter=)`.
NAME = re.compile(r"^(?P<path>\w+(\.\w+)*)(\((?P<parameter>\w+)=\))?$")


def names(text: str) -> Iterator[str]:
    """Iterate over the names in the tables' second column; where there are none, it must say so."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| client-go |"):
            here = line.strip("|").split(" | ")[1].strip()
            found = re.findall(r"`([^`]*)`", here)
            if not found and here != "none":
                raise ValueError(f"this row has neither a name of ours nor `none`: {line}")
            yield from found


def resolve(name: str) -> Any:
    """Return what a name stands for.

    Raises:
        LookupError: there is no such thing, or it has no such parameter.
    """
    match = NAME.match(name)
    if match is None:
        raise LookupError(f"{name!r} is no name")
    module, _, path = match["path"].rpartition(".") if name.startswith("informers.") else ("", "", match["path"])
    for place in (module,) if module else PLACES:
        try:
            thing: Any = importlib.import_module(place)
            for part in path.split("."):
                thing = getattr(thing, part)
        except (ModuleNotFoundError, AttributeError):
            continue
        if match["parameter"] and match["parameter"] not in inspect.signature(thing).parameters:
            raise LookupError(f"{name!r}: there is no such parameter")
        return thing
    raise LookupError(f"there is no {name!r}")


@pytest.mark.parametrize("name", sorted(set(names(TEXT))))
def test_a_name_of_ours_on_the_page_exists(name: str) -> None:
    resolve(name)


@pytest.mark.parametrize(
    "name",
    ["Nobody", "SharedInformer.nothing", "SharedInformer(nothing=)", "informers.nowhere.Store", "a b", "store.Store"],
)
def test_a_name_that_is_not_there_is_noticed(name: str) -> None:
    with pytest.raises(LookupError):
        resolve(name)


def test_names_are_those_of_the_second_column_and_a_row_without_any_says_so() -> None:
    table = "| client-go | here | what differs |\n|---|---|---|\n| `A` | `B`, `C.d` | as `E` |\n| `F` | none | |"
    assert list(names(table)) == ["B", "C.d"]
    with pytest.raises(ValueError, match="neither a name of ours"):
        list(names("| `A` | something | |"))


def test_the_program_on_the_page_prints_what_the_page_says(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, object] = {"__name__": "__main__", "server": request.getfixturevalue("server")}
    exec(setup(TEXT), namespace)
    (program,) = blocks(TEXT)
    exec(program.code, namespace)
    (printed,) = re.findall(r"^```text\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert capsys.readouterr().out == printed

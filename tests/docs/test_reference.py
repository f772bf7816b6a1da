"""The reference has every name that the package exports, and starts with the factory."""

from __future__ import annotations

import re
from importlib import import_module

import informers
from tests.docs.test_docs import ROOT

REFERENCE = ROOT / "docs" / "reference"
#: Pages that document whole modules.
MODULES = re.compile(r"^\.\. automodule:: (?P<name>[\w.]+)$", re.MULTILINE)
NAMES = re.compile(r"^\.\. auto(?:class|function|data):: informers\.(?P<name>\w+)$", re.MULTILINE)


def test_the_reference_has_every_exported_name_once() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.md")))
    named = NAMES.findall(pages)
    modules = set(MODULES.findall(pages))
    by_module = {name for module in modules - {"informers"} for name in import_module(module).__all__}
    assert sorted(named) == sorted(set(informers.__all__) - by_module - {"__version__"})


def test_the_reference_starts_with_the_factory() -> None:
    text = (REFERENCE / "informers.md").read_text(encoding="utf-8")
    assert NAMES.findall(text)[0] == "SharedInformerFactory"

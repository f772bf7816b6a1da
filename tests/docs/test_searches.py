"""What people search for stands in the title or a heading of the page that answers it."""

from __future__ import annotations

import re

import pytest

from tests.docs.test_docs import ROOT

SEARCHES = {
    "label selector": "how-to/filter.md",
    "transform": "how-to/transform.md",
    "snapshot": "how-to/resume.md",
    "owner reference": "how-to/controllers.md",
    "finalizer": "how-to/controllers.md",
    "own writes": "how-to/controllers.md",
    "exec plugin": "how-to/authentication.md",
    "credentials": "how-to/authentication.md",
    "graceful shutdown": "how-to/run-in-a-cluster.md",
    "rbac": "how-to/run-in-a-cluster.md",
    "django": "how-to/run-in-a-cluster.md",
    "gunicorn": "how-to/processes.md",
    "leader election": "how-to/several-replicas.md",
    "sharding": "how-to/sharding.md",
    "field index": "how-to/indexes.md",
    "asyncio": "how-to/asyncio.md",
    "memory": "how-to/memory.md",
    "metrics": "how-to/health-and-metrics.md",
    "dynamic": "how-to/dynamic.md",
    "retries": "how-to/workqueue.md",
    "deprecation": "compatibility.md",
    "troubleshooting": "how-to/when-nothing-comes.md",
}


@pytest.mark.parametrize(("words", "page"), SEARCHES.items())
def test_a_search_finds_its_page_by_a_heading(words: str, page: str) -> None:
    headings = re.findall(r"^##? (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert any(words in heading.lower() for heading in headings), headings


def test_the_supported_versions_of_python_are_those_of_the_package() -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [row] = re.findall(r"^\| Python \| (.*) \|$", page, re.MULTILINE)
    assert row.split(", ") == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', settings)

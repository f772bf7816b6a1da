from __future__ import annotations

from collections.abc import Iterator

import pytest

from informers.testing import APIServer
from tests.cache.things import made, source

__all__ = ["made", "server", "source"]


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running

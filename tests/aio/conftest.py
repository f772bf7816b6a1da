from __future__ import annotations

from collections.abc import Iterator

import pytest

from informers.testing import APIServer


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running

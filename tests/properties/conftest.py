from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Handlers that raise are part of it; a traceback for each would take most of the time."""
    caplog.set_level("CRITICAL", "informers")

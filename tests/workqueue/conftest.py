from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

#: Runs a function in a thread of its own.
Background = Callable[[Callable[[], Any]], "Future[Any]"]


@pytest.fixture
def background() -> Iterator[Background]:
    """Run functions in threads of their own, which must have ended when the test ends."""
    threads: list[threading.Thread] = []

    def start(function: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 - result() raises it
                future.set_exception(error)

        thread = threading.Thread(target=run)
        threads.append(thread)
        thread.start()
        return future

    yield start
    for thread in threads:
        thread.join(10)

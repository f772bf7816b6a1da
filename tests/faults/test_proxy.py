"""The proxy that makes the faults leaves nothing behind of its own."""

from __future__ import annotations

import gc
import socket
import time
import warnings

import pytest

from informers.testing._controlplane.authority import Authority
from tests.faults.conftest import server_context
from tests.faults.proxy import Proxy


@pytest.mark.parametrize("has_tls", [False, True])
def test_connections_that_come_as_the_proxy_ends_are_closed(authority: Authority, has_tls: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Proxy(target.getsockname()[1], tls=server_context(authority) if has_tls else None) as proxy:
            # The loop finds the connections and the order to end in one and the same round.
            proxy._loop.call_soon_threadsafe(time.sleep, 0.1)
            clients = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(5)]
        gc.collect()
        for client in clients:
            client.close()
        assert [str(warning.message) for warning in caught] == []

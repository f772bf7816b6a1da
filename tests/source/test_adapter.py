"""What is used of other libraries beyond what they promise is as it was when it was last looked at."""

from __future__ import annotations

import gc
import http.client
import importlib.metadata
import io
import re
import select
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path

import pytest

import informers
from informers.source._transport.adapter import _Response, tracked
from informers.source._transport.error_text import SlowHeadError
from informers.source._transport.sockets import Sockets
from informers.testing import FakeClock

#: The versions whose sources have been read: look at `adapter.py` again before a version is added.
LOOKED_AT = {"kubernetes": {"35", "36", "37"}, "urllib3": {"2"}}
PYTHONS = {(3, 10), (3, 11), (3, 12), (3, 13)}
SOURCE = Path(informers.__file__).parent


@pytest.mark.parametrize("name", sorted(LOOKED_AT))
def test_the_installed_version_has_been_looked_at(name: str) -> None:
    assert importlib.metadata.version(name).partition(".")[0] in LOOKED_AT[name]


def test_this_python_has_been_looked_at() -> None:
    assert sys.version_info[:2] in PYTHONS


def test_the_private_parts_are_there() -> None:
    from kubernetes.client import Configuration
    from kubernetes.config.incluster_config import InClusterConfigLoader
    from kubernetes.config.kube_config import KubeConfigLoader
    from urllib3._collections import RecentlyUsedContainer
    from urllib3.connection import HTTPConnection, HTTPSConnection

    # Unset until a configuration has been loaded, on some versions.
    assert getattr(Configuration, "_default", None) is None or isinstance(Configuration._default, Configuration)
    assert callable(KubeConfigLoader._load_authentication)
    assert callable(KubeConfigLoader._set_config)
    assert callable(InClusterConfigLoader._read_token_file)
    assert callable(InClusterConfigLoader._set_config)
    assert callable(RecentlyUsedContainer)
    assert callable(HTTPConnection._new_conn)
    assert callable(HTTPSConnection._new_conn)
    assert callable(io.BufferedReader.detach)
    assert http.client.HTTPConnection.response_class is http.client.HTTPResponse


def test_a_head_has_the_time_of_one_read_and_a_body_as_long_as_bytes_come() -> None:
    clock = FakeClock()
    ours, servers = socket.socketpair()
    with ours, servers:
        ours.settimeout(10)
        response = _Response(ours, clock=clock)
        servers.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        response.begin()
        clock.advance(1000)
        servers.sendall(b"lo")
        assert response.read() == b"hello"
        assert ours.gettimeout() == 10
        response.close()
        late = _Response(ours, clock=clock)
        servers.sendall(b"HTTP/1.1 200 OK\r\n")
        clock.advance(11)
        with pytest.raises(SlowHeadError):
            late.begin()
        late.close()


def open_tls_sockets() -> set[int]:
    """Return the descriptors of TLS sockets; other tests' clients may have left theirs to the collector."""
    return {made.fileno() for made in gc.get_objects() if isinstance(made, ssl.SSLSocket) and made.fileno() >= 0}


def test_a_socket_that_the_server_resets_before_the_handshake_is_closed_at_once() -> None:
    import urllib3
    from urllib3.connection import HTTPSConnection

    class Late(HTTPSConnection):
        """Begins the handshake when the reset has come."""

        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            connected.set()
            select.select([made], [], [], 10)
            return made

    class LatePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Late

    def reset() -> None:
        accepted, _ = listener.accept()
        assert connected.wait(10)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()

    before = open_tls_sockets()
    connected = threading.Event()
    template = urllib3.PoolManager()
    template.pool_classes_by_scheme = {"https": LatePool}
    sockets = Sockets()
    with socket.create_server(("127.0.0.1", 0)) as listener, tracked(template, sockets) as pools:
        thread = threading.Thread(target=reset)
        thread.start()
        with pytest.raises(urllib3.exceptions.HTTPError) as refused:
            pools.request("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/", retries=False, timeout=10)
        thread.join()
        # What leads to it is still there: the collector has not closed it.
        assert refused.value.__traceback__ is not None
        assert open_tls_sockets() - before == set()


def test_no_other_module_uses_them() -> None:
    private = re.compile(
        r"\b(_fp|_sock|_new_conn|_default|_load_authentication|_set_config|_read_token_file|urllib3\._\w+)\b"
        r"|\.detach\(|\bkubernetes\.config\."
    )
    using = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(private.search(line.partition("#")[0]) for line in path.read_text().splitlines() if "self._" not in line)
    }
    assert using == {"source/_transport/adapter.py"}

"""The ways to a server that the official client can be configured with: a proxy with and without TLS, another name."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from informers.errors import StoppedError
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.watch_events import ListOptions
from informers.testing._controlplane.authority import Authority
from tests.faults.conftest import server_context
from tests.source.wire import Connection, answer, breaks_off, serving

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

LIST = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def listing(connection: Connection) -> None:
    """Answer lists; a watch begins, and then nothing more is said."""
    while (request := connection.request()) is not None:
        if "watch=true" in request.target:
            connection.send(CHUNKED)
            connection.wait_for_end()
            return
        connection.send(answer(LIST))


def relay(one: socket.socket, other: socket.socket) -> None:
    """Forward what comes from either to the other, until one of them ends."""

    def forward(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    back = threading.Thread(target=forward, args=(other, one), name="relay")
    back.start()
    forward(one, other)
    back.join(10)


def tunnel(connection: Connection) -> None:
    """Be a proxy that opens tunnels (CONNECT)."""
    request = connection.request()
    assert request is not None
    host, _, port = request.target.rpartition(":")
    with socket.create_connection((host, int(port))) as target:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        relay(connection._sock, target)


def socks(connection: Connection) -> None:
    """Be a SOCKS 5 proxy (RFC 1928) that asks nobody who they are, and knows addresses of IPv4 and names."""
    sock = connection._sock
    _, methods = sock.recv(2, socket.MSG_WAITALL)
    sock.recv(methods, socket.MSG_WAITALL)
    sock.sendall(b"\x05\x00")
    kind = sock.recv(4, socket.MSG_WAITALL)[3]
    if kind == 1:
        host = socket.inet_ntoa(sock.recv(4, socket.MSG_WAITALL))
    else:
        host = sock.recv(sock.recv(1)[0], socket.MSG_WAITALL).decode()
    (port,) = struct.unpack("!H", sock.recv(2, socket.MSG_WAITALL))
    with socket.create_connection((host, port)) as target:
        sock.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        relay(sock, target)


def client_of(url: str, **settings: Any) -> ApiClient:
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration(host=url)
    for name, value in settings.items():
        setattr(configuration, name, value)
    return ApiClient(configuration)


def check(make: Callable[[], ApiClient]) -> None:
    """List over a connection, list again over the same, and break off a watch."""
    client = make()
    source = ListWatch(client, core.V1.pods)
    try:
        assert source.list(ListOptions()).resource_version == "1"
        assert source.list(ListOptions()).resource_version == "1"
        watch = source.watch(ListOptions())
        with breaks_off(source.close, once=lambda: None), pytest.raises(StoppedError):
            list(watch.batches())
        watch.close()
    finally:
        source.close()
        client.close()


@pytest.mark.parametrize("proxy_has_tls", [False, True], ids=["plain proxy", "proxy with TLS"])
def test_a_server_with_tls_is_reached_through_a_tunnel_of_a_proxy(authority: Authority, proxy_has_tls: bool) -> None:
    """With TLS to the proxy there is TLS within TLS, which has no socket of its own."""
    tls = server_context(authority)
    with serving(listing, tls=tls) as server, serving(tunnel, tls=tls if proxy_has_tls else None) as proxy:
        check(lambda: client_of(server.url, proxy=proxy.url, ssl_ca_cert=str(authority.certificate)))
        assert server.connections == proxy.connections == 1


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "TLS"])
def test_a_server_is_reached_through_socks(authority: Authority, has_tls: bool) -> None:
    pytest.importorskip("socks", reason="urllib3 needs PySocks for that")
    with serving(listing, tls=server_context(authority) if has_tls else None) as server, serving(socks) as proxy:
        url = proxy.url.replace("http://", "socks5h://")
        check(lambda: client_of(server.url, proxy=url, ssl_ca_cert=str(authority.certificate)))
        assert server.connections == proxy.connections == 1


def test_a_server_with_tls_may_have_an_address_of_ipv6_alone(authority: Authority) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no loopback of IPv6")
    authority.issue("six", names="IP:::1")
    with serving(listing, host="::1", tls=server_context(authority, "six")) as server:
        check(lambda: client_of(server.url, ssl_ca_cert=str(authority.certificate)))


def test_a_server_may_have_another_name_and_a_path_before_its_own(authority: Authority) -> None:
    seen: list[str] = []

    def behind_a_path(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            seen.append(request.target)
            connection.send(answer(LIST))

    with serving(behind_a_path, tls=server_context(authority, "elsewhere")) as server:
        url = f"{server.url}/k8s/clusters/c-1/"
        settings = {"ssl_ca_cert": str(authority.certificate), "tls_server_name": "elsewhere.example"}
        source = ListWatch(client_of(url, **settings), core.V1.pods)
        assert source.list(ListOptions()).resource_version == "1"
        source.close()
    assert seen == ["/k8s/clusters/c-1/api/v1/pods"]

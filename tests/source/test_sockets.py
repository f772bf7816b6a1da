"""A stop breaks off whatever a connection is doing, and no socket is left behind."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from informers.errors import ConnectionLostError, StoppedError
from informers.source._transport.sockets import Sockets
from informers.source._transport.transport import Body, Transport
from tests.source.wire import Connection, answer, breaks_off, client, serving


def silent(connection: Connection) -> None:
    connection.wait_for_end()


@contextmanager
def transport_to(url: str, *, connect_timeout: float = 60.0) -> Iterator[Transport]:
    api_client = client(url)
    transport = Transport(api_client, connect_timeout=connect_timeout)
    try:
        yield transport
    finally:
        transport.close()
        api_client.close()


def live(sockets: Sockets) -> list[socket.socket]:
    """Return the sockets that have a descriptor."""
    return [sock for sock in sockets._open if sock.fileno() != -1]


def get(transport: Transport) -> Body:
    return transport.get("/api/v1/pods", [], accept="application/json", gzip=False, idle_timeout=60)


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch, where: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let a function of `socket` hang; yield an event for having got there, and one that lets it go on."""
    reached, go_on = threading.Event(), threading.Event()
    original: Callable[..., Any] = getattr(socket, where)

    def hang(*args: Any, **options: Any) -> Any:
        reached.set()
        go_on.wait(10)
        return original(*args, **options)

    monkeypatch.setattr(socket, where, hang)
    try:
        yield reached, go_on
    finally:
        go_on.set()


def test_the_system_asks_whether_the_other_side_of_a_quiet_connection_is_there() -> None:
    with serving(silent) as server, transport_to(server.url) as transport:
        made, duplicate = transport._sockets.connect(
            lambda: socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))), timeout=10
        )
        assert duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if sys.platform == "linux":
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            assert [made.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [30, 15, 3]
        made.close()
        transport._sockets.discard(duplicate)


def test_keep_alive_of_the_client_s_own_stays() -> None:
    with serving(silent) as server, transport_to(server.url) as transport:

        def connect() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 7)
            return made

        made, duplicate = transport._sockets.connect(connect, timeout=10)
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 7
        made.close()
        transport._sockets.discard(duplicate)


def test_a_stop_breaks_off_a_name_look_up_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving(silent) as server,
        transport_to(server.url) as transport,
        held_up(monkeypatch, "getaddrinfo") as (reached, _),
        breaks_off(transport.close, once=lambda: reached.wait(10)),
        pytest.raises(StoppedError),
    ):
        get(transport)


def test_a_connection_that_stands_after_all_when_nobody_wants_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def until_the_end(connection: Connection) -> None:
        connection.wait_for_end()
        ended.set()

    with serving(until_the_end) as server, transport_to(server.url) as transport:
        with (
            held_up(monkeypatch, "getaddrinfo") as (reached, _),
            breaks_off(transport.close, once=lambda: reached.wait(10)),
            pytest.raises(StoppedError),
        ):
            get(transport)
        server.wait_for(connections=1)
        assert ended.wait(10)
        assert live(transport._sockets) == []


def test_a_stop_breaks_off_a_connect_that_hangs() -> None:
    """Nobody accepts, and the queue of those who wait is full: so a further one gets no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(3):
        sock = socket.socket()
        sock.setblocking(False)
        assert sock.connect_ex(listener.getsockname()) in {0, errno.EINPROGRESS}
        waiting.append(sock)
    try:
        port = listener.getsockname()[1]
        # The thread that hangs ends with its own limit, which here is short.
        with transport_to(f"http://127.0.0.1:{port}", connect_timeout=1.5) as transport:
            connecting = threading.Event()
            original = transport._sockets.connect

            def connect(make: Callable[[], socket.socket], *, timeout: float) -> tuple[socket.socket, socket.socket]:
                def noted() -> socket.socket:
                    connecting.set()
                    return make()

                return original(noted, timeout=timeout)

            transport._sockets.connect = connect  # type: ignore[method-assign] # says when
            with breaks_off(transport.close, once=lambda: connecting.wait(10)), pytest.raises(StoppedError):
                get(transport)
    finally:
        for sock in (*waiting, listener):
            sock.close()


def test_a_stop_breaks_off_a_tls_handshake_that_hangs() -> None:
    with (
        serving(silent) as server,
        transport_to(server.url.replace("http:", "https:")) as transport,
        breaks_off(transport.close, once=lambda: server.wait_for(connections=1)),
        pytest.raises(StoppedError),
    ):
        get(transport)


def test_a_stop_breaks_off_a_proxy_that_never_opens_the_tunnel() -> None:
    from kubernetes.client import ApiClient, Configuration

    def swallow(connection: Connection) -> None:
        connection.request()
        connection.wait_for_end()

    with serving(swallow) as proxy:
        configuration = Configuration(host="https://api.example.invalid")
        configuration.proxy = proxy.url
        api_client = ApiClient(configuration)
        transport = Transport(api_client)
        with breaks_off(transport.close, once=lambda: proxy.wait_for(requests=1)), pytest.raises(StoppedError):
            get(transport)
        assert proxy.requests[0].line.startswith("CONNECT api.example.invalid:443")
        api_client.close()


def test_a_stop_before_the_begin_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = Sockets()
    sockets.close()
    monkeypatch.setattr(threading, "Thread", lambda **_: pytest.fail("a thread was started"))
    with pytest.raises(StoppedError):
        sockets.connect(lambda: pytest.fail("a connection was made"), timeout=10)
    assert sockets.closed


@pytest.mark.parametrize("error", [OSError("refused"), ssl.SSLError("no"), ValueError("odd"), KeyboardInterrupt()])
def test_what_connecting_raises_is_raised_where_it_is_waited_for(error: BaseException) -> None:
    def make() -> socket.socket:
        raise error

    with pytest.raises(type(error)) as caught:
        Sockets().connect(make, timeout=10)
    assert caught.value is error


def test_a_socket_that_can_not_be_duplicated_is_closed() -> None:
    """The process may have run out of descriptors, and a socket that is forgotten takes one more."""

    class Stingy(socket.socket):
        def dup(self) -> socket.socket:
            raise OSError(errno.EMFILE, "Too many open files")

    made = Stingy()
    with pytest.raises(OSError, match="Too many open files"):
        Sockets().connect(lambda: made, timeout=10)
    assert made.fileno() == -1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists a process's descriptors")
def test_a_connection_takes_one_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.wait_for_end()

    def inodes(port: int) -> list[str]:
        """Return the descriptors of connections to a port."""
        addresses = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
        wanted = {f"socket:[{fields[9]}]" for fields in addresses if fields[2].endswith(f":{port:04X}")}
        links = []
        for path in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(path.readlink()))
        return [link for link in links if link in wanted]

    with serving(forever) as server, transport_to(server.url) as transport, get(transport):
        assert len(inodes(server.port)) == 1


def test_a_name_that_is_not_looked_up_in_time_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving(silent) as server,
        transport_to(server.url, connect_timeout=0.05) as transport,
        held_up(monkeypatch, "getaddrinfo") as (reached, _),
    ):
        with pytest.raises(ConnectionLostError, match=r"can't connect to .*: timed out after 0\.05 s"):
            get(transport)
        assert reached.is_set()


def test_connections_that_have_been_closed_are_released() -> None:
    def once(connection: Connection) -> None:
        connection.request()
        connection.send(answer(b"x", "Connection: close"))

    with serving(once) as server, transport_to(server.url) as transport:
        for _ in range(5):
            with get(transport) as body:
                assert b"".join(body.blocks()) == b"x"
            assert live(transport._sockets) == []
        assert server.connections == 5


def test_nothing_is_left_open_after_a_close_even_if_somebody_holds_an_answer() -> None:
    """A socket that is forgotten warns when it is collected, and warnings fail the test."""

    def keep_alive(connection: Connection) -> None:
        while connection.request() is not None:
            connection.send(answer(b"x"))

    with serving(keep_alive) as server, transport_to(server.url) as transport:
        with get(transport) as body:
            list(body.blocks())
        assert len(live(transport._sockets)) == 1
        transport.close()
        assert live(transport._sockets) == []
    gc.collect()


def test_a_close_may_come_from_many_threads_while_requests_fail() -> None:
    def refuse(connection: Connection) -> None:
        connection.request()

    for _ in range(10):
        with serving(refuse) as server, transport_to(server.url) as transport:
            closers = [threading.Thread(target=transport.close, name="closer") for _ in range(4)]
            for closer in closers:
                closer.start()
            with pytest.raises((StoppedError, ConnectionLostError)):
                get(transport)
            for closer in closers:
                closer.join(10)
            with pytest.raises(StoppedError):
                get(transport)
            assert live(transport._sockets) == []

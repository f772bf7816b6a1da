"""Requests and answers, as they are on the wire."""

from __future__ import annotations

import gzip
import pickle
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from informers.errors import (
    ConfigurationError,
    ConnectionLostError,
    DecodeError,
    ExpiredError,
    SourceError,
    StatusError,
    StoppedError,
    TooManyRequestsError,
)
from informers.source._transport.transport import Body, Transport
from informers.testing import FakeClock
from tests.source.wire import Connection, Script, WireServer, answer, breaks_off, chunk, client, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = "token-that-nobody-may-see"


@contextmanager
def talking(
    *scripts: Script, connect_timeout: float = 5.0, clock: FakeClock | None = None
) -> Iterator[tuple[WireServer, Transport]]:
    with serving(*scripts) as server:
        api_client = client(server.url)
        transport = Transport(api_client, connect_timeout=connect_timeout, clock=clock or FakeClock())
        try:
            yield server, transport
        finally:
            transport.close()
            api_client.close()


def get(transport: Transport, path: str = "/api/v1/pods", *, gzip: bool = False, idle: float = 5.0) -> Body:
    return transport.get(path, [], accept="application/json", gzip=gzip, idle_timeout=idle)


def content(transport: Transport, *, gzip: bool = False, idle: float = 5.0) -> bytes:
    with get(transport, gzip=gzip, idle=idle) as body:
        return b"".join(body.blocks())


def each(*answers: bytes) -> Script:
    """Answer one request after the other, then wait."""

    def script(connection: Connection) -> None:
        for data in answers:
            if connection.request() is None:
                return
            connection.send(data)
        connection.wait_for_end()

    return script


def only(data: bytes) -> Script:
    """Answer one request, and close the connection."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(data)

    return script


def test_a_request_has_the_clients_headers_and_the_query_in_its_order() -> None:
    with talking(each(answer(b"{}"))) as (server, transport):
        transport._api_client.set_default_header("X-Own", "yes")
        transport._api_client.cookie = "a=b"
        query = [("watch", "true"), ("labelSelector", "app in (a,b),!c"), ("continue", "x/y+z=")]
        transport.get("/api/v1/pods", query, accept="application/json;g=x", gzip=True, idle_timeout=5).close()
        (request,) = server.requests
    assert request.line == (
        "GET /api/v1/pods?watch=true&labelSelector=app+in+%28a%2Cb%29%2C%21c&continue=x%2Fy%2Bz%3D HTTP/1.1"
    )
    assert request.headers["accept"] == "application/json;g=x"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["x-own"] == "yes"
    assert request.headers["cookie"] == "a=b"
    assert "informers" in request.headers["user-agent"] or "Generator" in request.headers["user-agent"]


def test_what_must_come_at_once_is_not_asked_for_compressed() -> None:
    with talking(each(answer(b"{}"))) as (server, transport):
        get(transport, gzip=False).close()
        assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_host_that_ends_in_a_slash_makes_no_double_one() -> None:
    with talking(each(answer(b"{}"))) as (server, transport):
        transport._api_client.configuration.host = server.url + "/"
        get(transport).close()
        assert server.requests[0].target == "/api/v1/pods"


@pytest.mark.parametrize(
    "data",
    [
        answer(b"hello"),
        CHUNKED + chunk(b"he") + chunk(b"llo") + b"0\r\n\r\n",
        CHUNKED + chunk(b"hello") + b"0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk(b"hello") + b"0\r\n\r\n",
    ],
    ids=["length", "chunks", "trailer", "until the end", "HTTP/1.0", "chunks and close"],
)
def test_a_body_is_read_however_its_end_is_marked(data: bytes) -> None:
    with talking(only(data)) as (_, transport):
        assert content(transport) == b"hello"


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip"])
def test_a_compressed_body_is_unpacked_whether_chunked_or_not(name: str) -> None:
    packed = gzip.compress(b"hello" * 100, mtime=0)
    chunks = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks += chunk(packed[:9]) + chunk(packed[9:]) + b"0\r\n\r\n"
    with talking(each(answer(packed, f"Content-Encoding: {name}"), chunks)) as (_, transport):
        assert content(transport, gzip=True) == b"hello" * 100
        assert content(transport, gzip=True) == b"hello" * 100


def test_one_connection_serves_request_after_request() -> None:
    chunked = CHUNKED + chunk(b"two") + b"0\r\n\r\n"
    with talking(each(answer(b"one"), chunked, answer(b"no", status="404 Not Found"), answer(b"four"))) as (
        server,
        transport,
    ):
        assert content(transport) == b"one"
        assert content(transport) == b"two"
        with pytest.raises(StatusError):
            content(transport)
        assert content(transport) == b"four"
        assert server.connections == 1


def test_an_answers_last_line_break_does_not_spill_into_the_next_answer() -> None:
    """It came by itself, after the chunk that says that there are no more."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED + chunk(b"one") + b"0\r\n")
        release.append(lambda: connection.send(b"\r\n"))
        connection.request()
        connection.send(answer(b"two"))
        connection.wait_for_end()

    release: list[Callable[[], None]] = []
    with talking(script) as (server, transport):
        with get(transport) as body:
            blocks = body.blocks()
            assert next(blocks) == b"one"
            while not release:
                server.wait_for(requests=1)
            release[0]()
            assert b"".join(blocks) == b""
        assert content(transport) == b"two"
        assert server.connections == 1


def test_an_answer_that_is_not_read_to_its_end_costs_the_connection() -> None:
    with talking(each(CHUNKED + chunk(b"one") + chunk(b"more")), each(answer(b"two"))) as (server, transport):
        with get(transport) as body:
            next(body.blocks())
        assert content(transport) == b"two"
        assert server.connections == 2


def test_a_connection_that_the_server_closes_behind_its_answer_is_replaced() -> None:
    with talking(only(answer(b"one", "Connection: close")), only(answer(b"two"))) as (server, transport):
        assert content(transport) == b"one"
        assert content(transport) == b"two"
        assert server.connections == 2
        # The second may be used again, as far as anybody here knows.
        assert len([sock for sock in transport._sockets._open if sock.fileno() != -1]) == 1


@pytest.mark.parametrize(
    "data",
    [
        CHUNKED + chunk(b"hello"),
        CHUNKED + b"5\r\nhel",
        CHUNKED + chunk(b"hello") + b"0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    ],
    ids=["no last chunk", "in a chunk", "in the end", "too short"],
)
def test_a_body_that_is_cut_off_is_a_lost_connection(data: bytes) -> None:
    with talking(only(data)) as (_, transport), pytest.raises(ConnectionLostError, match="in the middle of an answer"):
        content(transport)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 20", b"rubbish\r\n\r\n", b"HTTP/1.1 xyz OK\r\n\r\n"])
def test_an_answer_that_is_none_is_a_lost_connection(data: bytes) -> None:
    with talking(only(data)) as (_, transport), pytest.raises(ConnectionLostError):
        content(transport)


def test_broken_framing_is_said() -> None:
    with talking(only(CHUNKED + b"zz\r\n")) as (_, transport), pytest.raises(DecodeError, match="framing is broken"):
        content(transport)


def test_nobody_listening_is_a_lost_connection() -> None:
    with serving(each()) as server:
        api_client = client(server.url)
    transport = Transport(api_client, connect_timeout=5)
    with pytest.raises(ConnectionLostError, match="refused"):
        get(transport)
    transport.close()
    api_client.close()


@pytest.mark.parametrize("data", [b"", CHUNKED + chunk(b"hello")], ids=["no headers", "no more"])
def test_silence_is_a_lost_connection_whose_cause_is_a_timeout(data: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(data)
        connection.wait_for_end()

    with talking(script) as (_, transport):
        with pytest.raises(ConnectionLostError, match="nothing came over the connection for too long") as caught:
            content(transport, idle=0.05)
        assert isinstance(caught.value.__cause__, TimeoutError)


@pytest.mark.parametrize("headers", [b"", b"Connection: close\r\n"], ids=["keep-alive", "close"])
@pytest.mark.timeout(10)
def test_how_long_silence_may_last_can_be_changed_while_an_answer_arrives(headers: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED[:-2] + headers + b"\r\n" + chunk(b"hello"))
        connection.wait_for_end()

    with talking(script) as (_, transport), get(transport, idle=30.0) as body:
        blocks = body.blocks()
        next(blocks)
        body.set_idle_timeout(0.05)
        with pytest.raises(ConnectionLostError, match="too long"):
            next(blocks)


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (answer(b'{"kind":"Status","reason":"Expired","message":"old"}', status="410 Gone"), ExpiredError, "old"),
        (answer(b"busy", "Retry-After: 7", status="429 Too Many Requests"), TooManyRequestsError, "429: busy"),
        (answer(b"", status="503 Service Unavailable"), StatusError, "503: the answer has no body"),
        (answer(b"", "Location: http://127.0.0.1:1/", status="302 Found"), StatusError, "302"),
        (answer(b"", status="204 No Content"), StatusError, "204"),
        (
            answer(gzip.compress(b"packed", mtime=0), "Content-Encoding: gzip", status="500 Oops"),
            StatusError,
            "500: packed",
        ),
        (answer(b"", "Content-Encoding: gzip", status="500 Oops"), StatusError, "500: the answer has no body"),
    ],
)
def test_an_error_answer_becomes_its_error(data: bytes, kind: type[StatusError], text: str) -> None:
    with talking(each(data)) as (_, transport):
        with pytest.raises(kind, match=text) as caught:
            get(transport)
        assert type(caught.value) is kind
        assert caught.value.retry_after == (7.0 if kind is TooManyRequestsError else None)


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 410 Gone\r\nContent-Length: 90\r\n\r\nhalf",
        b"HTTP/1.1 410 Gone\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\nContent-Encoding: gzip\r\n\r\nhalf",
    ],
    ids=["cut off", "no chunks", "no gzip"],
)
def test_an_error_whose_body_is_broken_is_still_that_error(broken: bytes) -> None:
    with talking(only(broken)) as (_, transport), pytest.raises(ExpiredError, match="410"):
        get(transport)


def test_of_an_error_answer_without_an_end_only_the_beginning_is_read() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(chunk(b"x" * 65536))

    with talking(script) as (_, transport), pytest.raises(StatusError, match="500: xxx"):
        get(transport)


def test_of_an_error_answer_that_drips_the_beginning_is_enough() -> None:
    clock = FakeClock()

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"why"))
        while True:  # until the client goes
            clock.advance(1)
            connection.send(chunk(b"y"))

    with talking(script, clock=clock) as (_, transport), pytest.raises(StatusError, match="500: why"):
        get(transport)


@pytest.mark.parametrize("line", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </a>"])
def test_informational_answers_are_passed_over_until_the_real_one_comes(line: bytes) -> None:
    early = b"HTTP/1.1 " + line + b"\r\n\r\n"
    with talking(each(early * 2 + answer(b"one"), early + CHUNKED + chunk(b"two") + b"0\r\n\r\n")) as (
        server,
        transport,
    ):
        assert content(transport) == b"one"
        assert content(transport) == b"two"
        assert server.connections == 1


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 ", b"HTTP/1.1 103 Early Hints\r\nLink: "]
)
def test_headers_that_drip_and_never_end_are_given_up_in_time(beginning: bytes) -> None:
    over = threading.Event()

    def drip(connection: Connection) -> None:
        connection.request()
        connection.send(beginning)
        while not over.wait(0.02):
            connection.send(b"a")

    with serving(drip) as server:
        api_client = client(server.url)
        transport = Transport(api_client, connect_timeout=5.0)
        start = time.monotonic()
        with pytest.raises(ConnectionLostError, match="the headers of an answer were not complete in time") as caught:
            get(transport, idle=0.2)
        assert 0.15 < time.monotonic() - start < 10.0
        assert isinstance(caught.value.__cause__, TimeoutError)
        over.set()
        transport.close()
        api_client.close()


def test_a_proxy_whose_answer_drips_is_given_up_in_time() -> None:
    from kubernetes.client import ApiClient, Configuration

    over = threading.Event()

    def drip(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 Connection established\r\nX-Drip: ")
        while not over.wait(0.02):
            connection.send(b"a")

    with serving(drip) as proxy:
        configuration = Configuration(host="https://api.example.invalid")
        configuration.proxy = proxy.url
        api_client = ApiClient(configuration)
        transport = Transport(api_client, connect_timeout=0.2)
        start = time.monotonic()
        with pytest.raises(ConnectionLostError):
            get(transport, idle=30)
        assert time.monotonic() - start < 10.0
        over.set()
        transport.close()
        api_client.close()


def test_a_connection_is_used_for_some_minutes_and_then_made_again() -> None:
    """So a balanced address is looked up again, and certificates are read from their files again."""
    with talking(each(*[answer(b"a")] * 9)) as (server, transport):
        clock = transport._clock
        assert isinstance(clock, FakeClock)
        for connections in (1, 1, 2, 2, 3):
            assert content(transport) == b"a"
            assert server.connections == connections
            clock.advance(200)


def test_a_refused_credential_costs_the_connection() -> None:
    refusal = answer(b"no", status="401 Unauthorized")
    with talking(each(answer(b"a"), refusal), each(answer(b"b"))) as (server, transport):
        assert content(transport) == b"a"
        with pytest.raises(StatusError, match="401"):
            content(transport)
        assert content(transport) == b"b"
        assert server.connections == 2


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python knows no IPv6")
def test_a_server_may_have_an_address_of_ipv6_alone() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no loopback of IPv6")
    with serving(each(answer(b"six")), host="::1") as server:
        api_client = client(server.url)
        transport = Transport(api_client)
        assert content(transport) == b"six"
        assert server.requests[0].headers["host"] == f"[::1]:{server.port}"
        transport.close()
        with pytest.raises(StoppedError):
            get(transport)
        api_client.close()
    transport = Transport(client(f"http://[::1]:{server.port}"))
    with pytest.raises(ConnectionLostError, match=r"can't connect to \[::1\]:\d+: connection refused"):
        get(transport)
    transport.close()


def test_a_token_that_is_refreshed_is_sent_with_the_next_request() -> None:
    tokens = ["one", "two"]
    with talking(each(answer(b"a"), answer(b"b"))) as (server, transport):
        configuration = transport._api_client.configuration
        configuration.refresh_api_key_hook = lambda config: config.api_key.update(
            {"authorization": f"Bearer {tokens.pop(0)}"}
        )
        configuration.api_key["authorization"] = "Bearer old"
        content(transport)
        content(transport)
        assert [request.headers["authorization"] for request in server.requests] == ["Bearer one", "Bearer two"]


def test_a_refresh_that_fails_is_a_failure_of_the_request_and_the_next_one_works() -> None:
    with talking(each(answer(b"a"))) as (_, transport):

        def refresh(_: object) -> None:
            if not failed:
                failed.append(True)
                raise OSError("the helper is not there")

        failed: list[bool] = []
        transport._api_client.configuration.api_key["authorization"] = "Bearer old"
        transport._api_client.configuration.refresh_api_key_hook = refresh
        with pytest.raises(SourceError, match=r"the client's hook for credentials failed: .*the helper is not there"):
            content(transport)
        assert content(transport) == b"a"


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}\r\nX: y", f"{TOKEN}\u20ac", f"{TOKEN}\0"])
def test_a_token_that_can_not_be_sent_is_reported_without_showing_it(token: str) -> None:
    """The standard library puts the whole header into its error."""
    with talking(each(answer(b"a"))) as (server, transport):
        transport._api_client.configuration.api_key["authorization"] = f"Bearer {token}"
        with pytest.raises(SourceError, match="authorization header can't be sent") as caught:
            get(transport)
        error: BaseException | None = caught.value
        assert TOKEN.encode() not in pickle.dumps(error)
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
        while error is not None:
            assert TOKEN not in f"{error!r} {error} {vars(error)}"
            error = error.__cause__ or error.__context__
        assert server.requests == []


def test_nothing_is_sent_once_the_transport_is_closed() -> None:
    with talking(each(answer(b"a"))) as (server, transport):
        transport.close()
        transport.close()
        with pytest.raises(StoppedError):
            get(transport)
        assert server.requests == []


def test_a_stop_breaks_off_a_read_that_waits() -> None:
    with talking(each(CHUNKED + chunk(b"one"))) as (server, transport), get(transport, idle=60) as body:
        blocks = body.blocks()
        assert next(blocks) == b"one"
        with breaks_off(transport.close, once=lambda: server.wait_for(requests=1)), pytest.raises(StoppedError):
            next(blocks)


def test_a_stop_is_noticed_before_all_is_unpacked_that_has_arrived() -> None:
    packed = gzip.compress(bytes(20 << 20), mtime=0)
    with talking(each(answer(packed, "Content-Encoding: gzip"))) as (_, transport), get(transport, gzip=True) as body:
        blocks = body.blocks()
        next(blocks)
        transport.close()
        with pytest.raises(StoppedError):
            next(blocks)


def test_a_stop_breaks_off_a_read_of_an_answer_that_ends_its_connection() -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none"

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(data)
        connection.wait_for_end()

    with talking(script) as (server, transport), get(transport, idle=60) as body:
        blocks = body.blocks()
        assert next(blocks) == b"one"
        with breaks_off(transport.close, once=lambda: server.wait_for(requests=1)), pytest.raises(StoppedError):
            next(blocks)


def test_a_stop_breaks_off_waiting_for_headers() -> None:
    with (
        talking(each()) as (server, transport),
        breaks_off(transport.close, once=lambda: server.wait_for(connections=1)),
        pytest.raises(StoppedError),
    ):
        get(transport, idle=60)


def test_a_stop_breaks_off_an_error_whose_body_never_ends() -> None:
    with (
        talking(each(b"HTTP/1.1 500 Oops\r\nContent-Length: 90\r\n\r\nhalf")) as (server, transport),
        breaks_off(transport.close, once=lambda: server.wait_for(requests=1)),
        pytest.raises(StoppedError),
    ):
        get(transport, idle=60)


def test_a_stop_breaks_off_waiting_for_a_credential() -> None:
    """A helper may wait for somebody to log in."""
    asked, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def refresh(_: object) -> None:
        asked.set()
        assert go_on.wait(10)
        done.set()

    with talking(each()) as (server, transport):
        transport._api_client.configuration.api_key["authorization"] = "Bearer old"
        transport._api_client.configuration.refresh_api_key_hook = refresh
        with breaks_off(transport.close, once=lambda: asked.wait(10)), pytest.raises(StoppedError):
            get(transport)
        # Whatever becomes of it then, nobody minds.
        go_on.set()
        assert done.wait(10)
        assert server.requests == []


def test_requests_go_through_the_proxy_that_the_client_is_configured_with() -> None:
    from kubernetes.client import ApiClient, Configuration

    with serving(each(answer(b"through"))) as proxy:
        configuration = Configuration(host="http://api.example.invalid")
        configuration.proxy = proxy.url
        configuration.proxy_headers = {"proxy-authorization": "Basic abc"}
        api_client = ApiClient(configuration)
        transport = Transport(api_client)
        assert content(transport) == b"through"
        (request,) = proxy.requests
        assert request.line == "GET http://api.example.invalid/api/v1/pods HTTP/1.1"
        assert request.headers["proxy-authorization"] == "Basic abc"
        transport.close()
        api_client.close()


def test_a_source_has_connections_of_its_own() -> None:
    with talking(each(answer(b"a")), each(answer(b"b"))) as (server, transport):
        other = Transport(transport._api_client)
        assert content(transport) == b"a"
        assert content(other) == b"b"
        other.close()
        assert server.connections == 2
        assert len(transport._api_client.rest_client.pool_manager.pools) == 0


@pytest.mark.parametrize("wrong", [None, 3, object()])
def test_an_invalid_client_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="api_client must be a kubernetes"):
        Transport(wrong)  # type: ignore[arg-type] # what a user may do

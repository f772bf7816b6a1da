"""What nobody sends who means well."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from informers import Signal
from informers._base.clock import SYSTEM_CLOCK
from informers.kinds import core
from informers.testing import APIServer
from informers.testing._http.listener import HTTPListener, _Connection
from tests.testing.support import connect

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as server:
        yield server


def post(server: APIServer, body: bytes | Iterator[bytes], media: str = "application/json", **headers: str) -> Any:
    connection = connect(server)
    try:
        chunked = not isinstance(body, bytes)
        sent = {"Content-Type": media, **headers}
        connection.request("POST", MAPS, body=body, headers=sent, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.example.com:80", ""]
)
def test_a_request_to_another_host_is_refused(server: APIServer, host: str) -> None:
    status, body, _ = post(server, b'{"metadata":{"name":"a"}}', Host=host)
    assert (status, "answers to 127.0.0.1 and localhost alone" in body) == (403, True)
    assert server.list(core.V1.config_maps) == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "127.0.0.2:80", "[::1]:80"])
def test_a_request_to_loopback_by_any_name_is_answered(server: APIServer, host: str) -> None:
    assert post(server, b'{"metadata":{"name":"a"}}', Host=host)[0] == 201


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_as_the_real_server_does(server: APIServer, is_chunked: bool) -> None:
    pieces = [b'{"metadata":{"name":"a"},"data":{"k":"', *[b"x" * 1_000_000] * 4, b'"}}']
    status, body, headers = post(server, iter(pieces) if is_chunked else b"".join(pieces))
    assert (status, headers["Connection"]) == (413, "close")
    assert '"message":"Request entity too large: limit is 3145728"' in body


HOST = b"Host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
POST = f"POST {MAPS} HTTP/1.1\r\n".encode() + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n\r\n"


def send(server: APIServer, data: bytes, *, leaves: bool = False) -> bytes:
    """Send bytes, and return all that comes back until the server closes the connection."""
    with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=10) as sock:
        sock.sendall(data)
        if leaves:
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


UNUSUAL = {
    "no request line": (b"rubbish\r\n\r\n", 400),
    "another protocol": (b"GET /healthz HTTP/2.0\r\n\r\n", 505),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "negative length": (POST + b"Content-Length: -5\r\n\r\n", 400),
    "signed length": (POST + b"Content-Length: +5\r\n\r\nhello", 400),
    "many digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "large": (POST + b"Content-Length: 1000000000000\r\n\r\n", 413),
    "unknown encoding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "negative chunk": (CHUNKED + b"-5\r\n", 400),
    "chunk without a size": (CHUNKED + b"\r\n", 400),
    "chunk that goes on": (CHUNKED + b"1\r\nabc", 400),
    "large chunk": (CHUNKED + b"ffffffffff\r\n", 413),
    "long header": (GET + b"X: " + b"x" * 2_000_000 + b"\r\n\r\n", 431),
    "headers without an end": (GET + b"X: x\r\n" * 300_000, 431),
    "long line": (b"GET /" + b"x" * 2_000_000 + b" HTTP/1.1\r\n\r\n", 414),
    "malformed host": (b"GET http://[::1/healthz HTTP/1.1\r\n" + CLOSE, 403),
    "host in the URL": (b"GET http://evil.example.com/ HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 403),
    "path like a host": (b"GET //[x/healthz HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "no path": (b"OPTIONS * HTTP/1.1\r\n" + HOST + CLOSE, 404),
    "options": (b"OPTIONS /api/v1/pods HTTP/1.1\r\n" + HOST + CLOSE, 405),
    "loopback in the URL": (b"GET http://localhost/healthz HTTP/1.1\r\n" + CLOSE, 200),
    "old client": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
}


@pytest.mark.parametrize(("data", "status"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_requests_are_answered_and_others_continue(
    server: APIServer, caplog: pytest.LogCaptureFixture, data: bytes, status: int
) -> None:
    assert send(server, data).startswith(f"HTTP/1.1 {status} ".encode())
    assert (caplog.messages, send(server, GET + CLOSE)[-2:]) == ([], b"ok")


def test_requests_that_come_at_once_are_answered_in_turn(server: APIServer) -> None:
    answers = send(server, b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n" + GET + CLOSE).split(
        b"HTTP/1.1 200 OK"
    )
    assert [answer.endswith(b"\r\n\r\nok") for answer in answers[1:]] == [False, True, True]


@pytest.mark.parametrize("data", [POST + b"Content-Length: 9\r\n\r\n{", b""])
def test_half_a_request_is_not_answered(server: APIServer, data: bytes) -> None:
    assert send(server, data, leaves=True) == b""


def test_a_client_may_ask_whether_to_send_its_body(server: APIServer) -> None:
    body = b'{"metadata":{"name":"a"}}'
    answer = send(server, POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(body) + CLOSE + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")


def test_an_old_client_gets_a_long_answer_without_chunks(server: APIServer) -> None:
    server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "x" * 300_000}})
    head, _, body = send(server, f"GET {MAPS} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert (b"chunked" in head, json.loads(body)["items"][0]["metadata"]["name"]) == (False, "a")


def test_a_stop_does_not_wait_for_requests_that_are_being_read() -> None:
    with APIServer() as server:
        address = ("127.0.0.1", urlsplit(server.url).port)
        clients = [socket.create_connection(address, timeout=10) for _ in range(5)]
        for client, data in zip(
            clients, (b"", b"GET /", POST + b"Content-Length: 9\r\n\r\n{", GET, b"?\r\n\r\n"), strict=True
        ):
            client.sendall(data)
    for client in clients:
        client.close()


def test_a_client_that_does_not_read_its_watch_holds_up_neither_writes_nor_a_stop() -> None:
    with APIServer() as server, socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as client:
        client.sendall(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        server.wait_for_watchers(core.V1.config_maps)
        made = {"kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "x" * 1_000_000}}
        for number in range(20):
            server.create({**made, "metadata": {"name": f"a{number}"}})


@pytest.mark.parametrize(("media", "depth"), [("application/json", 100_000), ("application/yaml", 3_000)])
def test_a_body_that_is_nested_too_deeply_is_refused(
    server: APIServer, caplog: pytest.LogCaptureFixture, media: str, depth: int
) -> None:
    status, body, _ = post(server, b'{"metadata":{"name":"a"},"data":' + b"[" * depth + b"]" * depth + b"}", media)
    assert (status, "nested too deeply" in body, caplog.messages) == (400, True, [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_the_server_of_its_parent_alone() -> None:
    program = """
import os, socket
from urllib.request import urlopen
from informers.kinds import core
from informers.testing import APIServer

with APIServer() as server:
    port = int(server.url.rpartition(":")[2])
    watch = socket.create_connection(("127.0.0.1", port), timeout=10)
    watch.sendall(b"GET /api/v1/namespaces?watch=1 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    server.wait_for_watchers(core.V1.namespaces)
    reader, writer = os.pipe()
    stopped_reader, stopped = os.pipe()
    child = os.fork()
    if not child:
        assert urlopen(server.url + "/healthz", timeout=10).read() == b"ok"
        server.stop()
        os.write(stopped, b".")
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    assert os.read(stopped_reader, 1) == b"."
    server.create({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}})
    seen = b""
    while b"shop" not in seen:
        seen += (got := watch.recv(65536))
        assert got, "the child has ended the parent's watch"
try:
    socket.create_connection(("127.0.0.1", port))
    raise AssertionError("the child still listens")
except ConnectionRefusedError:
    print("fine")
os.close(writer)
os.waitpid(child, 0)
"""
    command = (sys.executable, "-W", "ignore::DeprecationWarning", "-c", program)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_a_late_look_at_a_connection_does_not_wait_for_its_next_request() -> None:
    listener = HTTPListener(lambda _: None, clock=SYSTEM_CLOCK, port=0)
    served, client = socket.socketpair()
    connection = _Connection(served, Signal())
    with served, listener.noticing_the_end(connection):
        looking = threading.Thread(target=listener._look_at, args=(connection,), daemon=True)
        looking.start()
        looking.join(10)
        assert (looking.is_alive(), connection.ended.is_set()) == (False, False)
        client.close()
        assert connection.ended.wait(10)
    listener.stop()


def test_aliases_that_grow_are_refused_at_once(server: APIServer) -> None:
    lines = ["metadata: {name: a}", "a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    status, body, _ = post(server, "\n".join(lines).encode(), "application/yaml")
    assert (status, "document contains excessive aliasing" in body) == (400, True)


def test_a_value_within_itself_is_refused(server: APIServer) -> None:
    status, body, _ = post(server, b"metadata: {name: a}\ndata: &a {b: *a}", "application/yaml")
    assert (status, "document contains excessive aliasing" in body) == (400, True)


def test_aliases_that_repeat_what_is_small_are_fine(server: APIServer) -> None:
    assert post(server, b"metadata: {name: a, labels: &l {k: v}, annotations: *l}", "application/yaml")[0] == 201


def test_protobuf_is_refused_with_what_to_send_in_its_place(server: APIServer) -> None:
    status, body, _ = post(server, b"k8s\0", "application/vnd.kubernetes.protobuf")
    assert status == 415
    assert "This test server reads no protobuf: send JSON" in body
    assert "kubectl apply -f FILE" in body

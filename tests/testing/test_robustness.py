"""What nobody sends who means well."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from informers.kinds import core
from informers.testing import APIServer
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


def test_a_body_without_an_end_is_given_up(server: APIServer) -> None:
    connection = connect(server)
    try:
        connection.putrequest("POST", MAPS)
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            connection.getresponse()
    finally:
        connection.close()
    assert urlsplit(server.url).port  # it still runs
    assert post(server, b'{"metadata":{"name":"a"}}')[0] == 201


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

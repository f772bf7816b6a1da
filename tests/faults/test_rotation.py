"""Certificates, keys and authorities are replaced on disk, or by a hook, while informers run."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from informers.errors import ConnectionLostError, StatusError
from informers.kinds import core
from informers.source.events import ListOptions
from informers.source.listwatch import ListWatch
from tests.faults.conftest import server_context
from tests.realserver.certificates import Authority
from tests.source.wire import Connection, answer, serving

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

LIST = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}'


def asking_for_certificates(authority: Authority) -> ssl.SSLContext:
    """Return TLS of a server that asks for a client's certificate."""
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    return context


def use(authority: Authority, name: str, folder: Path) -> None:
    """Put a client's certificate and key where the client reads them."""
    for path, place in zip(authority.issue(name), ("client.crt", "client.key"), strict=True):
        shutil.copy(path, folder / place)


def client_of(url: str, authority: Path, certificate: Path, key: Path) -> ApiClient:
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration(host=url)
    configuration.ssl_ca_cert = str(authority)
    configuration.cert_file, configuration.key_file = str(certificate), str(key)
    return ApiClient(configuration)


@contextmanager
def source_of(api_client: ApiClient) -> Iterator[ListWatch[Any]]:
    source = ListWatch(api_client, core.V1.pods)
    try:
        yield source
    finally:
        source.close()
        api_client.close()


def judging(is_refused: Callable[[str], bool], seen: list[str]) -> Callable[[Connection], None]:
    """Return a server that judges the certificate of each request, as a kube-apiserver does."""

    def script(connection: Connection) -> None:
        while connection.request() is not None:
            seen.append(connection.client_name)
            if is_refused(seen[-1]):
                connection.send(answer(b"expired", status="401 Unauthorized"))
            else:
                connection.send(answer(LIST))

    return script


def test_after_a_refusal_the_certificate_on_disk_is_the_one_that_is_used(authority: Authority, tmp_path: Path) -> None:
    seen: list[str] = []
    refused: set[str] = set()
    use(authority, "first", tmp_path)
    with serving(judging(refused.__contains__, seen), tls=asking_for_certificates(authority)) as server:
        client = client_of(server.url, authority.certificate, tmp_path / "client.crt", tmp_path / "client.key")
        with source_of(client) as source:
            source.list(ListOptions())
            source.list(ListOptions())
            assert server.connections == 1
            use(authority, "second", tmp_path)
            refused.add("first")
            with pytest.raises(StatusError, match="401"):
                source.list(ListOptions())
            source.list(ListOptions())
    assert seen == ["first", "first", "first", "second"]


def test_a_certificate_that_a_hook_puts_into_the_configuration_is_used(authority: Authority, tmp_path: Path) -> None:
    """So an exec plugin that gives certificates can be asked again, which the official client never does itself."""
    seen: list[str] = []

    def renew(configuration: Configuration) -> None:
        certificate, key = authority.issue("second")
        configuration.cert_file, configuration.key_file = str(certificate), str(key)

    with serving(judging(lambda _: False, seen), tls=asking_for_certificates(authority)) as server:
        client = client_of(server.url, authority.certificate, *authority.issue("first"))
        with source_of(client) as source:
            source.list(ListOptions())
            client.configuration.refresh_api_key_hook = renew
            source.list(ListOptions())
            source.list(ListOptions())
            assert server.connections == 2
    assert seen == ["first", "second", "second"]


def test_an_authority_that_is_replaced_on_disk_is_the_one_that_the_next_connection_trusts(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    other.folder.mkdir()
    other.create()
    trusted = tmp_path / "ca.crt"
    shutil.copy(other.certificate, trusted)
    seen: list[str] = []
    with (
        serving(judging(lambda _: False, seen), tls=asking_for_certificates(authority)) as server,
        source_of(client_of(server.url, trusted, *authority.issue("first"))) as source,
    ):
        with pytest.raises(ConnectionLostError, match="is not trusted"):
            source.list(ListOptions())
        shutil.copy(authority.certificate, trusted)
        source.list(ListOptions())
    assert seen == ["first"]


@pytest.mark.parametrize("place", ["client.crt", "client.key"])
def test_half_a_rotation_is_a_failure_that_is_over_with_the_other_half(
    authority: Authority, tmp_path: Path, place: str
) -> None:
    """Certificate and key are two files, and a connection may be made between the two."""
    seen: list[str] = []
    use(authority, "first", tmp_path)
    shutil.copy(authority.issue("second")[place == "client.key"], tmp_path / place)
    with serving(judging(lambda _: False, seen), tls=asking_for_certificates(authority)) as server:
        client = client_of(server.url, authority.certificate, tmp_path / "client.crt", tmp_path / "client.key")
        with source_of(client) as source:
            with pytest.raises(ConnectionLostError, match="no TLS with"):
                source.list(ListOptions())
            use(authority, "second", tmp_path)
            source.list(ListOptions())
    assert seen == ["second"]

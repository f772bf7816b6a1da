"""Certificates, keys and authorities are replaced on disk, or by a hook, while informers run."""

from __future__ import annotations

import json
import shutil
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from informers.errors import ConnectionLostError, StatusError
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.watch_events import ListOptions
from informers.testing._controlplane.authority import Authority
from tests.faults.conftest import server_context
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


PLUGIN = """\
import json, pathlib
folder = pathlib.Path({folder!r})
runs = folder / "runs"
runs.write_text((runs.read_text() if runs.exists() else "") + "x")
name = "first" if runs.read_text() == "x" else "second"
status = {{
    "clientCertificateData": (folder / (name + ".crt")).read_text(),
    "clientKeyData": (folder / (name + ".key")).read_text(),
}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""


def test_an_exec_plugin_that_gives_certificates_is_asked_again_by_a_hook(authority: Authority, tmp_path: Path) -> None:
    """As docs/how-to/authentication.md shows it: the official client leaves no other way."""
    from kubernetes import config
    from kubernetes.client import ApiClient, Configuration

    seen: list[str] = []
    refused: set[str] = set()
    for name in ("first", "second"):
        for path, end in zip(authority.issue(name), ("crt", "key"), strict=True):
            shutil.copy(path, tmp_path / f"{name}.{end}")
    program = tmp_path / "plugin.py"
    program.write_text(PLUGIN.format(folder=str(tmp_path)))
    with serving(judging(refused.__contains__, seen), tls=asking_for_certificates(authority)) as server:
        command = {"command": sys.executable, "args": [str(program)], "interactiveMode": "Never"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "a",
            "clusters": [
                {"name": "a", "cluster": {"server": server.url, "certificate-authority": str(authority.certificate)}}
            ],
            "users": [{"name": "a", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **command}}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        }
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(json.dumps(document))
        configuration = Configuration()
        config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
        with source_of(ApiClient(configuration)) as source:
            source.list(ListOptions())
            refused.add("first")
            with pytest.raises(StatusError, match="401"):
                source.list(ListOptions())

            def renew(changed: Configuration) -> None:
                config.load_kube_config(config_file=str(kubeconfig), client_configuration=changed)

            configuration.refresh_api_key_hook = renew
            source.list(ListOptions())
    assert seen == ["first", "first", "second"]

from __future__ import annotations

import shutil
import ssl

import pytest

from informers.testing._controlplane.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that has issued a certificate for 127.0.0.1, and one for another host."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed, which makes the certificates")
    made = Authority(tmp_path_factory.mktemp("tls"))
    made.create()
    made.issue("server", names="IP:127.0.0.1")
    made.issue("elsewhere", names="DNS:elsewhere.example")
    return made


def server_context(authority: Authority, name: str = "server") -> ssl.SSLContext:
    """Return what a server with one of the authority's certificates has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = authority.issue(name)
    context.load_cert_chain(certificate, key)
    return context

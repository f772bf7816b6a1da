"""The API servers that each case of the contract runs on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from informers.testing import APIServer, ControlPlane
from tests.contract.server import Server, embedded_server

_numbers = itertools.count(1)


@attrs.frozen
class Namespace:
    """A namespace of one test's own."""

    server: Server
    name: str

    def path(self, plural: str, api: str = "/api/v1") -> str:
        """The path of a collection in it."""
        return f"{api}/namespaces/{self.name}/{plural}"

    def config_map(self, name: str, **labels: str) -> dict[str, Any]:
        """Create a ConfigMap."""
        return self.server.create(self.path("configmaps"), {"metadata": {"name": name, "labels": labels}})


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest) -> Iterator[APIServer | ControlPlane]:
    """The server of `--api-server`, one for all tests, which share its definitions."""
    if getattr(request, "param", "embedded") == "embedded":
        with embedded_server() as server:
            yield server
    else:
        yield request.getfixturevalue("control_plane")


@pytest.fixture(scope="session")
def session_server(api_server: APIServer | ControlPlane) -> Iterator[Server]:
    server = Server(api_server)
    yield server
    server.disconnect()


@pytest.fixture
def server(session_server: Server) -> Iterator[Server]:
    """The server; what a test has open there is cut at its end."""
    yield session_server
    session_server.disconnect()


@pytest.fixture(scope="session")
def session_both(control_plane: ControlPlane) -> Iterator[tuple[Server, Server]]:
    with embedded_server() as embedded:
        yield Server(embedded), Server(control_plane)


@pytest.fixture
def both(session_both: tuple[Server, Server]) -> Iterator[tuple[Server, Server]]:
    """Both servers, to be compared; what a test has open there is cut at its end."""
    yield session_both
    for server in session_both:
        server.disconnect()


@pytest.fixture
def make_namespace(server: Server) -> Callable[[str], Namespace]:
    def make(name: str) -> Namespace:
        server.create("/api/v1/namespaces", {"metadata": {"name": name}})
        return Namespace(server, name)

    return make


@pytest.fixture
def space(make_namespace: Callable[[str], Namespace]) -> Namespace:
    return make_namespace(f"space-{next(_numbers)}")


@pytest.fixture
def path(space: Namespace) -> str:
    """Where ConfigMaps of a namespace of its own are: the plainest kind there is."""
    return space.path("configmaps")

"""Fixtures for pytest: an API server for each test, its clients, and checks for leaks.

Load them in the `conftest.py` of your tests' root folder: `pytest_plugins = ["informers.testing.plugin"]`, or by
`-p informers.testing.plugin`. They are not an entry point of the package, since every run of pytest would then
import it before coverage begins to measure.

If you define a fixture with the name of one of these, yours replaces it, also for the others.

Upstream: sigs.k8s.io/controller-runtime/pkg/envtest, which needs the binaries of a real API server.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from informers._base.clock import SYSTEM_CLOCK, Clock
from informers._base.exceptions import error_listeners
from informers._base.threads import join_all
from informers.factory import SharedInformerFactory
from informers.testing.apiserver import APIServer
from informers.testing.controlplane import ControlPlane
from informers.testing.fake_clock import FakeClock
from informers.testing.faults import Faults
from informers.testing.recorder import RecordingHandler

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = [
    "api_client",
    "api_faults",
    "api_server",
    "control_plane",
    "fake_clock",
    "informer_factory",
    "no_informer_errors",
    "no_informer_leaks",
    "recording_handler",
]

_SERVERS = ("embedded", "real")
#: Seconds for threads to end after a test.
GRACE = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--api-server`."""
    parser.getgroup("informers").addoption(
        "--api-server",
        choices=[*_SERVERS, "both"],
        default="embedded",
        help="what api_server is: the embedded one, a real kube-apiserver (KUBEBUILDER_ASSETS), or each in turn",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line(
        "markers", "informer_errors: a handler, transform, index function or reconcile raises on purpose"
    )
    config.addinivalue_line("markers", "api_server(kind): the test needs this one, `embedded` or `real`")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with `api_server` once for each chosen server that it can use."""
    if "api_server" not in metafunc.fixturenames:
        return
    chosen = str(metafunc.config.getoption("--api-server"))
    marker = metafunc.definition.get_closest_marker("api_server")
    usable = _SERVERS if marker is None else marker.args
    if not usable or not set(usable) <= set(_SERVERS):
        pytest.fail(f"the marker api_server must name 'embedded' or 'real': got {usable!r}", pytrace=False)
    needed: list[Any] = [kind for kind in usable if chosen in (kind, "both")]
    if not needed:
        skip = pytest.mark.skip(reason=f"needs the {usable[0]} API server: run pytest --api-server={usable[0]}")
        needed = [pytest.param(usable[0], marks=skip)]
    if needed != ["embedded"]:
        metafunc.parametrize("api_server", needed, indirect=True)


@pytest.fixture(autouse=True)
def no_informer_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a handler, a transform, an index function or a reconcile raised; used by every test.

    If they should raise, mark the test: `@pytest.mark.informer_errors`.
    """
    if request.node.get_closest_marker("informer_errors"):
        yield
        return
    messages: list[str] = []
    error_listeners.append(messages.append)
    try:
        yield
    finally:
        error_listeners.remove(messages.append)
    if messages:
        listed = "\n".join(f"- {message}" for message in messages)
        advice = "mark the test informer_errors if they are to"
        pytest.fail(f"functions raised that informers or controllers called; {advice}:\n{listed}", pytrace=False)


@pytest.fixture
def no_informer_leaks() -> Iterator[None]:
    """Fail a test after which threads of this package still run, for example those of a factory that was not stopped.

    All fixtures below that start something ask for it. For tests that use none of them:
    `pytestmark = pytest.mark.usefixtures("no_informer_leaks")`.
    """
    before = _own_threads()
    yield
    # Names may be reused: compare the threads themselves.
    left = _own_threads() - before
    if not join_all(left, timeout=GRACE):
        names = ", ".join(sorted(thread.name for thread in left if thread.is_alive()))
        pytest.fail(
            f"informers were left running: {names}. Stop their factory before the test ends; a handler that does not "
            f"return keeps its thread.",
            pytrace=False,
        )


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A real kube-apiserver with its etcd for the whole run, from `KUBEBUILDER_ASSETS`."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def api_server(
    request: pytest.FixtureRequest,
    no_informer_leaks: None,  # noqa: ARG001  it is stopped before that looks
) -> Iterator[APIServer | ControlPlane]:
    """An API server with only the objects that every cluster has: `APIServer`, or the one of `--api-server`."""
    if getattr(request, "param", "embedded") == "embedded":
        with APIServer() as server:
            yield server
    else:
        plane: ControlPlane = request.getfixturevalue("control_plane")
        yield plane
        plane.resume_accepting()
        plane.delay_answers(0)
        plane.clear()


@pytest.fixture
def api_client(api_server: APIServer | ControlPlane) -> Iterator[ApiClient]:
    """A client of the official library for `api_server`."""
    with closing(api_server.client()) as client:
        yield client


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that the test moves. If a test uses it, so does `informer_factory`; the server does not."""
    return FakeClock()


@pytest.fixture
def informer_factory(api_client: ApiClient, request: pytest.FixtureRequest) -> Iterator[SharedInformerFactory]:
    """A factory of typed informers for `api_server`, not started; it is stopped after the test. It never resyncs."""
    clock: Clock = request.getfixturevalue("fake_clock") if "fake_clock" in request.fixturenames else SYSTEM_CLOCK
    factory = SharedInformerFactory(api_client, 0, clock=clock)
    yield factory
    # no_informer_leaks reports threads that have not ended by then.
    factory.stop(GRACE)


@pytest.fixture
def recording_handler() -> RecordingHandler[Any]:
    """A handler that records its events, and can be waited for."""
    return RecordingHandler()


@pytest.fixture
def api_faults(api_server: APIServer | ControlPlane) -> Iterator[Faults]:
    """The script of the faults of `api_server`. A fault without a matching request fails the test: it proved nothing.

    Only the embedded server has it; on a real one the test is skipped.
    """
    if not isinstance(api_server, APIServer):
        pytest.skip("the embedded API server alone has faults by request; a ControlPlane can break connections")
    yield api_server.faults
    unmet = [str(scripted) for scripted in api_server.faults.pending if not scripted.hits]
    if unmet:
        pytest.fail(f"faults that met no request: {', '.join(unmet)}", pytrace=False)


def _own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("informers-")}

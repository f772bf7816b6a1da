"""The same over TLS: what a network does to bytes is then noticed, and who the server is, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from informers.errors import ConnectionLostError, StoppedError
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.watch_events import ListOptions
from informers.testing import APIServer
from informers.testing._controlplane.authority import Authority
from tests.faults.conftest import server_context
from tests.faults.proxy import Close, Corrupt, Drip, Fault, Hang, Lost, Proxy, Reset
from tests.faults.rig import BOOKMARKS, Rig, library_threads

#: A handshake takes some 2000 bytes of the server's.
OUTAGES: list[Fault] = [Hang(), Hang(500), Lost(), Reset(500), Close(500), Corrupt(), Corrupt(3000, 1000), Close(3000)]


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(bookmark_interval=BOOKMARKS) as running:
        yield running


@pytest.fixture
def front(server: APIServer, authority: Authority) -> Iterator[Proxy]:
    """TLS before the server."""
    with Proxy(int(server.url.rpartition(":")[2]), tls=server_context(authority)) as proxy:
        yield proxy


def client_of(authority: Authority, **settings: object) -> Callable[[int], object]:
    """Return what makes a client that trusts the authority, unless `settings` say otherwise."""

    def make(port: int) -> object:
        from kubernetes.client import ApiClient, Configuration

        configuration = Configuration(host=f"https://127.0.0.1:{port}")
        configuration.ssl_ca_cert = str(authority.certificate)
        for name, value in settings.items():
            setattr(configuration, name, value)
        return ApiClient(configuration)

    return make


@pytest.mark.parametrize("fault", OUTAGES, ids=str)
def test_an_outage_is_survived_over_tls(server: APIServer, front: Proxy, authority: Authority, fault: Fault) -> None:
    with Rig(server=server, target=front.port, client=client_of(authority)) as rig:
        rig.prepare()
        rig.proxy.strike(fault)
        rig.change()
        rig.wait_until_stale()
        time.sleep(0.1)
        rig.proxy.heal()
        rig.wait_until_whole()
        assert rig.history.broken == []
        assert {type(failure.error) for failure in rig.failures} == {ConnectionLostError}


@pytest.mark.parametrize("fault", [Hang(), Hang(500), Lost()], ids=str)
def test_a_stop_breaks_off_a_handshake_that_hangs(
    server: APIServer, front: Proxy, authority: Authority, fault: Fault
) -> None:
    with Rig(server=server, target=front.port, client=client_of(authority), script=lambda _: fault, idle=30.0) as rig:
        time.sleep(0.1)
        assert rig.informer.stop(timeout=10.0)
        assert library_threads() == set()


def test_a_byte_that_changed_on_the_way_is_never_taken_for_the_servers(
    server: APIServer, front: Proxy, authority: Authority
) -> None:
    """Without TLS a letter of a name may become another, and nobody can tell; with it, no such byte gets in."""
    script = {number: Corrupt(start, 10**9, 0x01) for number, start in enumerate(range(2000, 4000, 100), 1)}
    with Rig(server=server, target=front.port, client=client_of(authority), script=script.get) as rig:
        rig.wait_until_whole()
        rig.create()
        rig.wait_until_whole()
        assert rig.history.broken == []
        assert set(rig.history.present) == {"default/first", "default/object-1"}


def listed(client: object, **arguments: float) -> int:
    source = ListWatch(client, core.V1.config_maps, **arguments)  # type: ignore[arg-type] # made without its import
    try:
        return len(source.list(ListOptions()).records)
    finally:
        source.close()


def test_a_server_whose_certificate_nobody_vouches_for_is_refused(front: Proxy, authority: Authority) -> None:
    client = client_of(authority, ssl_ca_cert=None)(front.port)
    with pytest.raises(ConnectionLostError, match=r"is not trusted: (self-signed|unable to get local issuer)"):
        listed(client)


def test_a_certificate_of_another_host_is_refused(server: APIServer, authority: Authority) -> None:
    tls = server_context(authority, "elsewhere")
    with Proxy(int(server.url.rpartition(":")[2]), tls=tls) as front:
        with pytest.raises(ConnectionLostError, match="IP address mismatch"):
            listed(client_of(authority)(front.port))
        named = client_of(authority, tls_server_name="elsewhere.example")(front.port)
        assert listed(named) == 0


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_only_the_users_configuration_turns_verification_off(front: Proxy, authority: Authority) -> None:
    assert listed(client_of(authority, ssl_ca_cert=None, verify_ssl=False)(front.port)) == 0


def test_a_stopped_source_opens_no_further_connection(front: Proxy, authority: Authority) -> None:
    source = ListWatch(client_of(authority)(front.port), core.V1.config_maps)  # type: ignore[arg-type] # as above
    source.list(ListOptions())
    source.close()
    with pytest.raises(StoppedError):
        source.list(ListOptions())
    assert front.accepted == 1


def test_a_handshake_that_drips_is_given_up_in_time(server: APIServer, front: Proxy, authority: Authority) -> None:
    """A byte every now and then, so that no single read takes too long."""

    def script(number: int) -> Fault | None:
        return Drip(1, 0.05) if number <= 2 else None

    with Rig(server=server, target=front.port, client=client_of(authority), script=script) as rig:
        # A whole handshake would take minutes.
        rig.wait_until_whole(timeout=30.0)
        assert {type(failure.error) for failure in rig.failures} == {ConnectionLostError}

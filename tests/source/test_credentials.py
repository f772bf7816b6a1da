"""One call of a hook for all who ask, with an end; and what a 401 is followed by."""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from informers.errors import SourceError, StoppedError
from informers.source._transport.credentials import Credential, Credentials
from informers.source._transport.sockets import Sockets
from informers.testing import FakeClock
from tests.source.wire import breaks_off

if TYPE_CHECKING:
    from kubernetes.client import Configuration

SECRET = "token-that-nobody-may-see"


def configured(hook: Callable[[Any], object] | None = None) -> Configuration:
    from kubernetes.client import Configuration

    configuration = Configuration(host="http://127.0.0.1:1")
    configuration.api_key["authorization"] = f"Bearer {SECRET}"
    configuration.refresh_api_key_hook = hook
    return configuration


def token(credential: Credential) -> str:
    """Return the token; the client's loaders write `bearer` and `Bearer`."""
    (setting,) = credential.settings.values()
    return setting["value"].partition(" ")[2]


@contextmanager
def asking(credentials: Credentials, count: int) -> Iterator[list[Any]]:
    """Let so many threads ask, and yield what they get or raise once they are done."""
    outcomes: list[Any] = []
    ready = threading.Barrier(count + 1)

    def ask() -> None:
        ready.wait(10)
        try:
            outcomes.append(credentials.ask(Sockets(), timeout=10))
        except SourceError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    ready.wait(10)
    yield outcomes
    for thread in threads:
        thread.join(10)
    assert len(outcomes) == count


def test_sources_of_one_client_share_its_credentials_for_as_long_as_one_is_there() -> None:
    from kubernetes.client import ApiClient

    configuration = configured()
    one, other = ApiClient(configuration), ApiClient(configuration)
    first = Credentials.of(one)
    assert Credentials.of(other) is first
    assert Credentials.of(ApiClient(configured())) is not first


def test_a_hook_is_called_once_for_all_simultaneous_requests_and_by_one_thread_at_a_time() -> None:
    calls, running = [0], [0]
    entered, go_on = threading.Event(), threading.Event()

    def hook(_: object) -> None:
        calls[0] += 1
        running[0] += 1
        assert running[0] == 1
        entered.set()
        assert go_on.wait(10)
        running[0] -= 1

    credentials = Credentials(configured(hook))
    with asking(credentials, 8) as outcomes:
        assert entered.wait(10)
        go_on.set()
    assert {token(outcome) for outcome in outcomes} == {SECRET}
    assert 1 <= calls[0] <= 8
    credentials.ask(Sockets(), timeout=10)
    # What came before is not kept: the hook says when a credential has expired.
    assert calls[0] >= 2


def test_a_hook_that_hangs_is_reported_in_time_and_not_called_a_second_time_before_it_has_returned() -> None:
    calls, go_on = [0], threading.Event()

    def hook(_: object) -> None:
        calls[0] += 1
        assert go_on.wait(10)

    credentials = Credentials(configured(hook))
    for _ in range(3):
        with pytest.raises(SourceError, match=r"waiting for credentials: .* has not returned for 0\.02 s or more"):
            credentials.ask(Sockets(), timeout=0.02)
    assert calls == [1]
    go_on.set()
    assert token(credentials.ask(Sockets(), timeout=10)) == SECRET


def test_a_stop_ends_the_wait_of_its_own_source_alone() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hook(_: object) -> None:
        entered.set()
        assert go_on.wait(10)

    credentials = Credentials(configured(hook))
    with asking(credentials, 1) as outcomes:
        assert entered.wait(10)
        stopped = Sockets()
        with breaks_off(stopped.close, once=lambda: entered.wait(10)), pytest.raises(StoppedError):
            credentials.ask(stopped, timeout=10)
        go_on.set()
    assert token(outcomes[0]) == SECRET


@pytest.mark.parametrize("error", [OSError("no helper\nhere"), ValueError("odd"), SystemExit(3), KeyError("a")])
def test_what_a_hook_raises_is_raised_in_every_waiting_request_as_an_error_of_the_source(error: BaseException) -> None:
    def hook(_: object) -> None:
        raise error

    with asking(Credentials(configured(hook)), 3) as outcomes:
        pass
    assert len({id(outcome) for outcome in outcomes}) == 3
    for outcome in outcomes:
        assert isinstance(outcome, SourceError)
        assert outcome.__cause__ is error
        assert str(outcome).startswith("the client's hook for credentials failed: ")
        assert "\n" not in str(outcome)


def test_a_hook_is_called_for_a_client_that_has_a_certificate_and_no_token() -> None:
    """The official client calls it only where there is a token."""

    def hook(configuration: Configuration) -> None:
        configuration.cert_file = "/new.crt"

    configuration = configured(hook)
    configuration.api_key.clear()
    assert Credentials(configuration).ask(Sockets(), timeout=10).settings == {}
    assert configuration.cert_file == "/new.crt"


def test_a_credential_s_repr_does_not_show_it() -> None:
    assert SECRET not in repr(Credentials(configured()).ask(Sockets(), timeout=10))


def kubeconfig(folder: Path, user: dict[str, Any], *, server: str = "http://127.0.0.1:1") -> Configuration:
    """Load a kubeconfig as users do."""
    from kubernetes import config
    from kubernetes.client import Configuration

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": server}}],
        "users": [{"name": "a", "user": user}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    configuration = Configuration()
    config.load_kube_config(config_file=str(path), client_configuration=configuration)
    return configuration


def test_a_token_file_is_read_again_each_minute_and_after_a_refusal(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    clock = FakeClock()
    credentials = Credentials(kubeconfig(tmp_path, {"tokenFile": str(file)}), clock=clock)
    sockets = Sockets()
    assert token(credentials.ask(sockets, timeout=10)) == "one"
    file.write_text("two")
    assert token(credentials.ask(sockets, timeout=10)) == "one"
    clock.advance(60)
    old = credentials.ask(sockets, timeout=10)
    assert token(old) == "two"
    file.write_text("three")
    credentials.refuse(old)
    assert token(credentials.ask(sockets, timeout=10)) == "three"
    # It was read before this refusal of the former one came.
    file.write_text("four")
    credentials.refuse(old)
    assert token(credentials.ask(sockets, timeout=10)) == "three"


def test_a_token_file_that_can_not_be_read_is_reported_and_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    credentials = Credentials(kubeconfig(tmp_path, {"tokenFile": str(file)}))
    sockets = Sockets()
    credentials.refuse(credentials.ask(sockets, timeout=10))
    file.unlink()
    with pytest.raises(SourceError, match="the client's hook for credentials failed: FileNotFoundError"):
        credentials.ask(sockets, timeout=10)
    file.write_text("two")
    assert token(credentials.ask(sockets, timeout=10)) == "two"


def plugin(folder: Path, *, minutes: int) -> dict[str, Any]:
    """Return a user whose plugin gives tokens that count its runs, valid for so many minutes."""
    expiry = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=minutes)
    status = {"token": "RUN", "expirationTimestamp": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    program = folder / "plugin.py"
    program.write_text(
        f"import pathlib\nruns = pathlib.Path({str(folder / 'runs')!r})\n"
        f"runs.write_text((runs.read_text() if runs.exists() else '') + 'x')\n"
        f"print({json.dumps(answer)!r}.replace('RUN', str(len(runs.read_text()))))\n"
    )
    command = {"apiVersion": answer["apiVersion"], "command": sys.executable, "args": [str(program)]}
    return {"exec": {**command, "interactiveMode": "Never"}}


def test_an_exec_plugin_is_asked_again_when_its_token_expires_or_is_refused_and_not_before(tmp_path: Path) -> None:
    credentials = Credentials(kubeconfig(tmp_path, plugin(tmp_path, minutes=60)))
    sockets = Sockets()
    assert [token(credentials.ask(sockets, timeout=10)) for _ in range(2)] == ["1", "1"]
    credentials.refuse(credentials.ask(sockets, timeout=10))
    assert [token(credentials.ask(sockets, timeout=10)) for _ in range(2)] == ["2", "2"]


def test_an_exec_plugin_is_asked_again_when_its_token_expires(tmp_path: Path) -> None:
    """The official client takes it for expired five minutes early."""
    credentials = Credentials(kubeconfig(tmp_path, plugin(tmp_path, minutes=1)))
    assert [token(credentials.ask(Sockets(), timeout=10)) for _ in range(2)] == ["2", "3"]


def test_the_token_of_a_service_account_is_read_again_after_a_refusal(tmp_path: Path) -> None:
    from kubernetes.client import Configuration
    from kubernetes.config.incluster_config import InClusterConfigLoader

    (tmp_path / "token").write_text("one")
    (tmp_path / "ca.crt").write_text("any")
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    configuration = Configuration()
    loader = InClusterConfigLoader(str(tmp_path / "token"), str(tmp_path / "ca.crt"), environ=environ)
    loader.load_and_set(configuration)
    assert configuration.host == "https://[fd00::1]:443"
    credentials = Credentials(configuration)
    first = credentials.ask(Sockets(), timeout=10)
    (tmp_path / "token").write_text("two")
    assert token(credentials.ask(Sockets(), timeout=10)) == token(first) == "one"
    credentials.refuse(first)
    assert token(credentials.ask(Sockets(), timeout=10)) == "two"

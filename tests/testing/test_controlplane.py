"""The harness around the real API server does what the tests on it rely on."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kubernetes import client, config

from informers.testing._controlplane.daemons import Daemon
from informers.testing.controlplane import ControlPlane

real = pytest.mark.real_apiserver
MESSAGE = 'namespaces is forbidden: User "{}" cannot list resource "namespaces" in API group "" at the cluster scope'


def refusal(api_client: client.ApiClient) -> tuple[int | None, str]:
    with pytest.raises(client.ApiException) as caught:
        client.CoreV1Api(api_client).list_namespace()
    return caught.value.status, str(caught.value.body)


@real
def test_the_admin_may_do_everything_and_others_nothing(real_apiserver: ControlPlane) -> None:
    assert client.CoreV1Api(real_apiserver.client()).list_namespace().items
    status, body = refusal(real_apiserver.client("alice"))
    assert status == 403
    assert MESSAGE.format("alice") in body.replace('\\"', '"')


@real
def test_a_client_certificate_makes_a_user_and_groups(real_apiserver: ControlPlane) -> None:
    status, body = refusal(real_apiserver.client(certificate_of="carol"))
    assert (status, MESSAGE.format("carol") in body.replace('\\"', '"')) == (403, True)
    root = real_apiserver.client(certificate_of="root", groups=("system:masters",))
    assert client.CoreV1Api(root).list_namespace().items


@real
def test_a_service_accounts_token_is_good_until_it_expires(real_apiserver: ControlPlane) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts"
    name = real_apiserver.request("POST", path, {"metadata": {"generateName": "robot-"}})["metadata"]["name"]
    good = real_apiserver.service_account_token("default", name, seconds=60)
    status, body = refusal(real_apiserver.client(token=good))
    assert (status, f"system:serviceaccount:default:{name}" in body) == (403, True)
    expired = real_apiserver.service_account_token("default", name, seconds=-1)
    assert refusal(real_apiserver.client(token=expired))[0] == 401


@real
@pytest.mark.parametrize("options", [{"user": "admin"}, {"certificate_of": "dave"}])
def test_a_kubeconfig_leads_there(real_apiserver: ControlPlane, tmp_path: Path, options: dict[str, str]) -> None:
    written = real_apiserver.write_kubeconfig(tmp_path / "config", **options)
    with config.new_client_from_config(str(written)) as api_client:
        assert client.VersionApi(api_client).get_code().git_version == "v1.37.2"


@real
def test_restarts_keep_address_and_data(real_apiserver: ControlPlane) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    made = real_apiserver.request("POST", path, {"metadata": {"generateName": "kept-"}})
    before = real_apiserver.apiserver_pid
    real_apiserver.kill_apiserver()
    real_apiserver.restart_apiserver()
    real_apiserver.restart_etcd()
    assert real_apiserver.apiserver_pid != before
    assert real_apiserver.request("GET", f"{path}/{made['metadata']['name']}") == made


def test_a_process_that_ends_early_is_reported_with_its_output(tmp_path: Path) -> None:
    daemon = Daemon("faulty", (sys.executable, "-c", "print('no such flag'); raise SystemExit(7)"), tmp_path / "log")
    daemon.start()
    with pytest.raises(RuntimeError, match="faulty ended with 7:\nno such flag"):
        daemon.wait_until(lambda: "not yet", timeout=10)
    daemon.kill()


def test_a_program_that_the_system_can_not_run_is_named(tmp_path: Path) -> None:
    program = tmp_path / "etcd"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"etcd can't be started: \[Errno 8\]"):
        Daemon("etcd", (str(program),), tmp_path / "log").start()


def test_a_process_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    daemon = Daemon("slow", (sys.executable, "-c", "import time; time.sleep(60)"), tmp_path / "log")
    daemon.start()
    with pytest.raises(RuntimeError, match=r"slow not ready in 0.1 s: no answer"):
        daemon.wait_until(lambda: "no answer", timeout=0.1)
    daemon.kill()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_daemon_and_its_folder_do_not_outlive_the_process_that_started_it(tmp_path: Path, end: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    starter = (
        "import sys, time, pathlib\n"
        "from informers.testing._controlplane.daemons import Daemon\n"
        "sleeper = (sys.executable, '-c', 'import time; time.sleep(60)')\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "daemon = Daemon('sleeper', sleeper, folder / 'log', folder)\n"
        "daemon.start()\n"
        "print(daemon.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen((sys.executable, "-c", starter, str(folder)), stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        os.kill(process.pid, end)
        process.wait(10)
    deadline = time.monotonic() + 10
    while runs(pid) or folder.exists():
        assert time.monotonic() < deadline, "the daemon or its folder outlives its starter"
        time.sleep(0.01)


@pytest.mark.real_apiserver
def test_a_folder_that_nobody_used_goes_with_its_owner() -> None:
    plane = ControlPlane()
    folder = plane.folder
    assert folder.exists()
    del plane
    gc.collect()
    assert not folder.exists()


def runs(pid: int) -> bool:
    """Whether a process runs that need not be a child of this one; a dead one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"

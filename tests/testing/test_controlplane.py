"""The harness around the real API server does what the tests on it rely on."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from informers.testing._controlplane.daemons import Daemon
from informers.testing.controlplane import ControlPlane
from tests.waiting import eventually

MESSAGE = 'namespaces is forbidden: User "{}" cannot list resource "namespaces" in API group "" at the cluster scope'


def refusal(api_client: client.ApiClient) -> tuple[int | None, str]:
    with pytest.raises(client.ApiException) as caught:
        client.CoreV1Api(api_client).list_namespace()
    return caught.value.status, str(caught.value.body)


def test_the_admin_may_do_everything_and_others_nothing(control_plane: ControlPlane) -> None:
    assert client.CoreV1Api(control_plane.client()).list_namespace().items
    status, body = refusal(control_plane.client("alice"))
    assert status == 403
    assert MESSAGE.format("alice") in body.replace('\\"', '"')


def test_a_method_of_the_embedded_server_alone_is_refused_with_advice(control_plane: Any) -> None:
    with pytest.raises(AttributeError, match=r"no 'wait_for_request': it shares the methods of KubernetesAPI"):
        control_plane.wait_for_request(bool)


def test_a_client_certificate_makes_a_user_and_groups(control_plane: ControlPlane) -> None:
    status, body = refusal(control_plane.client(certificate_of="carol"))
    assert (status, MESSAGE.format("carol") in body.replace('\\"', '"')) == (403, True)
    root = control_plane.client(certificate_of="root", groups=("system:masters",))
    assert client.CoreV1Api(root).list_namespace().items


def test_a_service_accounts_token_is_good_until_it_expires(control_plane: ControlPlane) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts"
    name = control_plane.request("POST", path, {"metadata": {"generateName": "robot-"}})["metadata"]["name"]
    good = control_plane.service_account_token("default", name, seconds=60)
    status, body = refusal(control_plane.client(token=good))
    assert (status, f"system:serviceaccount:default:{name}" in body) == (403, True)
    expired = control_plane.service_account_token("default", name, seconds=-1)
    assert refusal(control_plane.client(token=expired))[0] == 401


@pytest.mark.parametrize("options", [{"user": "admin"}, {"certificate_of": "dave"}])
def test_a_kubeconfig_leads_there_without_other_files(
    control_plane: ControlPlane, tmp_path: Path, options: dict[str, str]
) -> None:
    written = control_plane.write_kubeconfig(tmp_path / "config", **options)
    assert str(control_plane.authority.certificate.parent) not in written.read_text(encoding="utf-8")
    with config.new_client_from_config(str(written)) as api_client:
        assert client.VersionApi(api_client).get_code().git_version == "v1.37.2"


def test_restarts_keep_address_and_data(control_plane: ControlPlane) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    made = control_plane.request("POST", path, {"metadata": {"generateName": "kept-"}})
    before = control_plane.apiserver_pid
    control_plane.kill_apiserver()
    control_plane.restart_apiserver()
    control_plane.restart_etcd()
    assert control_plane.apiserver_pid != before
    assert control_plane.request("GET", f"{path}/{made['metadata']['name']}") == made


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
    eventually(lambda: not runs(pid) and not folder.exists())


@pytest.mark.real_apiserver
def test_a_folder_that_nobody_used_goes_with_its_owner() -> None:
    plane = ControlPlane()
    folder = plane.folder
    assert folder.exists()
    del plane
    gc.collect()
    assert not folder.exists()


def test_the_folder_of_a_process_that_is_killed_while_it_makes_keys_is_removed(tmp_path: Path) -> None:
    sleeper, killer = "#!/bin/sh\nexec sleep 60\n", "#!/bin/sh\nkill -9 $PPID\n"
    for name, script in (("etcd", sleeper), ("kube-apiserver", sleeper), ("openssl", killer)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = "from informers.testing import ControlPlane\nwith ControlPlane(): pass"
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "KUBEBUILDER_ASSETS": str(tmp_path), "TMPDIR": str(temporary)}
    done = subprocess.run((sys.executable, "-c", code), cwd=Path(__file__).parents[2], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    eventually(lambda: not list(temporary.iterdir()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_daemon_does_not_outlive_its_starter_in_a_forked_child(tmp_path: Path) -> None:
    starter = (
        "import os, sys, time, pathlib\n"
        "from informers.testing._controlplane.daemons import Daemon\n"
        "sleeper = (sys.executable, '-c', 'import time; time.sleep(60)')\n"
        "daemon = Daemon('sleeper', sleeper, pathlib.Path(sys.argv[1]))\n"
        "daemon.start()\n"
        "child = os.fork()\n"
        "if child:\n"
        "    print(daemon.pid, child, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = (sys.executable, "-c", starter, str(tmp_path / "log"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        pid, child = map(int, process.stdout.readline().split())
        process.kill()
        process.wait(10)
        try:
            eventually(lambda: not runs(pid))
        finally:
            os.kill(child, signal.SIGKILL)


def runs(pid: int) -> bool:
    """Whether a process runs that need not be a child of this one; a dead one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"

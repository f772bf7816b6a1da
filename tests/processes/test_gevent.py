"""gevent, which replaces threads and sockets: before the first import, and too late."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from informers import ConfigurationError
from informers._base.threads import start_thread
from informers.testing import APIServer

ROOT = Path(__file__).parents[2]

PATCH = "from gevent import monkey; monkey.patch_all()"
MAKE = """
from kubernetes import client
from informers import SharedInformerFactory
factory = SharedInformerFactory(client.ApiClient(client.Configuration(host=sys.argv[1])))
maps = factory.core.v1.config_maps
"""
USE = """
with factory:
    factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
    assert factory.health().is_live
    print(*(found.metadata.name for found in maps.lister.list()))
"""


def program(server: APIServer, *parts: str) -> subprocess.CompletedProcess[str]:
    code = "\n".join(("import sys", *parts))
    return subprocess.run(
        [sys.executable, "-c", code, server.url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_with_gevent_patched_first_informers_work() -> None:
    pytest.importorskip("gevent")
    with APIServer() as server:
        server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"namespace": "default", "name": "m"}})
        done = program(server, PATCH, MAKE, USE)
        assert (done.returncode, done.stdout) == (0, "m\n"), done.stderr


def test_with_gevent_patched_too_late_the_start_says_what_to_do() -> None:
    pytest.importorskip("gevent")
    with APIServer() as server:
        done = program(server, MAKE, PATCH, USE)
    assert done.returncode == 1
    assert "ConfigurationError: threads were replaced after informers had been imported" in done.stderr


def test_no_thread_is_started_once_locks_are_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Lock", lambda: None)
    with pytest.raises(ConfigurationError, match=r"call that first, before all other imports"):
        start_thread("late", lambda: None)

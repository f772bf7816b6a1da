"""What becomes of informers in a process that is forked, and in one that is spawned."""

from __future__ import annotations

import ast
import copy
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import informers
from informers import (
    ConfigurationError,
    ListTurns,
    ListWatch,
    ResourceEventHandlerFuncs,
    SharedInformerFactory,
    Signal,
)
from informers.controllers import Controller, EventRecorder
from informers.kinds.core import V1
from informers.probes import ProbeServer
from informers.testing import APIServer
from informers.workqueue import Queue, RateLimitingQueue

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def busy_server() -> Iterator[APIServer]:
    """A server whose objects change all the time."""
    over = threading.Event()
    with APIServer() as server:
        for number in range(50):
            server.create(config_map(number, 0))

        def change() -> None:
            round_ = 0
            while not over.wait(0.001):
                round_ += 1
                server.update(config_map(round_ % 50, round_))

        thread = threading.Thread(target=change)
        thread.start()
        yield server
        over.set()
        thread.join()


def config_map(number: int, value: int) -> dict[str, Any]:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": f"map-{number}", "namespace": "default", "labels": {"app": "web" if number % 2 else "db"}},
        "data": {"value": str(value)},
    }


def forked(server: APIServer, children: int) -> dict[str, Any]:
    """Return what the program says that forks so many children."""
    program = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.processes.forking", server.url, str(children)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert program.returncode == 0, program.stderr
    assert not program.stderr
    said: dict[str, Any] = json.loads(program.stdout)
    return said


@pytest.mark.parametrize("children", [20, pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_no_child_hangs_that_is_forked_under_load_and_the_parent_notices_nothing(
    busy_server: APIServer, children: int
) -> None:
    said = forked(busy_server, children)
    assert said["children"] == children
    assert said["failures"] == []
    assert said["watches and failures before"] == said["watches and failures after"] == [[1, 0], [1, 0]]
    assert said["live"]
    assert said["synced"]


def test_every_lock_of_the_package_is_made_where_forks_are_known() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in Path(informers.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Barrier"}
        and ast.unparse(node.func.value) in {"threading", "_thread"}
    }
    assert found == {"informers/_base/forks.py"}


@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy], ids=["pickle", "copy"])
def test_what_can_not_be_taken_to_another_process_says_what_to_do(take: Any) -> None:
    with APIServer() as server:
        factory = SharedInformerFactory(server.client())
        pods = factory.core.v1.pods
        informer, client = pods.informer, server.client()
        caches = (factory, pods, informer, pods.lister, informer.indexer, ProbeServer(factory, port=0), ListTurns())
        registration = informer.add_event_handler(ResourceEventHandlerFuncs())
        sources = (registration, Signal(), ListWatch(client, V1.pods), Queue[str](), RateLimitingQueue[str]())
        controller = Controller("pods", pods, print)
        controllers = (controller, controller.own_writes, EventRecorder(client, "example.com/pods"))
        for whole in (*caches, *sources, *controllers):
            with pytest.raises(ConfigurationError, match="in the process that uses it"):
                take(whole)


def run(program: str, *arguments: str) -> str:
    """Return what a small program prints; it may fork, which pytest's process should not."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


LEAVES = """
import os, sys
from kubernetes import client
from informers import SharedInformerFactory

factory = SharedInformerFactory(client.ApiClient(client.Configuration(host=sys.argv[1])))
pods = factory.core.v1.pods
child = None
with factory:
    factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
    child = os.fork()
    if child == 0:
        sys.exit(7)  # through the block's end, atexit functions and finalizers
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    watch = factory.health().informers[0].watches[0]
    print(watch.is_live, watch.watches, watch.failures)
"""


def test_a_child_that_ends_inside_of_the_block_ends_at_once_and_leaves_the_parent_alone() -> None:
    with APIServer() as server:
        assert run(LEAVES, server.url) == "7\nTrue 1 0\n"


UNSTARTED = """
import os, sys
from kubernetes import client
from informers import SharedInformerFactory

def make():
    made = SharedInformerFactory(client.ApiClient(client.Configuration(host=sys.argv[1])))
    return made, made.core.v1.config_maps

unstarted, maps = make()
stopped, cached = make()
with stopped:
    stopped.wait_for_cache_sync(timeout=20).raise_if_unsynced()
child = os.fork()
if child == 0:
    with unstarted:
        unstarted.wait_for_cache_sync(timeout=20).raise_if_unsynced()
        print(maps.lister.namespace("default").get("map-1").data, unstarted.health().is_synced)
    print(len(cached.lister.list()), stopped.health(), flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_what_does_not_run_at_the_fork_belongs_to_nobody() -> None:
    with APIServer() as server:
        server.create(config_map(1, 1))
        said = run(UNSTARTED, server.url)
    assert said == "{'value': '1'} True\n1 configmaps: stopped, 1 objects\n0\n"


CONTROLLER = """
import os, sys, threading
from kubernetes import client
from prometheus_client import CollectorRegistry
from informers import ForkedError, ObjectName, SharedInformerFactory, Signal
from informers.controllers import Controller
from informers.metrics import ControllerMetrics

metrics = ControllerMetrics(registry=CollectorRegistry())
inside, over = threading.Event(), threading.Event()

def reconcile(name):
    inside.set()
    over.wait(20)

def make():
    factory = SharedInformerFactory(client.ApiClient(client.Configuration(host=sys.argv[1])))
    return factory, Controller("maps", factory.core.v1.config_maps, reconcile, metrics=metrics)

factory, controller = make()
with factory:
    stop = Signal()
    thread = threading.Thread(target=controller.run, args=(stop,))
    thread.start()
    controller.enqueue(ObjectName("default", "map-1"))
    assert inside.wait(20)
    child = os.fork()
    if child == 0:
        refused = 0
        for call in (lambda: controller.run(Signal()), controller.process_next):
            try:
                call()
            except ForkedError:
                refused += 1
        print(refused, controller.health().stopped, controller.stop(None, drain=True), make()[1], flush=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    over.set()
    print(controller.stop(20, drain=True))
    thread.join(20)
"""


def test_a_child_waits_for_no_run_of_its_parents_controller_and_may_have_one_of_that_name() -> None:
    with APIServer() as server:
        assert run(CONTROLLER, server.url) == "2 True True <Controller 'maps' of configmaps>\n0\nTrue\n"


IMPORTS = """
import os, signal, sys, threading
from informers._base.forks import hold_forks

sys.path.insert(0, sys.argv[1])
sys.began = threading.Event()

def load():
    with hold_forks():
        import slow

thread = threading.Thread(target=load)
thread.start()
sys.began.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    import slow
    os._exit(slow.value)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
thread.join()
"""


def test_a_fork_waits_for_an_import_which_no_child_could_repeat(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import sys, time\nsys.began.set()\ntime.sleep(0.3)\nvalue = 5\n")
    assert run(IMPORTS, str(tmp_path)) == "5\n"


LATE = """
import sys
from kubernetes import client
from informers import SharedInformerFactory

factory = SharedInformerFactory(client.ApiClient(client.Configuration(host=sys.argv[1])))
maps = factory.core.v1.config_maps
before = set(sys.modules)
with factory:
    factory.wait_for_cache_sync(timeout=20).raise_if_unsynced()
    for obj in maps.lister.list():
        obj.to_dict()
print(sorted(set(sys.modules) - before))
"""


def test_no_thread_imports_anything_once_a_kind_has_been_asked_for() -> None:
    with APIServer() as server:
        server.create(config_map(1, 1))
        assert run(LATE, server.url) == "[]\n"

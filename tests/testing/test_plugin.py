"""The fixtures of `informers.testing.plugin`, in runs of pytest on small files of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

# Imported here, so that no inner run has to: what one imports is forgotten after it.
import kubernetes.client  # noqa: F401
import pytest

from informers.testing import plugin

PAGE = Path(__file__).parents[2] / "docs/reference/testing.md"

POD = """
import pytest
from informers.kinds import core
from informers.testing import Status

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}}
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setattr(plugin, "GRACE", 0.05)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest('pytest_plugins = ["informers.testing.plugin"]')
    return pytester


def test_a_factory_follows_the_server_and_its_handler_is_notified(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        POD
        + """
def test_pods(api_server, informer_factory, recording_handler):
    api_server.create(POD)
    pods = informer_factory.core.v1.pods
    pods.informer.add_event_handler(recording_handler)
    informer_factory.start()
    recording_handler.wait_for(1)
    assert recording_handler.texts() == ["add default/web-0 (initial)"]
    assert pods.lister.namespace("default").get("web-0").metadata.name == "web-0"

def test_another_test_has_another_server(api_server, recording_handler):
    assert api_server.list(core.V1.pods) == []
    assert recording_handler.texts() == []
"""
    )
    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_factory_that_was_started_is_stopped_by_the_time_the_next_test_begins(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import threading

        before = set(threading.enumerate())

        def test_started(informer_factory):
            informer_factory.core.v1.pods
            informer_factory.start()
            assert informer_factory.wait_for_cache_sync(timeout=10)

        def test_next():
            assert set(threading.enumerate()) == before
        """
    )
    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_factory_that_a_test_made_and_left_running_fails_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        from informers import SharedInformerFactory

        FORGOTTEN = []

        def test_leaky(api_client):
            factory = SharedInformerFactory(api_client)
            factory.core.v1.pods
            factory.start()
            FORGOTTEN.append(factory)

        def test_what_was_left_by_another_is_not_held_against_this_one(api_client):
            assert FORGOTTEN.pop().stop(10)
        """
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*informers were left running: informers-controller-pods, informers-reflector-pods.*"])


def test_a_handler_that_does_not_return_is_named(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        POD
        + """
import threading
from informers import ResourceEventHandlerFuncs

BUSY, END = threading.Event(), threading.Event()

def hang(obj):
    BUSY.set()
    END.wait()

def test_hangs(api_server, informer_factory):
    api_server.create(POD)
    informer_factory.core.v1.pods.informer.add_event_handler(ResourceEventHandlerFuncs(on_add=hang))
    informer_factory.start()
    assert BUSY.wait(10)

def test_next():
    END.set()
"""
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*informers were left running: informers-handler-pods-1.*"])


def test_a_fault_comes_as_the_script_says_and_one_that_meets_no_request_fails_the_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        POD
        + """
from urllib.error import HTTPError
from urllib.request import urlopen

def listed(server):
    with urlopen(server.url + "/api/v1/pods", timeout=10) as answer:
        return answer.status

def test_met(api_server, api_faults):
    api_faults.add(Status(403), verb="list", resource=core.V1.pods)
    with pytest.raises(HTTPError, match="403"):
        listed(api_server)

def test_unmet(api_server, api_faults):
    api_faults.add(Status(503), verb="watch", resource=core.V1.pods)
    assert listed(api_server) == 200

def test_taken_back(api_server, api_faults):
    api_faults.remove(api_faults.add(Status(503), verb="watch"))
    assert listed(api_server) == 200
"""
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*faults that met no request: Status(code=503, *) to watch pods*"])


def test_where_a_test_asks_for_the_fake_clock_the_factory_goes_by_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        POD
        + """
def test_pause(api_server, api_faults, informer_factory, fake_clock):
    api_faults.add(Status(500), resource=core.V1.pods, times=2)  # the streaming list, and the list in pages
    pods = informer_factory.core.v1.pods
    informer_factory.start()
    fake_clock.wait_for_waiters()
    assert not pods.informer.has_synced
    fake_clock.advance(60)
    assert informer_factory.wait_for_cache_sync(timeout=10)

def test_real_time(informer_factory):
    assert informer_factory.wait_for_cache_sync(timeout=0)
"""
    )
    suite.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_fixture_of_the_suite_takes_the_place_of_one_of_these(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        from informers.kinds import core
        from informers.testing import APIServer

        @pytest.fixture
        def api_server(no_informer_leaks):
            with APIServer(resources=[core.V1.nodes]) as server:
                yield server

        def test_nodes(api_server, api_client, informer_factory):
            assert api_client.configuration.host == api_server.url
            informer_factory.core.v1.nodes
            informer_factory.start()
            assert informer_factory.wait_for_cache_sync(timeout=10)
        """
    )
    suite.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_what_they_are(suite: pytest.Pytester) -> None:
    listed = suite.runpytest_inprocess("--fixtures").stdout.str()
    for name in plugin.__all__:
        assert re.search(rf"^{name}(?: \[session scope\])? -- .*plugin\.py", listed, re.MULTILINE), name


def test_the_example_of_the_documentation_passes(suite: pytest.Pytester) -> None:
    if not PAGE.exists():
        pytest.skip("the documentation is in the checkout; this is an installed package")
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    suite.makepyfile(example)
    suite.runpytest_inprocess().assert_outcomes(passed=2)


@pytest.mark.parametrize("module", ["informers", "informers.testing"])
def test_without_the_plugin_pytest_is_not_imported(module: str) -> None:
    code = f"import sys, {module}; print('pytest' in sys.modules or '_pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


RAISING = """
import pytest
from informers import ObjectName
from informers.kinds import core

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0"}}

def synced(api_server, factory):
    api_server.create(POD)
    factory.start()
    assert factory.wait_for_cache_sync(timeout=10)
"""


def test_a_handler_that_raised_fails_the_test_unless_it_says_so(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
from informers.testing import RecordingHandler

def fail(event):
    raise ValueError("no such shop")

def run(api_server, factory):
    handler = RecordingHandler(fail)
    factory.core.v1.pods.informer.add_event_handler(handler)
    synced(api_server, factory)
    handler.wait_for(1)

def test_raises(api_server, informer_factory):
    run(api_server, informer_factory)

@pytest.mark.informer_errors
def test_is_to_raise(api_server, informer_factory):
    run(api_server, informer_factory)

def test_next(informer_factory):
    pass
"""
    )
    result = suite.runpytest_inprocess("--strict-markers")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["functions raised that*", "- handler *fail*default/web-0*ValueError*no such shop*"])


def test_an_index_function_that_raised_fails_the_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
def test_raises(api_server, informer_factory):
    pods = informer_factory.core.v1.pods
    pods.informer.add_indexers({"node": lambda pod: [pod.spec.node_name.lower()]})
    synced(api_server, informer_factory)
"""
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["- *index function 'node' failed*"])


def test_what_raised_fails_the_test_though_the_log_shows_nothing(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
import logging
from informers import SharedInformerFactory
from informers.controllers import Controller

def fail(argument):
    raise SystemExit("no such shop")

@pytest.fixture(autouse=True)
def silence(caplog):
    caplog.set_level(logging.CRITICAL + 1, "informers")

def pods(client, indexer=None, **options):
    factory = SharedInformerFactory(client, **options)
    if indexer is not None:
        factory.core.v1.pods.informer.add_indexers({"node": indexer})
    factory.core.v1.pods
    return factory

def test_transform(api_server, api_client):
    with pods(api_client, transform=fail) as factory:
        synced(api_server, factory)

def test_index(api_server, api_client):
    with pods(api_client, fail, watch_error_handler=lambda failure: None) as factory:
        synced(api_server, factory)

def test_error_handler(api_server, api_client):
    with pods(api_client, lambda pod: 1, watch_error_handler=fail) as factory:
        synced(api_server, factory)

def test_reconcile(api_server, informer_factory):
    controller = Controller("pods", informer_factory.core.v1.pods, lambda name: name.shop)
    synced(api_server, informer_factory)
    controller.process_next(timeout=10)
"""
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=4, errors=4)
    for line in ("the transform failed*no such shop*", "index function 'node'*", "the error handler of*", "*shop*"):
        result.stdout.fnmatch_lines([f"- {line}"])


def test_a_reconcile_that_raised_fails_the_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
from informers.controllers import Controller

def reconcile(name):
    raise ValueError("no such shop")

def test_raises(api_server, informer_factory):
    controller = Controller("pods", informer_factory.core.v1.pods, reconcile)
    synced(api_server, informer_factory)
    controller.process_next(timeout=10)
"""
    )
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["- *web-0*no such shop*"])


def test_what_a_server_refuses_is_not_held_against_a_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
from informers.testing import Status

def test_refused(api_server, api_faults, informer_factory):
    api_faults.add(Status(500), resource=core.V1.pods, times=1)
    informer_factory.core.v1.pods
    synced(api_server, informer_factory)
"""
    )
    suite.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_fixtures_work_in_several_processes(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        RAISING
        + """
@pytest.mark.parametrize("number", range(4))
def test_pods(api_server, informer_factory, number):
    informer_factory.core.v1.pods
    synced(api_server, informer_factory)
"""
    )
    suite.runpytest_subprocess("-p", "xdist.plugin", "-n", "2").assert_outcomes(passed=4)

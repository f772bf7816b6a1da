"""`pytest --api-server=embedded|real|both`, as a user's suite has it."""

from __future__ import annotations

import pytest

CONFTEST = 'pytest_plugins = ["informers.testing.plugin"]'
SUITE = """
import pytest
from informers.kinds import core
from informers.testing import APIServer

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}}


def test_secrets(api_server, informer_factory):
    secrets = informer_factory.core.v1.secrets
    api_server.create(SECRET)
    informer_factory.start()
    assert informer_factory.wait_for_cache_sync(timeout=20)
    assert secrets.lister.namespace("shop").get("s").metadata.name == "s"


def test_begins_afresh(api_server):
    assert api_server.list(core.V1.secrets, namespace="shop") == []


@pytest.mark.api_server("embedded")
def test_embedded_alone(api_server):
    assert isinstance(api_server, APIServer)


def test_faults(api_server, api_faults):
    assert api_faults.pending == ()
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SUITE)
    return pytester


def test_tests_run_on_the_embedded_server_unless_another_is_chosen(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("--strict-markers")
    result.assert_outcomes(passed=4)


def test_a_test_for_the_other_server_is_skipped_with_the_option_and_a_wrong_marker_is_refused(
    suite: pytest.Pytester,
) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.api_server("real")
        def test_real_alone(api_server): ...
        """
    )
    result = suite.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs the real API server: run pytest --api-server=real"])
    suite.makepyfile("import pytest\n\n@pytest.mark.api_server('reel')\ndef test_reel(api_server): ...")
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the marker api_server must name 'embedded' or 'real': got ('reel',)*"])


@pytest.mark.real_apiserver
@pytest.mark.timeout(240)  # two runs of pytest, each with a control plane of its own
def test_the_same_tests_run_on_a_real_server_or_on_both(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess("--strict-markers", "--api-server=both")
    # Of the marked test the embedded half alone; the faults' real half is skipped.
    result.assert_outcomes(passed=6, skipped=1)
    result = suite.runpytest_subprocess("--strict-markers", "--api-server=real")
    result.assert_outcomes(passed=2, skipped=2)

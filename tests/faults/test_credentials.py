"""Credentials are sent to the server that they are for, and are written nowhere."""

from __future__ import annotations

import gc
import http.server
import logging
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from informers import SharedInformerFactory
from informers.cache._reflector.reflector import Reflector
from informers.cache.store import Store
from informers.errors import ConnectionLostError, InformersError, StatusError
from informers.kinds import core
from informers.source.listwatch import ListWatch
from informers.source.watch_events import ListOptions
from informers.testing import APIServer, RecordingHandler
from tests.faults.rig import eventually

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

SECRETS = ("token-that-nobody-may-see", "password-that-nobody-may-see", "cookie-that-nobody-may-see")
TOKEN, PASSWORD, COOKIE = SECRETS
#: The password as basic authentication has it.
ENCODED = "cGFzc3dvcmQtdGhhdC1ub2JvZHktbWF5LXNlZ"


def client(host: str, change: Callable[[Configuration], object] = lambda _: None) -> ApiClient:
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration(host=host)
    configuration.api_key["authorization"] = f"Bearer {TOKEN}"
    change(configuration)
    return ApiClient(configuration, cookie=f"session={COOKIE}")


def unreachable(configuration: Configuration) -> None:
    configuration.host = "http://127.0.0.1:1"


def behind_a_proxy(configuration: Configuration) -> None:
    from urllib3 import make_headers

    configuration.proxy = f"http://user:{PASSWORD}@127.0.0.1:1"
    configuration.proxy_headers = make_headers(proxy_basic_auth=f"aaa:{PASSWORD}")


def everything_about(error: BaseException) -> str:
    """Return all that can be seen of an error and its causes."""
    texts = traceback.format_exception(type(error), error, error.__traceback__)
    cause: BaseException | None = error
    while cause is not None:
        texts += [repr(cause), str(cause), repr(vars(cause)), repr(cause.args)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(texts)


def assert_no_secret(text: str) -> None:
    for secret in (*SECRETS, ENCODED):
        assert secret not in text, text[max(0, text.index(secret) - 200) : text.index(secret) + 50]


@pytest.mark.parametrize("change", [lambda _: None, unreachable, behind_a_proxy])
def test_no_credential_is_in_a_log_a_repr_an_error_or_a_pickle(
    change: Callable[[Configuration], object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    failures: list[Any] = []
    with APIServer() as server:
        server.require_token("another")
        api_client = client(server.url, change)
        factory = SharedInformerFactory(api_client, watch_error_handler=failures.append)
        pods = factory.core.v1.pods
        registration = pods.informer.add_event_handler(RecordingHandler())
        with factory:
            eventually(lambda: failures, "a failure")
            result = factory.wait_for_cache_sync(timeout=0.01)
        source = ListWatch(api_client, core.V1.pods)
        seen = [factory, pods, pods.informer, pods.lister, registration, source, Reflector(source, Store()), result]
        seen += [factory.health(), pods.informer.health(), *failures]
        api_client.close()
    assert_no_secret("\n".join(f"{thing!r} {thing!s}" for thing in seen))
    assert_no_secret(caplog.text)
    assert caplog.records
    for failure in failures:
        assert isinstance(failure.error, InformersError)
        assert_no_secret(everything_about(failure.error))
        pickled = pickle.dumps(failure.error)
        assert_no_secret(pickled.decode("latin-1"))
        assert str(pickle.loads(pickled)) == str(failure.error)


def test_objects_and_their_pickles_lead_to_no_client() -> None:
    with APIServer() as server:
        server.create({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}})
        server.require_token(TOKEN)
        with SharedInformerFactory(client(server.url)) as factory:
            config_maps = factory.core.v1.config_maps
            factory.start()
            assert factory.wait_for_cache_sync(timeout=10)
            (obj,) = config_maps.lister.list()
    assert_no_secret(pickle.dumps(obj).decode("latin-1"))
    from kubernetes.client import ApiClient

    found, todo = set(), [obj]
    while todo:
        for thing in gc.get_referents(todo.pop()):
            if id(thing) not in found and not isinstance(thing, (type, type(gc), type(client))):
                found.add(id(thing))
                todo.append(thing)
                assert not isinstance(thing, ApiClient)


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_redirect_is_not_followed_since_it_might_lead_anywhere() -> None:
    reached: list[str] = []

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_error(500)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Elsewhere) as elsewhere:

        class Redirecting(Elsewhere):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", f"{elsewhere}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()

        with serving(Redirecting) as url:
            source = ListWatch(client(url), core.V1.pods)
            with pytest.raises(StatusError, match="302"):
                source.list(ListOptions())
            source.close()
    assert reached == []


def test_the_test_server_listens_on_loopback_alone() -> None:
    import socket

    with APIServer() as server:
        port = int(server.url.rpartition(":")[2])
        assert server._running()._socket.getsockname() == ("127.0.0.1", port)
        # Another address of the same machine: whoever listens on all would answer there.
        with socket.socket() as sock:
            sock.settimeout(1.0)
            assert sock.connect_ex(("127.0.0.2", port)) != 0


def test_an_error_of_the_network_names_the_address_and_no_more() -> None:
    source = ListWatch(client("http://127.0.0.1:1"), core.V1.pods)
    with pytest.raises(ConnectionLostError, match=r"127\.0\.0\.1.*refused"):
        source.list(ListOptions())
    source.close()

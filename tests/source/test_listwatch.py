"""Lists and watches of a resource: what is asked for, and how long silence may last."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from informers import ConfigurationError
from informers.errors import ConnectionLostError, DecodeError, SourceError, StoppedError
from informers.resources import ClusterResource, NamespacedResource
from informers.source.listwatch import ListWatch, check_namespace
from informers.source.records import WireRecord
from informers.source.watch_events import Bookmark, Change, ListOptions
from informers.testing import FakeClock
from tests.source.wire import Connection, Script, WireServer, answer, breaks_off, chunk, client, serving

THINGS = NamespacedResource[dict[str, Any]]("example.com", "v1", "things", "Thing")
GLOBALS = ClusterResource[dict[str, Any]]("", "v1", "globals", "Global")
PARTIAL = "as=PartialObjectMetadata"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def thing(name: str, version: str = "5") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "resourceVersion": version, "managedFields": [{"manager": "x"}]}
    return {"kind": "Thing", "apiVersion": "example.com/v1", "metadata": metadata, "spec": {"size": 1}}


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def listing(*things: dict[str, Any], **metadata: str) -> bytes:
    head = {"kind": "ThingList", "apiVersion": "example.com/v1", "metadata": {"resourceVersion": "9", **metadata}}
    return encode({**head, "items": list(things)})


def event(kind: str, obj: dict[str, Any]) -> bytes:
    return encode({"type": kind, "object": obj}) + b"\n"


def bookmark(version: str, *, end: bool = False) -> bytes:
    marks = {"annotations": {"k8s.io/initial-events-end": "true"}} if end else {}
    return event("BOOKMARK", {"kind": "Thing", "metadata": {"resourceVersion": version, **marks}})


def saying(*parts: bytes, then: Callable[[Connection], object] = Connection.wait_for_end) -> Script:
    """Answer each request with the next part."""

    def script(connection: Connection) -> None:
        for part in parts:
            if connection.request() is None:
                return
            connection.send(part)
        then(connection)

    return script


@contextmanager
def source_of(
    *scripts: Script, resource: Any = THINGS, **options: Any
) -> Iterator[tuple[WireServer, ListWatch[dict[str, Any]]]]:
    with serving(*scripts) as server:
        api_client = client(server.url)
        source: ListWatch[dict[str, Any]] = ListWatch(api_client, resource, **options)
        try:
            yield server, source
        finally:
            source.close()
            api_client.close()


def asked(server: WireServer) -> list[tuple[str, dict[str, str]]]:
    """Path and parameters of every request."""
    parts = [urlsplit(request.target) for request in server.requests]
    return [(part.path, dict(parse_qsl(part.query, keep_blank_values=True))) for part in parts]


EMPTY_WATCH = CHUNKED + END


def test_a_list_sends_the_given_parameters_and_nothing_else() -> None:
    with source_of(saying(answer(listing(thing("a"))), answer(listing()))) as (server, source):
        page = source.list(ListOptions(resource_version="0", limit=500))
        source.list(ListOptions(limit=500, continue_token="t/+="))
        assert asked(server) == [
            ("/apis/example.com/v1/things", {"resourceVersion": "0", "limit": "500"}),
            ("/apis/example.com/v1/things", {"limit": "500", "continue": "t/+="}),
        ]
        assert [record.object() for record in page.records] == [thing("a")]
        assert page.resource_version == "9"
        assert server.connections == 1
        assert {request.headers["accept-encoding"] for request in server.requests} == {"gzip"}


def test_a_watch_sends_the_given_parameters_and_nothing_else() -> None:
    with source_of(saying(EMPTY_WATCH, EMPTY_WATCH)) as (server, source):
        plain = ListOptions(resource_version="9", allow_watch_bookmarks=True, timeout_seconds=300)
        streaming = attrs.evolve(
            plain, resource_version="", send_initial_events=True, resource_version_match="NotOlderThan"
        )
        for options in (plain, streaming):
            watch = source.watch(options)
            assert list(watch.batches()) == []
            watch.close()
        common = {"watch": "true", "timeoutSeconds": "300", "allowWatchBookmarks": "true"}
        assert asked(server) == [
            ("/apis/example.com/v1/things", {**common, "resourceVersion": "9"}),
            (
                "/apis/example.com/v1/things",
                {**common, "resourceVersionMatch": "NotOlderThan", "sendInitialEvents": "true"},
            ),
        ]
        assert {request.headers["accept-encoding"] for request in server.requests} == {"identity"}


def test_namespace_and_selectors_are_on_both_lists_and_watches() -> None:
    options = {"namespace": "kube-system", "label_selector": {"app": "web"}, "field_selector": "spec.size!=1"}
    with source_of(saying(answer(listing()), EMPTY_WATCH), **options) as (server, source):
        source.list(ListOptions())
        source.watch(ListOptions()).close()
        listed, watched = asked(server)
        assert listed == (
            "/apis/example.com/v1/namespaces/kube-system/things",
            {"labelSelector": "app=web", "fieldSelector": "spec.size!=1"},
        )
        assert watched == (listed[0], {**listed[1], "watch": "true"})


def test_a_tweak_has_the_last_word_on_both() -> None:
    def tweak(options: ListOptions) -> ListOptions:
        seen.append(options.label_selector)
        return attrs.evolve(options, label_selector="other", timeout_seconds=7)

    seen: list[str] = []
    with source_of(saying(answer(listing()), EMPTY_WATCH), tweak=tweak, label_selector="app") as (server, source):
        source.list(ListOptions())
        source.watch(ListOptions(timeout_seconds=300)).close()
        assert [query["labelSelector"] for _, query in asked(server)] == ["other", "other"]
        assert asked(server)[1][1]["timeoutSeconds"] == "7"
        assert seen == ["app", "app"]


@pytest.mark.parametrize(("selector", "may_be_listed"), [("app=web", False), ("app=api", True), ("app in [", True)])
def test_an_object_may_be_listed_unless_the_selectors_that_a_tweak_asks_with_say_no(
    selector: str, may_be_listed: bool
) -> None:
    def tweak(options: ListOptions) -> ListOptions:
        return attrs.evolve(options, label_selector=selector)

    with source_of(saying(answer(listing())), tweak=tweak) as (_, source):
        source.list(ListOptions())
        assert source.selects({"metadata": {"name": "a", "labels": {"app": "api"}}}) is may_be_listed


def test_a_tweak_that_returns_something_else_raises_an_error_that_says_so() -> None:
    with (
        source_of(saying(), tweak=lambda _: None) as (_, source),
        pytest.raises(ConfigurationError, match="must return ListOptions: got NoneType"),
    ):
        source.list(ListOptions())


def test_a_tweak_that_raises_is_named_in_the_error() -> None:
    def tweak(options: ListOptions) -> ListOptions:
        raise KeyError("app")

    with (
        source_of(saying(), tweak=tweak) as (_, source),
        pytest.raises(SourceError, match=r"the tweak function failed: KeyError\('app'\)"),
    ):
        source.list(ListOptions())


def test_metadata_alone_is_asked_for_in_the_accept_header() -> None:
    partial = {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "1"},
    }
    data = encode({**partial, "items": [{"metadata": thing("a")["metadata"]}]})
    with source_of(saying(answer(data), EMPTY_WATCH), metadata_only=True) as (server, source):
        (record,) = source.list(ListOptions()).records
        assert record.key == "default/a"
        source.watch(ListOptions()).close()
        listed, watched = (request.headers["accept"] for request in server.requests)
        assert f"{PARTIAL}List;" in listed
        assert f"{PARTIAL};" in watched


def test_managed_fields_are_left_out_of_both_where_that_is_wanted() -> None:
    stream = CHUNKED + chunk(event("ADDED", thing("b"))) + END
    with source_of(saying(answer(listing(thing("a"))), stream), drop_managed_fields=True) as (_, source):
        records = list(source.list(ListOptions()).records)
        watch = source.watch(ListOptions())
        records += [seen.record for batch in watch.batches() for seen in batch if isinstance(seen, Change)]
        watch.close()
        assert [record.key for record in records] == ["default/a", "default/b"]
        for record in records:
            assert isinstance(record, WireRecord)
            assert b"managedFields" not in record.raw


def test_events_come_in_batches_as_they_arrive_wherever_they_are_split() -> None:
    first, second = event("ADDED", thing("a")), event("ADDED", thing("b"))

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED + chunk(first) + chunk(second[:9]))
        connection.request()
        connection.wait_for_end()

    with source_of(script) as (_, source):
        watch = source.watch(ListOptions())
        (seen,) = next(watch.batches())
        assert isinstance(seen, Change)
        assert seen.record.key == "default/a"
        watch.close()


@pytest.mark.parametrize("ending", [END, b""], ids=["in good order", "cut"])
def test_a_watch_that_ends_in_the_middle_of_an_event_is_lost(ending: bytes) -> None:
    data = CHUNKED + chunk(event("ADDED", thing("a"))) + chunk(event("ADDED", thing("b"))[:20]) + ending
    with source_of(saying(data, then=Connection.close)) as (_, source):
        watch = source.watch(ListOptions())
        with pytest.raises(ConnectionLostError, match="in the middle of an"):
            list(watch.batches())
        watch.close()


def test_a_line_that_is_not_an_event_ends_the_watch_with_the_reason() -> None:
    with source_of(saying(CHUNKED + chunk(b"rubbish\n"))) as (_, source):
        watch = source.watch(ListOptions())
        with pytest.raises(DecodeError, match="a line of the watch is not valid JSON"):
            next(watch.batches())
        watch.close()


def test_an_object_that_is_too_large_is_reported() -> None:
    data = CHUNKED + chunk(event("ADDED", thing("a" * 300)))
    with source_of(saying(data), max_object_size=200) as (_, source):
        watch = source.watch(ListOptions())
        with pytest.raises(DecodeError, match="more than 200 bytes"):
            next(watch.batches())
        watch.close()


def looks(clock: FakeClock) -> threading.Event:
    """Return what is raised whenever somebody asks the clock for the time."""
    looked, monotonic = threading.Event(), clock.monotonic

    def look() -> float:
        looked.set()
        return monotonic()

    vars(clock)["monotonic"] = look
    return looked


def drips(connection: Connection, begin: bytes, drop: bytes, clock: FakeClock) -> None:
    """Send a drop a second until the client goes, none before it has seen that: it would get too many at once."""
    looked = looks(clock)
    connection.request()
    connection.send(CHUNKED + begin)
    while True:
        looked.clear()
        clock.advance(1)
        connection.send(drop)
        looked.wait(0.1)


def test_a_list_that_drips_is_lost() -> None:
    clock = FakeClock()

    def drip(connection: Connection) -> None:
        drips(connection, chunk(listing()[:20]), chunk(b" "), clock)

    with (
        source_of(drip, list_timeout=10.0, clock=clock) as (_, source),
        pytest.raises(ConnectionLostError, match=r"an answer brought no more than \d+ bytes in"),
    ):
        source.list(ListOptions())


@pytest.mark.parametrize(
    ("begin", "drop"),
    [(chunk(listing()) + b"0\r\n", b"X: y\r\n"), (chunk(listing()[:20]) + b"5;", b"x")],
    ids=["trailer", "an extension of a chunk"],
)
def test_a_list_whose_frames_drip_is_lost(begin: bytes, drop: bytes) -> None:
    clock = FakeClock()

    def drip(connection: Connection) -> None:
        drips(connection, begin, drop, clock)

    with (
        source_of(drip, list_timeout=10.0, clock=clock) as (_, source),
        pytest.raises(ConnectionLostError, match=r"an answer brought no more than \d+ bytes in"),
    ):
        source.list(ListOptions())


def test_a_watch_whose_frames_drip_is_as_good_as_silent() -> None:
    clock = FakeClock()

    def drip(connection: Connection) -> None:
        drips(connection, chunk(bookmark("5")) + b"5;", b"x", clock)

    with source_of(drip, idle_timeout=10.0, clock=clock) as (_, source):
        watch = source.watch(ListOptions())
        with pytest.raises(ConnectionLostError, match="no event was completed for 10 s"):
            list(watch.batches())
        watch.close()


def test_a_list_that_falls_silent_is_lost() -> None:
    data = CHUNKED + chunk(listing(thing("a"))[:30])
    with (
        source_of(saying(data), list_timeout=0.05) as (_, source),
        pytest.raises(ConnectionLostError, match="too long"),
    ):
        source.list(ListOptions())


def test_a_watch_that_falls_silent_is_lost() -> None:
    with source_of(saying(CHUNKED + chunk(bookmark("5"))), idle_timeout=0.5, streaming_timeout=60.0) as (_, source):
        watch = source.watch(ListOptions())
        batches = watch.batches()
        assert next(batches) == [Bookmark("5")]
        with pytest.raises(ConnectionLostError, match="too long") as caught:
            next(batches)
        assert isinstance(caught.value.__cause__, TimeoutError)
        watch.close()


def test_a_streaming_list_that_falls_silent_is_lost_sooner() -> None:
    data = CHUNKED + chunk(event("ADDED", thing("a")))
    with source_of(saying(data), idle_timeout=60.0, streaming_timeout=0.5) as (_, source):
        watch = source.watch(ListOptions(send_initial_events=True))
        batches = watch.batches()
        assert len(next(batches)) == 1
        with pytest.raises(ConnectionLostError, match="too long"):
            next(batches)
        watch.close()


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"], ids=["keep-alive", "close"])
def test_behind_its_end_a_streaming_list_may_be_silent_for_as_long_as_a_watch(close: bytes) -> None:
    limits: list[float] = []
    data = CHUNKED[:-2] + close + b"\r\n" + chunk(event("ADDED", thing("a"))) + chunk(bookmark("9", end=True))
    with source_of(saying(data), idle_timeout=60.0, streaming_timeout=5.0) as (_, source):
        watch: Any = source.watch(ListOptions(send_initial_events=True))
        watch.patience.sends_bookmarks = True
        original = watch.body.set_idle_timeout

        def note(seconds: float) -> None:
            original(seconds)
            limits.append(watch.body._answer._http.reader._sock.gettimeout())

        watch.body.set_idle_timeout = note
        assert watch.body._answer._http.reader._sock.gettimeout() == 5.0
        seen: list[Any] = []
        for batch in watch.batches():
            seen += batch
            if Bookmark("9", initial_events_end=True) in seen:
                break
        assert limits == [60.0]
        watch.close()


@pytest.mark.parametrize(("asked_for", "expected"), [(0, 86_400.0), (300, 310.0), (20, 30.0)])
def test_silence_is_not_a_sign_before_a_bookmark_has_come(asked_for: int, expected: float) -> None:
    """Of some kinds none ever comes. The one that ends a streaming list comes of every kind."""
    limits: list[float] = []
    data = CHUNKED + chunk(bookmark("5", end=True)) + chunk(event("ADDED", thing("a"))) + chunk(bookmark("7"))
    with source_of(saying(data), idle_timeout=5.0, streaming_timeout=10.0) as (_, source):
        watch: Any = source.watch(ListOptions(timeout_seconds=asked_for))
        seen: list[Any] = []
        for batch in watch.batches():
            seen += batch
            limits.append(watch.body._answer._http.reader._sock.gettimeout())
            if Bookmark("7") in seen:
                break
        watch.close()
    with source_of(saying(CHUNKED), idle_timeout=5.0, streaming_timeout=10.0) as (_, source):
        watch = source.watch(ListOptions(timeout_seconds=asked_for))
        assert watch.body._answer._http.reader._sock.gettimeout() == expected
        watch.close()
    assert limits[-1] == 5.0
    assert set(limits[:-1]) <= {expected}


@pytest.mark.parametrize(("asked_for", "expected"), [(0, 50.0), (300, 50.0), (20, 30.0)])
def test_a_server_that_does_not_end_a_watch_as_asked_is_given_up_soon_after(asked_for: int, expected: float) -> None:
    with source_of(saying(CHUNKED), idle_timeout=50.0, streaming_timeout=10.0) as (_, source):
        source._patience.sends_bookmarks = True
        watch: Any = source.watch(ListOptions(timeout_seconds=asked_for))
        assert watch.body._answer._http.reader._sock.gettimeout() == expected
        watch.close()


def test_bytes_that_drip_without_ending_a_line_are_no_sign_of_life() -> None:
    clock = FakeClock()

    def drip(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED)
        while True:  # until the client goes
            clock.advance(10)
            connection.send(chunk(b"x"))

    with source_of(drip, idle_timeout=50.0, clock=clock) as (_, source):
        watch = source.watch(ListOptions())
        with pytest.raises(ConnectionLostError, match="no event was completed for 50 s"):
            list(watch.batches())
        watch.close()


@pytest.mark.parametrize(("first", "limit"), [(b"", 310), (bookmark("9"), 50)])
def test_white_space_that_keeps_a_connection_alive_is_as_good_as_silence(first: bytes, limit: int) -> None:
    """Where no bookmarks come, it says no more than that the server, or a proxy, is there."""
    clock = FakeClock()

    def blank(connection: Connection) -> None:
        connection.request()
        connection.send(CHUNKED + (chunk(first) if first else b""))
        while True:  # until the client goes
            clock.advance(10)
            connection.send(chunk(b"\r\n"))

    with source_of(blank, idle_timeout=50.0, streaming_timeout=10.0, clock=clock) as (_, source):
        watch = source.watch(ListOptions(timeout_seconds=300))
        with pytest.raises(ConnectionLostError, match=f"no event was completed for {limit} s"):
            list(watch.batches())
        watch.close()


def test_a_stop_breaks_off_a_list_and_a_watch_and_refuses_more() -> None:
    with (
        source_of(saying(CHUNKED + chunk(listing()[:20]))) as (server, source),
        breaks_off(source.close, once=lambda: server.wait_for(requests=1)),
        pytest.raises(StoppedError),
    ):
        source.list(ListOptions())
    with source_of(saying(CHUNKED)) as (server, source):
        watch = source.watch(ListOptions())
        with breaks_off(source.close, once=lambda: server.wait_for(requests=1)), pytest.raises(StoppedError):
            next(watch.batches())
        watch.close()
        with pytest.raises(StoppedError):
            source.watch(ListOptions())


@pytest.mark.parametrize("namespace", ["", "Default", "a/b", "-a", "a" * 64, "a b", "..", 3, b"default", ["a"]])
def test_an_invalid_namespace_is_refused(namespace: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"namespace must be a name, for example 'default'.*got"):
        check_namespace(namespace)


def test_a_resource_of_the_whole_cluster_has_no_namespace() -> None:
    with pytest.raises(ConfigurationError, match="globals has no namespaces: leave namespace out"):
        ListWatch(client("http://127.0.0.1:1"), GLOBALS, namespace="default")
    for namespace in (None, "a", "a-b", "a" * 63, "0"):
        check_namespace(namespace)
    with source_of(saying(), resource=GLOBALS) as (_, source):
        assert repr(source) == "<ListWatch /api/v1/globals>"


@pytest.mark.parametrize("name", ["connect_timeout", "idle_timeout", "streaming_timeout", "list_timeout"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, "5", None, True, 1e9])
def test_a_time_limit_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be a number of seconds .*got {value!r}$"):
        ListWatch(client("http://127.0.0.1:1"), THINGS, **{name: value})


@pytest.mark.parametrize("value", [0, -1, 1.5, "5", None, True])
def test_a_size_that_makes_no_sense_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_object_size must be a whole number, 1 or more"):
        ListWatch(client("http://127.0.0.1:1"), THINGS, max_object_size=value)


def test_an_invalid_resource_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"must be a Resource, for example core\.V1\.pods: got 'pods'"):
        ListWatch(client("http://127.0.0.1:1"), "pods")  # type: ignore[arg-type] # the mistake that is tested


def test_a_tweak_that_is_not_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="tweak must be a function"):
        ListWatch(client("http://127.0.0.1:1"), THINGS, tweak=3)  # type: ignore[arg-type] # what a user may do

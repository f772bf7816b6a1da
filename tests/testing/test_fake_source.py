"""The source in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from informers.errors import ConnectionLostError, ExpiredError, StatusError, StoppedError
from informers.source.watch_events import Bookmark, Change, ErrorEvent, ListOptions, WatchEvent
from informers.testing import FakeSource, FakeWatch

Obj = dict[str, Any]


def obj(name: str) -> Obj:
    return {"metadata": {"name": name}}


def seen(watch: FakeWatch[Obj]) -> list[str]:
    """What a watch has sent, in short; to be called when it has ended."""
    return [text(event) for batch in watch.batches() for event in batch]


def text(event: WatchEvent[Obj]) -> str:
    if isinstance(event, Change):
        return f"{event.type.value} {event.record.key} {event.record.resource_version}"
    if isinstance(event, Bookmark):
        return f"BOOKMARK {event.resource_version}" + (" end" if event.initial_events_end else "")
    assert isinstance(event, ErrorEvent)
    return f"ERROR {event.error.code}"


def test_what_is_put_in_is_listed_at_the_version_of_the_last_change() -> None:
    source: FakeSource[Obj] = FakeSource()
    for name in "abc":
        source.add(obj(name))
    source.modify(obj("a"))
    source.delete(obj("b"))
    page = source.list(ListOptions(resource_version="0"))
    assert [(record.key, record.resource_version) for record in page.records] == [("a", "4"), ("c", "3")]
    assert (page.resource_version, page.continue_token, source.resource_version) == ("5", "", "5")
    assert source.lists == [ListOptions(resource_version="0")]
    assert repr(source) == "<FakeSource 2 objects rv=5>"


@pytest.mark.parametrize(
    ("of_source", "asked", "sizes"), [(0, 2, [2, 2, 1]), (3, 0, [3, 2]), (3, 2, [2, 2, 1]), (0, 0, [5])]
)
def test_pages_are_at_most_as_large_as_client_and_server_want(of_source: int, asked: int, sizes: list[int]) -> None:
    source: FakeSource[Obj] = FakeSource(page_size_limit=of_source)
    for name in "abcde":
        source.add(obj(name))
    found: list[int] = []
    token = ""
    while True:
        page = source.list(ListOptions(limit=asked, continue_token=token))
        found.append(len(page.records))
        token = page.continue_token
        if not token:
            break
    assert found == sizes


def test_a_watch_continues_from_the_version_that_it_is_given() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    source.add(obj("b"))
    watch = source.watch(ListOptions(resource_version="1"))
    source.modify(obj("a"))
    source.delete(obj("b"))
    source.bookmark()
    source.drop_watches()
    source.add(obj("c"))
    assert seen(watch) == ["ADDED b 2", "MODIFIED a 3", "DELETED b 4", "BOOKMARK 4"]
    assert source.wait_for_watch() is watch
    assert not watch.closed
    watch.close()
    assert watch.closed


def test_a_streaming_list_ends_with_a_bookmark_and_continues() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    watch = source.watch(ListOptions(send_initial_events=True))
    source.add(obj("b"))
    source.drop_watches()
    assert seen(watch) == ["ADDED a 1", "BOOKMARK 1 end", "ADDED b 2"]


def test_a_source_without_streaming_lists_refuses_them() -> None:
    source: FakeSource[Obj] = FakeSource(streaming_lists=False)
    with pytest.raises(StatusError, match="422 Invalid: sendInitialEvents is forbidden"):
        source.watch(ListOptions(send_initial_events=True))


def test_history_that_is_forgotten_expires_the_watches_that_are_open_and_those_that_want_it() -> None:
    source: FakeSource[Obj] = FakeSource()
    source.add(obj("a"))
    watch = source.watch(ListOptions(resource_version="1"))
    source.add(obj("b"))
    source.forget_history()
    assert seen(watch) == ["ADDED b 2", "ERROR 410"]
    with pytest.raises(ExpiredError):
        source.watch(ListOptions(resource_version="1"))
    source.watch(ListOptions(resource_version="2"))


def test_a_watch_that_is_broken_raises_what_broke_it() -> None:
    source: FakeSource[Obj] = FakeSource()
    watch = source.watch(ListOptions())
    source.break_watches(ConnectionLostError("reset"))
    with pytest.raises(ConnectionLostError, match="reset"):
        seen(watch)


@pytest.mark.parametrize("is_function", [False, True])
def test_requests_fail_with_what_the_test_wants(is_function: bool) -> None:
    source: FakeSource[Obj] = FakeSource()
    error = StatusError("no", code=403, reason="Forbidden")
    wanted: Exception | Callable[[ListOptions], Exception | None] = error
    if is_function:
        wanted = lambda options: error if options.limit != 7 else None  # noqa: E731  it stands for any function
    source.list_error = source.watch_error = wanted
    for request in (source.list, source.watch):
        with pytest.raises(StatusError) as raised:
            request(ListOptions())
        assert raised.value is error
    if is_function:
        source.list(ListOptions(limit=7))
        source.watch(ListOptions(limit=7))
    assert len(source.watches) == (2 if is_function else 1)


@pytest.mark.parametrize("request_", ["list", "watch"])
def test_a_function_for_errors_may_wait_for_another_thread_that_uses_the_source(request_: str) -> None:
    source = FakeSource[dict[str, Any]]()

    def bookmark_elsewhere(options: ListOptions) -> None:
        thread = threading.Thread(target=source.bookmark, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive(), "the function runs under a lock"

    source.list_error = source.watch_error = bookmark_elsewhere
    getattr(source, request_)(ListOptions())


def test_a_source_that_is_closed_ends_its_watches_and_refuses_everything() -> None:
    source: FakeSource[Obj] = FakeSource()
    watch = source.watch(ListOptions())
    assert not source.closed
    source.close()
    assert source.closed
    with pytest.raises(StoppedError):
        seen(watch)
    for request in (source.list, source.watch):
        with pytest.raises(StoppedError, match="the source has been closed"):
            request(ListOptions())


def test_a_watch_can_be_waited_for() -> None:
    source: FakeSource[Obj] = FakeSource()
    opener = threading.Thread(target=lambda: source.watch(ListOptions(resource_version="0")))
    opener.start()
    assert source.wait_for_watch().options == ListOptions(resource_version="0")
    opener.join(10)
    with pytest.raises(TimeoutError, match=r"1 watches have been opened after 0\.01 s, expected 2"):
        source.wait_for_watch(2, timeout=0.01)


def test_a_reader_waits_for_what_is_sent_later() -> None:
    watch: FakeWatch[Obj] = FakeWatch(ListOptions())
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.extend(seen(watch)))
    reader.start()
    watch.send(Bookmark("1"), Bookmark("2"))
    watch.end()
    reader.join(10)
    assert found == ["BOOKMARK 1", "BOOKMARK 2"]


def test_a_watch_from_the_very_beginning_misses_nothing() -> None:
    """A list of nothing is at version 0; what happens before the watch is opened must still come."""
    source: FakeSource[Obj] = FakeSource()
    assert source.list(ListOptions()).resource_version == "0"
    source.add(obj("a"))
    source.delete(obj("a"))
    watch = source.watch(ListOptions(resource_version="0"))
    watch.end()
    assert seen(watch) == ["ADDED a 1", "DELETED a 2"]
    source.forget_history()
    with pytest.raises(ExpiredError):
        source.watch(ListOptions(resource_version="0"))


def test_a_watch_from_no_version_begins_with_what_exists() -> None:
    source: FakeSource[Obj] = FakeSource()
    for name in "ab":
        source.add(obj(name))
    source.delete(obj("a"))
    source.forget_history()
    watch = source.watch(ListOptions())
    source.add(obj("c"))
    watch.end()
    assert seen(watch) == ["ADDED b 2", "ADDED c 4"]

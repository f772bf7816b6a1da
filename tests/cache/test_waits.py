"""Waiting for a write of one's own, and for a state of an object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from informers import ConfigurationError, ObjectName, SharedInformer, Sight, Signal, StoppedError, WaitTimeoutError
from informers.cache._pipeline.deltas import Snapshot
from informers.cache.versions import reaches
from informers.source.watch_events import Bookmark
from informers.testing import FakeClock, FakeSource
from tests.cache.things import Obj, informer, obj, record, started
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("version", "wanted", "result"),
    [
        ("9", "9", True),
        ("10", "9", True),
        ("9", "10", False),
        ("340282366920938463463374607431768211456", "340282366920938463463374607431768211455", True),
        ("opaque", "opaque", True),
        ("opaque", "9", None),
        ("9", "opaque", None),
        ("09", "9", None),
        ("0", "9", False),
        ("00", "9", None),
        ("", "9", None),
        ("²", "9", None),
        ("9\n", "9", None),
    ],
)
def test_versions_are_compared_as_numbers_where_they_are_numbers_and_not_otherwise(
    version: str, wanted: str, result: bool | None
) -> None:
    assert reaches(version, wanted) is result


def status(name: str, uid: str) -> Obj:
    """Return what a deletion is answered with."""
    return {"kind": "Status", "metadata": {}, "status": "Success", "details": {"name": name, "uid": uid}}


class Model:
    """Has attributes as the models of the official client have."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def test_a_write_is_seen_once_the_cache_has_its_version_or_a_newer_one(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    assert made.resource_version_of(None) == made.resource_version_of("shop") == "1"
    assert made.has_seen(obj("shop/web-0", "1"))
    assert made.has_seen("1")
    assert made.has_seen(Model(metadata=Model(name="web-0", namespace="shop", resource_version="1")))
    assert not made.has_seen(obj("shop/web-0", "2"))
    source.modify(obj("shop/web-0", phase="Running"))
    assert made.wait_until_seen(obj("shop/web-0", "2"), timeout=10)
    assert made.has_seen("2")
    # An object that was deleted since has been seen, too.
    source.delete(obj("shop/web-0"))
    assert made.wait_until_seen("3", timeout=10)
    assert made.has_seen(obj("shop/web-0", "2"))


def test_a_bookmark_shows_that_a_write_which_no_selector_selects_has_passed(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    written = obj("shop/hidden", "40")
    assert not made.has_seen(written)
    source.wait_for_watch().send(Bookmark("41"))
    assert made.wait_until_seen(written, timeout=10)


def test_a_deletion_that_was_answered_by_a_status_is_seen_when_the_object_has_gone(source: FakeSource[Obj]) -> None:
    pod = obj("shop/web-0")
    pod["metadata"]["uid"] = "first"
    source.modify(pod)
    with informer(source) as made:
        started(made)
        answer = status("web-0", "first")
        assert not made.has_seen(answer, namespace="shop")
        assert not made.has_seen(answer)
        source.delete(pod)
        assert made.wait_until_seen(answer, namespace="shop", timeout=10)
        assert made.has_seen(answer)
        pod["metadata"]["uid"] = "second"
        source.add(pod)
        made.wait_until("shop/web-0", lambda found: found is not None, timeout=10)
        assert made.has_seen(answer, namespace="shop")


def test_an_object_that_was_deleted_at_once_must_have_gone_though_its_version_is_an_old_one(
    source: FakeSource[Obj],
) -> None:
    pod = obj("shop/web-0")
    pod["metadata"]["uid"] = "first"
    source.modify(pod)
    answer = obj("shop/web-0", "2")
    answer["metadata"] |= {"uid": "first", "deletionTimestamp": "now", "deletionGracePeriodSeconds": 0}
    with informer(source) as made:
        started(made)
        assert made.has_seen("2")
        result = made.wait_until_seen(answer, timeout=0)
        assert not result
        assert "the cache still has shop/web-0, which was deleted" in str(result)
        source.delete(pod)
        assert made.wait_until_seen(answer, timeout=10)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (obj("shop/web-0", "not-a-number"), "a version like 'not-a-number' has no order"),
        (obj("shop/web-0"), "what the server answered has no resource version"),
        ({"kind": "Status", "metadata": {}}, "what the server answered has no resource version"),
    ],
)
def test_what_can_not_be_decided_is_said_at_once(made: SharedInformer[Obj], written: Obj, reason: str) -> None:
    result = made.wait_until_seen(written)
    assert result.sight is Sight.UNDECIDABLE
    assert str(result) == f"can't be decided: {reason}"
    assert not made.has_seen(written)


def test_a_version_that_is_not_a_number_is_seen_where_the_cache_has_just_that(source: FakeSource[Obj]) -> None:
    with informer(source) as made:
        started(made)
        source.wait_for_watch().send(Bookmark("opaque"))
        eventually(lambda: made.has_seen("opaque"))
        assert made.wait_until_seen("other").sight is Sight.UNDECIDABLE


@pytest.mark.parametrize("written", [None, 12, object(), "", {}])
def test_what_was_never_written_is_refused(made: SharedInformer[Obj], written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"what was written must be|must not be empty"):
        made.has_seen(written)


def test_a_namespace_that_is_not_the_object_s_is_refused(made: SharedInformer[Obj]) -> None:
    with pytest.raises(ConfigurationError, match="the object is of namespace 'shop', not of 'other'"):
        made.has_seen(obj("shop/web-0", "1"), namespace="other")


def test_each_namespace_has_a_version_of_its_own() -> None:
    sources = {name: FakeSource[Obj]() for name in ("a", "b")}
    for _ in range(5):
        sources["a"].add(obj("a/x"))
    with informer(sources) as made:
        assert made.resource_version_of("a") == ""
        started(made)
        assert (made.resource_version_of("a"), made.resource_version_of("b")) == ("5", "0")
        written = obj("b/x", "1")
        assert made.has_seen("1", namespace="a")
        assert not made.has_seen(written)
        sources["b"].add(written)
        assert made.wait_until_seen(written, timeout=10)
        for wrong in (lambda: made.has_seen("1"), lambda: made.resource_version_of(None)):
            with pytest.raises(ConfigurationError, match=r"follows single namespaces.*name one, with namespace="):
                wrong()
        elsewhere = made.wait_until_seen(obj("c/x", "1"))
        assert elsewhere.sight is Sight.STOPPED
        assert "does not follow namespace 'c'" in str(elsewhere)
        assert made.resource_version_of("c") == ""


def waiting(
    made: SharedInformer[Obj], wait: Callable[[], object], *, key: str = "", version: str = ""
) -> tuple[threading.Thread, list[object]]:
    """Begin a wait in a thread; return it once it waits, with the list that takes its result, or what it raised."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(wait())
        except Exception as error:  # noqa: BLE001  it is looked at
            results.append(error)

    thread = threading.Thread(target=run)
    observers = made._controller.observers
    before = observers.count
    thread.start()
    eventually(lambda: observers.count > before)
    return thread, results


def test_a_wait_ends_when_the_namespace_is_no_longer_followed_and_when_the_informer_is_stopped() -> None:
    with informer({name: FakeSource[Obj]() for name in ("a", "b")}) as made:
        started(made)
        thread, results = waiting(made, lambda: made.wait_until_seen("7", namespace="a"))
        other, raised = waiting(made, lambda: made.wait_until("a/x", lambda found: found))
        made.remove_namespace("a")
        thread.join(10)
        other.join(10)
        assert "does not follow namespace 'a'" in str(results[0])
        assert isinstance(raised[0], StoppedError)
        thread, results = waiting(made, lambda: made.wait_until_seen("7", namespace="b"))
        other, raised = waiting(made, lambda: made.wait_until("b/x", lambda found: found))
        made.stop()
        thread.join(10)
        other.join(10)
        assert str(results[0]) == "stopped: the informer of things has been stopped"
        assert isinstance(raised[0], StoppedError)
        assert "the informer of things has been stopped" in str(raised[0])


def test_a_wait_ends_when_the_namespace_is_no_longer_followed_though_the_informer_does_not_run() -> None:
    with informer({name: FakeSource[Obj]() for name in ("a", "b")}) as made:
        thread, results = waiting(made, lambda: made.wait_until_seen("7", namespace="a"))
        other, raised = waiting(made, lambda: made.wait_until("a/x", lambda found: found))
        made.remove_namespace("a")
        thread.join(10)
        other.join(10)
        assert "does not follow namespace 'a'" in str(results)
        assert isinstance(raised[0], StoppedError)


@pytest.mark.parametrize("what", ["an object that is gone", "a deletion that is seen"])
@pytest.mark.parametrize("moment", ["before the record is read", "when the objects have just left"])
def test_an_object_that_leaves_with_its_namespace_does_not_count_as_deleted(
    source: FakeSource[Obj], what: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = obj("shop/web-0")
    pod["metadata"]["uid"] = "first"
    source.modify(pod)
    with informer({"shop": source}) as made:
        started(made)
        lookout = made.lookout("shop/web-0", lambda pod: pod is None)
        sighting = made.sighting(status("web-0", "first"), namespace="shop")
        write, read = made._contents.write_locked, made.indexer.record
        found: list[object] = []

        def look() -> None:
            with suppress(StoppedError):
                found.append(lookout.look() if what == "an object that is gone" else bool(sighting.look()))

        def write_and_look(*arguments: Any) -> None:
            write(*arguments)
            look()

        def leave_and_read(key: str) -> Any:
            monkeypatch.undo()
            made.remove_namespace("shop")
            eventually(lambda: not len(made.indexer))
            return read(key)

        look()
        if moment == "before the record is read":
            monkeypatch.setattr(made.indexer, "record", leave_and_read)
            look()
        else:
            monkeypatch.setattr(made._contents, "write_locked", write_and_look)
            made.remove_namespace("shop")
            eventually(lambda: not len(made.indexer))
        assert not any(found)


def test_a_wait_for_an_object_of_a_saved_cache_ends_when_it_is_known_that_nothing_is_missing(
    source: FakeSource[Obj],
) -> None:
    saved = record("shop/web-0", "1", phase="Pending")
    with informer(source) as made:
        made.resume(Snapshot([saved], {None: source.resource_version}))
        thread, results = waiting(made, lambda: made.wait_until("shop/web-0", lambda pod: pod))
        made.start()
        thread.join(10)
        assert results == [saved.object()]


def test_a_wait_does_not_last_for_ever_where_the_server_was_put_back_to_a_backup(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    source.wait_for_watch().send(Bookmark("100"))
    assert made.wait_until_seen("100", timeout=10)
    thread, results = waiting(made, lambda: made.wait_until_seen("101"))
    source.forget_history()
    thread.join(10)
    assert str(results[0]) == (
        "can't be decided: the server's versions have gone back, to 1: a backup may have been restored"
    )
    # Whoever begins now waits for what is to come.
    assert made.wait_until_seen("2", timeout=0).sight is Sight.NOT_YET


@pytest.mark.parametrize("stop", [Signal, threading.Event])
def test_a_wait_ends_on_a_stop(made: SharedInformer[Obj], stop: Callable[[], Any]) -> None:
    ends = stop()
    thread, results = waiting(made, lambda: made.wait_until_seen("7", stop=ends))
    other, raised = waiting(made, lambda: made.wait_until("shop/web-0", lambda found: found is None, stop=ends))
    ends.set()
    thread.join(10)
    other.join(10)
    assert "the wait was stopped; the cache is at version 1, the write at 7" in str(results[0])
    assert str(raised[0]) == "the wait for things 'shop/web-0' was stopped: it is at version 1"


@pytest.mark.upstream("tools/watch/until_test.go", "TestUntilTimeout")
def test_a_wait_ends_when_its_time_is_over(source: FakeSource[Obj]) -> None:
    clock = FakeClock()
    with informer(source, clock=clock) as made:
        started(made)
        thread, results = waiting(made, lambda: made.wait_until_seen("7", timeout=5))
        other, raised = waiting(made, lambda: made.wait_until("shop/api", lambda found: found, timeout=5))
        clock.wait_for_waiters(2)
        clock.advance(5)
        thread.join(10)
        other.join(10)
        assert str(results[0]) == "not seen yet: not within 5 s; the cache is at version 1, the write at 7"
        assert isinstance(raised[0], WaitTimeoutError)
        assert str(raised[0]) == (
            "things 'shop/api' did not reach the wanted state within 5 s: there is no such object in the cache"
        )


@pytest.mark.upstream("tools/watch/until_test.go", "TestUntilWithSync", "TestUntilMultipleConditions")
def test_an_object_is_waited_for_until_a_predicate_holds_and_then_until_it_is_gone(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    found = made.wait_until("shop/web-0", lambda pod: pod and pod["phase"] == "Pending", timeout=10)
    assert found is not None
    thread, results = waiting(
        made, lambda: made.wait_until(ObjectName("shop", "web-0"), lambda pod: pod and pod["phase"] == "Running")
    )
    source.modify(obj("shop/web-0", phase="Running"))
    thread.join(10)
    assert results == [obj("shop/web-0", phase="Running")]
    thread, results = waiting(made, lambda: made.wait_until("shop/web-0", lambda pod: pod is None))
    source.delete(obj("shop/web-0"))
    thread.join(10)
    assert results == [None]


def test_an_unreadable_object_is_not_gone_until_it_is_deleted(source: FakeSource[Obj]) -> None:
    def refuse(thing: Obj) -> Obj:
        raise LookupError(thing["metadata"]["name"])

    source.add(obj("shop/web-1"))
    with informer(source, transform=refuse) as made:
        started(made)
        with pytest.raises(WaitTimeoutError, match="it is set aside: web-1"):
            made.wait_until("shop/web-1", lambda pod: pod is None, timeout=0)
        thread, results = waiting(made, lambda: made.wait_until("shop/web-1", lambda pod: pod is None))
        source.delete(obj("shop/web-1"))
        thread.join(10)
        assert results == [None]


def test_a_predicate_is_not_asked_before_it_is_known_whether_there_is_such_an_object(source: FakeSource[Obj]) -> None:
    with informer(source) as made:
        asked: list[Obj | None] = []
        with pytest.raises(WaitTimeoutError, match="the cache has not been listed"):
            made.wait_until("shop/web-0", asked.append, timeout=0)
        assert asked == []


@pytest.mark.upstream("tools/watch/until_test.go", "TestUntilErrorCondition")
def test_a_predicate_runs_in_the_thread_that_waits_under_no_lock_and_what_it_raises_ends_the_wait(
    made: SharedInformer[Obj],
) -> None:
    def predicate(pod: Obj | None) -> bool:
        assert threading.current_thread() is threading.main_thread()
        assert made.indexer.list() == [pod]
        made.add_indexers({"phase": lambda thing: [thing["phase"]]})
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        made.wait_until("shop/web-0", predicate)
    with pytest.raises(RuntimeError, match=r"the predicate .*<lambda> raised StopIteration"):
        made.wait_until("shop/web-0", lambda _: next(iter(())))
    assert made._controller.observers.count == 0


def test_wrong_arguments_of_a_wait_are_refused() -> None:
    with informer({"a": FakeSource[Obj]()}) as made:
        for wrong, message in [
            (lambda: made.wait_until("a/x", None), "predicate must be a function"),  # type: ignore[arg-type] # see above
            (lambda: made.wait_until("a/x", lambda: True), "predicate must be a function"),  # type: ignore[arg-type,misc] # likewise
            (lambda: made.wait_until("b/x", bool), "can't wait for 'b/x'.*does not follow namespace 'b'"),
            (lambda: made.wait_until("x", bool), "follows single namespaces"),
            (lambda: made.wait_until("a/b/x", bool), "unexpected key format"),
            (lambda: made.wait_until("a/x", bool, timeout=-1), "timeout must be"),
            (lambda: made.wait_until("a/x", bool, stop=7), "stop must have the methods"),  # type: ignore[arg-type] # likewise
            (lambda: made.wait_until_seen("1", namespace=7), "namespace must be a name"),  # type: ignore[arg-type] # likewise
            (lambda: made.on_progress(None), "callback must be"),  # type: ignore[arg-type] # likewise
            (lambda: made.on_progress(lambda _x: None), "callback must be"),  # type: ignore[arg-type,misc] # likewise
            (lambda: made.on_progress(lambda: None, key=7), "unexpected key format: 7"),  # type: ignore[arg-type] # likewise
        ]:
            with pytest.raises(ConfigurationError, match=message):
                wrong()


def test_progress_is_called_back_when_lists_changes_and_bookmarks_are_in_the_cache(source: FakeSource[Obj]) -> None:
    with informer(source) as made:
        versions: list[str] = []
        moved = threading.Condition()

        def note() -> None:
            with moved:
                versions.append(made.resource_version_of("shop"))
                moved.notify_all()

        def broken() -> None:
            raise ValueError("mine")

        made.on_progress(broken)
        remove = made.on_progress(note)
        started(made)
        source.modify(obj("shop/web-0"))
        watch = source.wait_for_watch()
        watch.send(Bookmark("9"))
        with moved:
            assert moved.wait_for(lambda: versions[-1:] == ["9"], 10)
        assert versions == ["1", "2", "9"]
        remove()
        watch.send(Bookmark("11"))
        assert made.wait_until_seen("11", timeout=10)
        assert versions == ["1", "2", "9"]


def test_a_thousand_waits_cost_a_step_of_the_cache_nothing_until_it_concerns_them(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    called: list[str] = []
    ends = [made.on_progress(lambda: called.append("other"), key=f"shop/other-{n}") for n in range(1000)]
    sightings = [made.sighting(str(1000 + n)) for n in range(1000)]
    ends += [sighting.subscribe(lambda: called.append("version")) for sighting in sightings]
    ends.append(made.on_progress(lambda: called.append("mine"), key="shop/web-0"))
    source.modify(obj("shop/web-0"))
    eventually(lambda: called)
    assert called == ["mine"]
    source.wait_for_watch().send(Bookmark("1002"))
    eventually(lambda: len(called) == 4)
    assert called == ["mine", "version", "version", "version"]
    assert sum(bool(sighting.look()) for sighting in sightings) == 3
    for end in ends:
        end()
        end()
    assert made._controller.observers.count == 0


def test_a_status_of_a_deletion_decides_nothing_for_a_cache_that_has_never_had_the_object(
    source: FakeSource[Obj], made: SharedInformer[Obj]
) -> None:
    pod = obj("shop/new")
    pod["metadata"]["uid"] = "new"
    result = made.wait_until_seen(status("new", "new"), namespace="shop")
    assert result.sight is Sight.UNDECIDABLE
    assert "the cache has not had the object so far" in str(result)
    # The cache comes to the creation later, and to the deletion after that.
    source.add(pod)
    source.delete(pod)
    assert made.wait_until_seen("3", timeout=10)
    assert made.has_seen(status("new", "new"), namespace="shop")


@pytest.mark.parametrize("wrong", [5, True, b"shop", ["shop"]])
def test_a_namespace_that_is_not_a_text_is_refused_by_whatever_takes_one(wrong: Any) -> None:
    with informer({"shop": FakeSource[Obj]()}) as made:
        calls: list[Callable[[Any], object]] = [
            made.has_listed,
            made.resource_version_of,
            made.sync_of,
            made.relist,
            made.remove_namespace,
            lambda namespace: made.add_namespace(namespace, FakeSource()),
            lambda namespace: made.has_seen("1", namespace=namespace),
            lambda namespace: made.indexer.list(namespace=namespace),
            lambda namespace: made.indexer.by_index("namespace", "shop", namespace=namespace),
        ]
        for call in calls:
            with pytest.raises(ConfigurationError, match=r"must be a (name, for example 'default'|string)"):
                call(wrong)

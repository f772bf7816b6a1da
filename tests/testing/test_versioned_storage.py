from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers.testing._store.versioned_storage import CompactedError, FutureVersionError, Storage, StoredRecord


def put(storage: Storage, key: str, **labels: str) -> StoredRecord:
    return storage.put("pods", lambda version: StoredRecord(key, version, b"{}", 0, labels, {}))


def remove(storage: Storage, key: str) -> StoredRecord:
    return storage.remove("pods", lambda version: StoredRecord(key, version, b"{}", 0, {}, {}))


def keys(storage: Storage, version: int | None = None, **options: object) -> list[str]:
    return [record.key for record in storage.page("pods", version=version, **options).records]


def test_each_write_has_a_version_of_its_own_over_all_collections() -> None:
    storage = Storage()
    first = put(storage, "a/x")
    other = storage.put("nodes", lambda version: StoredRecord("n", version, b"{}", 0, {}, {}))
    again = put(storage, "a/x")
    assert [first.version, other.version, again.version] == [2, 3, 4]
    assert storage.version == 4


def test_a_page_lists_keys_as_etcd_orders_them() -> None:
    storage = Storage()
    for key in ("a/z", "a-b/a", "b/a", "a/a"):
        put(storage, key)
    assert keys(storage) == ["a-b/a", "a/a", "a/z", "b/a"]
    assert keys(storage, namespace="a") == ["a/a", "a/z"]


def test_a_page_says_where_the_next_one_starts_and_how_many_are_left() -> None:
    storage = Storage()
    for number in range(5):
        put(storage, f"d/{number}")
    page = storage.page("pods", limit=2)
    assert (page.last_key, page.remaining) == ("d/1", 3)
    assert keys(storage, after=page.last_key, limit=3) == ["d/2", "d/3", "d/4"]
    assert storage.page("pods", after="d/1", limit=3).last_key == ""


def test_a_limit_counts_only_what_is_selected() -> None:
    storage = Storage()
    for number in range(6):
        put(storage, f"d/{number}", odd=str(number % 2))
    page = storage.page("pods", limit=2, matches=lambda record: record.labels["odd"] == "1")
    assert [record.key for record in page.records] == ["d/1", "d/3"]
    assert page.last_key == "d/3"


def test_an_older_version_shows_what_was_there_then() -> None:
    storage = Storage()
    put(storage, "d/a")
    put(storage, "d/b")
    then = storage.version
    remove(storage, "d/a")
    put(storage, "d/c")
    put(storage, "d/a")
    assert keys(storage) == ["d/a", "d/b", "d/c"]
    old = storage.page("pods", version=then)
    assert [(record.key, record.version) for record in old.records] == [("d/a", 2), ("d/b", 3)]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=40))
def test_every_version_in_the_window_can_be_read_again(writes: list[tuple[str, bool]]) -> None:
    storage = Storage()
    states = {storage.version: []}
    present: dict[str, int] = {}
    for name, is_put in writes:
        if is_put:
            present[f"d/{name}"] = put(storage, f"d/{name}").version
        elif f"d/{name}" in present:
            remove(storage, f"d/{name}")
            del present[f"d/{name}"]
        states[storage.version] = sorted(present.items())
    for version, expected in states.items():
        assert [(r.key, r.version) for r in storage.page("pods", version=version).records] == expected


def test_a_version_that_is_compacted_or_to_come_is_refused() -> None:
    storage = Storage()
    put(storage, "d/a")
    then = storage.version
    put(storage, "d/b")
    storage.compact()
    with pytest.raises(CompactedError) as compacted:
        storage.page("pods", version=then)
    assert compacted.value.oldest == storage.version
    with pytest.raises(CompactedError):
        storage.events("pods", then)
    with pytest.raises(FutureVersionError):
        storage.page("pods", version=storage.version + 1)


def test_a_compaction_takes_nothing_from_a_watch_that_has_followed() -> None:
    storage = Storage()
    put(storage, "d/a")
    then = storage.version
    put(storage, "d/b")
    storage.compact()
    assert [event.record.key for event in storage.events("pods", then, is_running=True)] == ["d/b"]


def test_the_history_is_bounded() -> None:
    storage = Storage(window=10)
    for number in range(100):
        put(storage, f"d/{number}")
    with pytest.raises(CompactedError):
        storage.events("pods", 2)
    with pytest.raises(CompactedError):
        storage.events("pods", 2, is_running=True)
    assert len(storage.events("pods", storage.version - 10)) == 10


def test_a_delete_is_an_event_with_a_version_of_its_own_and_the_last_state() -> None:
    storage = Storage()
    put(storage, "d/a", app="web")
    remove(storage, "d/a")
    added, deleted = storage.events("pods", 1)
    assert (added.type, deleted.type) == ("ADDED", "DELETED")
    assert deleted.record.version == 3
    assert deleted.previous is not None
    assert deleted.previous.labels == {"app": "web"}

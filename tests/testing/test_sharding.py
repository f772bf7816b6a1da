"""Shares of the objects, as the test server sends them: what the real one does with its feature ShardedListAndWatch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from informers import Shard
from informers.kinds import core
from informers.testing import APIServer
from informers.testing._http.status import Failure
from informers.testing._store.sharding import ShardSelector
from tests.testing.support import ALL_PODS, PODS, ask, pod, watching

HALVES = (Shard(0, of=2), Shard(1, of=2))
WHOLE = "shardRange(object.metadata.uid, '0x0000000000000000', '0x10000000000000000')"
LOW, HIGH = "'0x0000000000000000'", "'0x8000000000000000'"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
STREAMING = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

#: Selectors that the real server refuses, too.
REFUSALS = (
    " ",
    "uid",
    "object.metadata.uid",
    "other(object.metadata.uid)",
    "shardRange()",
    "shardRange(",
    f"shardRange(object.metadata.uid, {LOW})",
    f"shardRange({LOW}, {LOW}, {HIGH})",
    f"shardRange(metadata.uid, {LOW}, {HIGH})",
    f"shardRange(object.metadata.uid, low, {HIGH})",
    f"shardRange(object.metadata.uid, {LOW}, '8')",
    f"shardRange(object.metadata.uid, '0x0', {HIGH})",
    f"shardRange(object.metadata.uid, {LOW}, '0xA000000000000000')",
    f"shardRange(object.metadata.uid, {LOW}, '0x20000000000000000')",
    f"shardRange(object.metadata.uid, {HIGH}, {LOW})",
    f"shardRange(object.metadata.uid, {LOW}, {HIGH}) || shardRange(object.metadata.namespace, {LOW}, {HIGH})",
    f"{WHOLE} ||",
    f"{WHOLE}{WHOLE}",
)


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer(sharding=True) as server:
        for number in range(20):
            server.create(pod(f"p{number:02}"))
        yield server


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.json["items"]]


def share(server: APIServer, shard: Shard) -> list[str]:
    """Return the names of what belongs to a share."""
    return [item["metadata"]["name"] for item in server.list(core.V1.pods) if shard.has(item["metadata"]["uid"])]


def test_a_list_holds_the_share_and_says_of_which_selector(server: APIServer) -> None:
    answers = [ask(server, ALL_PODS, shardSelector=shard.selector) for shard in HALVES]
    assert [names(answer) for answer in answers] == [share(server, shard) for shard in HALVES]
    assert all(map(names, answers))
    assert [answer.json["metadata"]["shardInfo"] for answer in answers] == [
        {"selector": shard.selector} for shard in HALVES
    ]
    assert "shardInfo" not in ask(server, ALL_PODS).json["metadata"]


def test_pages_of_a_share_are_full_and_say_nothing_of_how_many_follow(server: APIServer) -> None:
    first = ask(server, PODS, limit=3, shardSelector=HALVES[0].selector)
    token = first.json["metadata"]["continue"]
    second = ask(server, PODS, limit=100, continue_=token, shardSelector=HALVES[0].selector)
    assert len(names(first)) == 3
    assert "remainingItemCount" not in first.json["metadata"]
    assert names(first) + names(second) == share(server, HALVES[0])


def test_ranges_add_up_and_other_selectors_narrow_them(server: APIServer) -> None:
    both = f" {HALVES[0].selector}||( {HALVES[1].selector.replace(', ', ' ,')} ) "
    answer = ask(server, ALL_PODS, shardSelector=both)
    assert len(names(answer)) == 20
    assert answer.json["metadata"]["shardInfo"]["selector"] == " || ".join(shard.selector for shard in HALVES)
    one = share(server, HALVES[0])[0]
    for shard, expected in zip(HALVES, ([one], []), strict=True):
        query = {"fieldSelector": f"metadata.name={one}", "shardSelector": shard.selector}
        assert names(ask(server, ALL_PODS, **query)) == expected


def test_a_share_may_be_of_namespaces(server: APIServer) -> None:
    server.create(pod("elsewhere", namespace="kube-system"))
    selectors = [f"shardRange(object.metadata.namespace, {low}, {high})" for low, high in
                 ((LOW, HIGH), (HIGH, "'0x10000000000000000'"))]  # fmt: skip
    shares = [names(ask(server, ALL_PODS, shardSelector=selector)) for selector in selectors]
    assert sorted(map(len, shares)) in ([0, 21], [1, 20])
    assert sorted(shares[0] + shares[1]) == sorted(names(ask(server, ALL_PODS)))


def test_a_list_of_metadata_is_shared_out_too_but_does_not_say_so(server: APIServer) -> None:
    answer = ask(server, ALL_PODS, headers={"Accept": METADATA}, shardSelector=HALVES[0].selector)
    assert names(answer) == share(server, HALVES[0])
    assert "shardInfo" not in answer.json["metadata"]


def test_a_watch_sends_the_share_of_the_state_and_of_what_happens(server: APIServer) -> None:
    with watching(server, shardSelector=HALVES[0].selector, **STREAMING) as watch:
        expected = share(server, HALVES[0])
        assert watch.short(len(expected) + 1) == [*(("ADDED", name) for name in expected), ("BOOKMARK", "")]
        for number in range(20):
            server.patch(core.V1.pods, f"p{number:02}", {"metadata": {"labels": {"x": "y"}}})
            server.delete(core.V1.pods, f"p{number:02}")
        told = watch.short(2 * len(expected))
    assert told == [(type_, name) for name in expected for type_ in ("MODIFIED", "DELETED")]


def test_without_the_feature_the_wish_is_overlooked() -> None:
    with APIServer() as server:
        server.create(pod("a"))
        for selector in (HALVES[0].selector, HALVES[1].selector, "nonsense"):
            answer = ask(server, ALL_PODS, shardSelector=selector)
            assert names(answer) == ["a"]
            assert "shardInfo" not in answer.json["metadata"]


@pytest.mark.parametrize("selector", REFUSALS)
def test_what_is_not_a_valid_selector_is_refused(selector: str) -> None:
    with pytest.raises(Failure, match="invalid shard selector: ") as caught:
        ShardSelector.parse(selector)
    assert caught.value.code == 500


@pytest.mark.parametrize("query", [{}, {"watch": "true"}], ids=["list", "watch"])
def test_a_refusal_is_an_answer_before_any_object(server: APIServer, query: dict[str, str]) -> None:
    answer = ask(server, ALL_PODS, shardSelector="uid", **query)
    assert answer.status == 500
    status = json.loads(answer.body)
    assert status.pop("message").startswith("invalid shard selector: ")
    assert status == {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 500}

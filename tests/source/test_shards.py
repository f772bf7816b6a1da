"""Shares of the objects: every object in exactly one, whether server or client does the sharing."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers import (
    ConfigurationError,
    DynamicSharedInformerFactory,
    KindOptions,
    ListWatch,
    Shard,
    SharedInformerFactory,
)
from informers.errors import DecodeError, ExpiredError
from informers.kinds import core
from informers.source.records import HeldRecord
from informers.source.shards import ShardedSource, fnv1a
from informers.source.watch_events import BadObject, Bookmark, Change, ChangeType, ErrorEvent, ListOptions, WatchEvent
from informers.testing import APIServer, FakeSource, RecordingHandler
from tests.testing.test_sharding import METADATA, REFUSALS
from tests.waiting import QUICK, eventually

if TYPE_CHECKING:
    from informers.testing.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
HALVES = (Shard(0, of=2), Shard(1, of=2))


@pytest.fixture
def server() -> Iterator[APIServer]:
    with APIServer() as running:
        yield running


@pytest.fixture(params=[False, True], ids=["the client shares out", "the server shares out"])
def either_server(request: pytest.FixtureRequest) -> Iterator[APIServer]:
    with APIServer(sharding=request.param) as running:
        yield running


def config_map(name: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "default"}}


def uid_in(shard: Shard) -> str:
    """Return a uid of a share."""
    return next(uid for number in range(1000) if shard.has(uid := str(uuid.UUID(int=number << 100))))


@pytest.mark.parametrize(
    ("text", "digits"),
    [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")],
)
def test_the_hash_is_that_of_the_server(text: str, digits: str) -> None:
    assert f"{fnv1a(text):016x}" == digits


def test_half_of_a_surrogate_pair_is_hashed_as_the_letter_that_go_reads_for_it() -> None:
    assert fnv1a("\ud800x") == fnv1a("\ufffdx")


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 40))
def test_every_uid_has_one_share_and_only_one(uid: str, of: int) -> None:
    assert sum(Shard(index, of=of).has(uid) for index in range(of)) == 1


@given(st.uuids(), st.integers(1, 40), st.data())
def test_a_share_has_what_its_selector_selects(uid: uuid.UUID, of: int, data: st.DataObject) -> None:
    shard = Shard(data.draw(st.integers(0, of - 1)), of=of)
    low, high = (int(text, 16) for text in shard.selector.split("'")[1::2])
    assert shard.has(str(uid)) == (low <= fnv1a(str(uid)) < high)


def test_the_selectors_of_all_shares_are_the_whole() -> None:
    edges = [shard.selector.split("'")[1::2] for shard in (Shard(index, of=3) for index in range(3))]
    assert edges[0][0] == "0x0000000000000000"
    assert edges[-1][1] == "0x10000000000000000"
    assert [high for _, high in edges[:-1]] == [low for low, _ in edges[1:]]


@pytest.mark.parametrize(("index", "of"), [(2, 2), (-1, 2), (0, 0), ("0", 2), (0, 2.0), (True, 2)])
def test_a_share_that_there_is_not_is_refused(index: Any, of: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"shard"):
        Shard(index, of=of)


def test_a_shard_must_be_one(server: APIServer) -> None:
    with pytest.raises(ConfigurationError, match=r"shard must be a Shard, for example Shard\(0, of=2\)"):
        SharedInformerFactory(server.client(), shard=0)  # type: ignore[arg-type]


def test_the_server_is_asked_for_the_share(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), shard=HALVES[0])
    _ = factory.core.v1.config_maps
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
    [watch] = server.requests.select(verb="watch", resource=core.V1.config_maps)
    assert watch.query["shardSelector"] == HALVES[0].selector


@pytest.mark.parametrize("sharding", [False, True], ids=["the client shares out", "the server shares out"])
@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "in pages"])
def test_two_factories_have_each_object_once(streaming: bool, sharding: bool) -> None:
    with APIServer(streaming_lists=streaming, sharding=sharding) as server:
        for number in range(40):
            server.create(config_map(f"m{number}"))
        factories = [SharedInformerFactory(server.client(), shard=shard) for shard in HALVES]
        handlers = [RecordingHandler[Any](), RecordingHandler[Any]()]
        for factory, handler in zip(factories, handlers, strict=True):
            factory.core.v1.config_maps.informer.add_event_handler(handler)
        with factories[0], factories[1]:
            for factory in factories:
                assert factory.wait_for_cache_sync(timeout=10)
            for number in range(40, 80):
                server.create(config_map(f"m{number}"))
            eventually(lambda: sum(len(handler.events) for handler in handlers) == 80)
            caches = [set(factory.core.v1.config_maps.informer.indexer.keys()) for factory in factories]
        assert not caches[0] & caches[1]
        assert caches[0] | caches[1] == {f"default/m{number}" for number in range(80)}
        assert 20 < len(caches[0]) < 60
        assert [len(handler.events) for handler in handlers] == [len(cache) for cache in caches]


def test_changes_and_deletions_come_to_the_share_alone(either_server: APIServer) -> None:
    server = either_server
    for number in range(10):
        server.create(config_map(f"m{number}"))
    factories = [SharedInformerFactory(server.client(), shard=shard) for shard in HALVES]
    handlers = [RecordingHandler[Any](), RecordingHandler[Any]()]
    for factory, handler in zip(factories, handlers, strict=True):
        factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factories[0], factories[1]:
        eventually(lambda: sum(len(handler.events) for handler in handlers) == 10)
        for number in range(10):
            server.patch(core.V1.config_maps, f"m{number}", {"data": {"k": "v"}})
            server.delete(core.V1.config_maps, f"m{number}")
        eventually(lambda: sum(len(handler.events) for handler in handlers) == 30)
    for handler in handlers:
        own = {event.key for event in handler.events}
        for key in own:
            assert [event.type for event in handler.events if event.key == key] == ["add", "update", "delete"]
    assert not {event.key for event in handlers[0].events} & {event.key for event in handlers[1].events}


def test_a_deletion_that_was_missed_is_delivered_in_the_share_that_had_the_object(either_server: APIServer) -> None:
    server = either_server
    for number in range(10):
        server.create(config_map(f"m{number}"))
    factories = [SharedInformerFactory(server.client(), shard=shard, options=QUICK) for shard in HALVES]
    handlers = [RecordingHandler[Any](), RecordingHandler[Any]()]
    for factory, handler in zip(factories, handlers, strict=True):
        factory.core.v1.config_maps.informer.add_event_handler(handler)
    with factories[0], factories[1]:
        eventually(lambda: sum(len(handler.events) for handler in handlers) == 10)
        server.stop_accepting()
        for number in range(10):
            server.delete(core.V1.config_maps, f"m{number}")
        server.compact()
        server.resume_accepting()
        eventually(lambda: sum(len(handler.events) for handler in handlers) == 20)
    for handler in handlers:
        adds, deletes = ({e.key for e in handler.events if e.type == kind} for kind in ("add", "delete"))
        assert adds == deletes


def test_a_server_that_shares_out_sends_nothing_that_the_client_would_drop() -> None:
    with APIServer(sharding=True) as server:
        for number in range(20):
            server.create(config_map(f"m{number}"))
        source = ListWatch[Any](server.client(), core.V1.config_maps)
        sent: list[str] = []
        for shard in HALVES:
            page = source.list(ListOptions(shard_selector=shard.selector))
            assert all(shard.has(record.uid) for record in page.records)
            sent += [record.key for record in page.records]
        source.close()
    assert sorted(sent) == sorted(f"default/m{number}" for number in range(20))


def test_an_object_that_is_made_again_moves_to_the_share_of_its_new_uid() -> None:
    source = FakeSource[Any]()
    shards = [ShardedSource(source, shard) for shard in HALVES]
    uids = [uid_in(shard) for shard in HALVES]
    before, after = ({"metadata": {"name": "m", "uid": uid, "resourceVersion": "1"}} for uid in uids)
    watches = [shard.watch(ListOptions(send_initial_events=True)) for shard in shards]
    streams = [watch.batches() for watch in watches]
    for stream in streams:
        assert [type(event) for event in next(stream)] == [Bookmark]
    source.add(before)
    source.delete(before)
    source.add(after)
    told: list[list[str]] = [[], []]
    for stream, own in zip(streams, told, strict=True):
        for _ in range(3):
            own += [event.type.value if isinstance(event, Change) else "BOOKMARK" for event in next(stream)]
    assert told == [["ADDED", "DELETED", "BOOKMARK"], ["BOOKMARK", "BOOKMARK", "ADDED"]]


def change(uid: str, version: str) -> Change[Any]:
    metadata = {"name": f"m{version}", "uid": uid, "resourceVersion": version}
    return Change(ChangeType.ADDED, HeldRecord({"metadata": metadata}))


def test_the_version_moves_on_past_what_belongs_elsewhere() -> None:
    own, other = (uid_in(shard) for shard in HALVES)
    bad, over = BadObject(DecodeError("no name")), ErrorEvent(ExpiredError("gone", code=410))
    source = FakeSource[Any]()
    watch = ShardedSource(source, HALVES[0]).watch(ListOptions(send_initial_events=True))
    stream = watch.batches()
    next(stream)

    def passed_on(*events: WatchEvent[Any]) -> list[str]:
        source.watches[0].send(*events)
        return [
            event.record.resource_version if isinstance(event, Change)
            else f"to {event.resource_version}" if isinstance(event, Bookmark)
            else type(event).__name__
            for event in next(stream)
        ]  # fmt: skip

    assert passed_on(change(other, "5")) == ["to 5"]
    assert passed_on(change(other, "6"), change(other, "7"), change(own, "8")) == ["8"]
    assert passed_on(change(own, "9"), change(other, "10")) == ["9", "to 10"]
    assert passed_on(change(other, "11"), bad) == ["to 11", "BadObject"]
    assert passed_on(change(other, "12"), over) == ["to 12", "ErrorEvent"]
    assert passed_on(change(other, "13"), Bookmark("14")) == ["to 14"]
    watch.close()


def test_a_watch_continues_from_the_version_of_an_object_of_another_shard(server: APIServer) -> None:
    factory = SharedInformerFactory(server.client(), shard=HALVES[0], options=QUICK)
    informer = factory.core.v1.config_maps.informer
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        for number in range(10):
            server.create(config_map(f"m{number}"))
        eventually(lambda: informer.last_sync_resource_version == server.resource_version)
        server.drop_connections()
        again = server.wait_for_request(
            lambda request: request.verb == "watch" and request.query.get("resourceVersion") == server.resource_version
        )
        assert again


def test_a_share_selects_as_its_source_does(server: APIServer) -> None:
    source = ListWatch[Any](server.client(), core.V1.config_maps, label_selector="app=api")
    share = ShardedSource(source, HALVES[0])
    share.list(ListOptions())

    def of(shard: Shard, app: str) -> dict[str, Any]:
        return {"metadata": {"name": "a", "uid": uid_in(shard), "labels": {"app": app}}}

    assert share.selects(of(HALVES[0], "api"))
    assert not share.selects(of(HALVES[0], "web"))
    assert not share.selects(of(HALVES[1], "api"))
    share.close()


def test_one_kind_may_be_shared_out_and_others_not(server: APIServer) -> None:
    for number in range(20):
        server.create(config_map(f"m{number}"))
        server.create({"kind": "Node", "apiVersion": "v1", "metadata": {"name": f"n{number}"}})
    own = {core.V1.config_maps: KindOptions(shard=HALVES[0])}
    factory = SharedInformerFactory(server.client(), overrides=own)
    maps, nodes = factory.core.v1.config_maps.informer, factory.core.v1.nodes.informer
    with factory:
        assert factory.wait_for_cache_sync(timeout=10)
        assert 0 < len(maps.indexer) < 20
        assert len(nodes.indexer) == 20


PROCESS = """
import json, sys
from kubernetes import config
from informers import DynamicSharedInformerFactory, Shard

config.load_kube_config(sys.argv[1])
factory = DynamicSharedInformerFactory(shard=Shard(int(sys.argv[2]), of=2))
maps = factory.for_resource("", "v1", "configmaps")
with factory:
    factory.wait_for_cache_sync(timeout=30).raise_if_unsynced()
    print(json.dumps(maps.informer.indexer.keys()))
"""


def test_two_processes_have_each_object_once(server: APIServer, tmp_path: Path) -> None:
    keys = {f"default/m{number}" for number in range(50)}
    for key in keys:
        server.create(config_map(key.partition("/")[2]))
    kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(kubeconfig), str(index)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for index in range(2)
    ]
    seen = [json.loads(process.communicate(timeout=50)[0]) for process in processes]
    assert all(seen)
    assert sorted(seen[0] + seen[1]) == sorted(keys)


@pytest.mark.real_apiserver
@pytest.mark.timeout(120)
def test_a_real_server_that_shares_out_sends_the_same_share() -> None:
    from informers.testing.controlplane import ControlPlane

    with ControlPlane(flags=["--feature-gates=ShardedListAndWatch=true"]) as plane:
        check_shares(plane, is_shared_by_server=True)
        check_words(plane)


def test_a_real_server_that_does_not_leaves_it_to_the_client(control_plane: ControlPlane) -> None:
    check_shares(control_plane, is_shared_by_server=False)


def check_words(plane: ControlPlane) -> None:
    """Hold the real server to what the embedded one does."""

    def ask(selector: str, accept: str = "application/json", **more: str) -> tuple[int, Any]:
        url = f"/api/v1/namespaces/shares/configmaps?{urlencode({'shardSelector': selector, **more})}"
        headers = {"Authorization": f"Bearer {plane.token()}", "Accept": accept}
        answer = plane.client().rest_client.pool_manager.request("GET", plane.url + url, headers=headers)
        return answer.status, answer.json()

    for selector in REFUSALS:
        for more in ({}, {"watch": "true"}):
            status, answer = ask(selector, **more)
            assert (selector, status, answer["message"][:24]) == (selector, 500, "invalid shard selector: ")
            assert "reason" not in answer
    first = ask(HALVES[0].selector, limit="3")[1]
    assert first["metadata"]["shardInfo"] == {"selector": HALVES[0].selector}
    assert len(first["items"]) == 3
    assert "remainingItemCount" not in first["metadata"]
    assert "shardInfo" not in ask(HALVES[0].selector, METADATA)[1]["metadata"]


def check_shares(plane: ControlPlane, *, is_shared_by_server: bool) -> None:
    from kubernetes import client

    api_client = plane.client()
    core_api = client.CoreV1Api(api_client)
    core_api.create_namespace({"metadata": {"name": "shares"}})
    for number in range(20):
        core_api.create_namespaced_config_map("shares", {"metadata": {"name": f"m{number}"}})
    factories = [DynamicSharedInformerFactory(api_client, namespace="shares", shard=shard) for shard in HALVES]
    handlers = [RecordingHandler[Any](), RecordingHandler[Any]()]
    for factory, handler in zip(factories, handlers, strict=True):
        factory.for_resource("", "v1", "configmaps").informer.add_event_handler(handler)
    with factories[0], factories[1]:
        for factory in factories:
            assert factory.wait_for_cache_sync(timeout=20)
        for number in range(20, 40):
            core_api.create_namespaced_config_map("shares", {"metadata": {"name": f"m{number}"}})
        eventually(lambda: sum(len(handler.events) for handler in handlers) >= 40)
    told = [[event.key for event in handler.events] for handler in handlers]
    assert all(told)
    assert sorted(told[0] + told[1]) == sorted(f"shares/m{number}" for number in range(40))
    source = ListWatch[Any](api_client, core.V1.config_maps, namespace="shares")
    page = source.list(ListOptions(shard_selector=HALVES[0].selector))
    source.close()
    assert (sorted(record.key for record in page.records) == sorted(told[0])) is is_shared_by_server

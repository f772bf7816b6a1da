"""The server dies, forgets, and comes back, while objects come, change and go."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable

import pytest
from urllib3.exceptions import HTTPError

from informers.errors import StatusError
from informers.kinds import core
from informers.testing.controlplane import ControlPlane
from tests.faults.proxy import Proxy, Reset
from tests.real.conftest import Space
from tests.real.follower import Follower

pytestmark = pytest.mark.timeout(120)
CONFIG_MAPS = core.V1.config_maps


class Writer:
    """Creates, changes and deletes ConfigMaps from its own thread, whether or not the server is there."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer")
        self.done = self.refused = 0

    def __enter__(self) -> Writer:  # noqa: PYI034  no subclass
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(1)
        while not self._end.wait(0.005):
            name = f"object-{chance.randrange(20)}"
            change: Callable[[], None] = chance.choice(
                [
                    lambda name=name: self._space.create(name),
                    lambda name=name: self._space.update(name, str(chance.random())),
                    lambda name=name: self._space.delete(name),
                ]
            )
            try:
                change()
                self.done += 1
            except StatusError:
                self.refused += 1  # there already, or not any more; or the server is not ready
            except HTTPError:
                self._end.wait(0.05)


def test_a_server_that_is_killed_and_started_again_is_followed_again(control_plane: ControlPlane, space: Space) -> None:
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name) as follower:
        follower.wait_until_whole()
        with Writer(space) as writer:
            for _ in range(2):
                before = writer.done
                while writer.done < before + 40:
                    threading.Event().wait(0.01)
                control_plane.kill_apiserver()
                follower.wait_for_error("waiting to try again")
                control_plane.restart_apiserver()
        follower.wait_until_whole()
        assert follower.failures


def test_an_etcd_that_is_restarted_causes_only_a_pause(control_plane: ControlPlane, space: Space) -> None:
    with Follower(control_plane, CONFIG_MAPS, namespace=space.name) as follower:
        follower.wait_until_whole()
        with Writer(space) as writer:
            while writer.done < 40:
                threading.Event().wait(0.01)
            control_plane.restart_etcd()
            before = writer.done
            while writer.done < before + 20:
                threading.Event().wait(0.01)
        follower.wait_until_whole()


def test_a_compaction_in_mid_watch_is_not_noticed_and_after_a_cut_deletions_are_delivered_as_tombstones(
    control_plane: ControlPlane, space: Space
) -> None:
    """Events, since the server reads them from etcd without a cache between."""
    path = f"/api/v1/namespaces/{space.name}/events"

    def create(name: str) -> None:
        about = {"kind": "Pod", "namespace": space.name, "name": "p"}
        event = {"metadata": {"name": name}, "involvedObject": about, "reason": "Test", "type": "Normal"}
        control_plane.request("POST", path, event)

    for name in ("doomed", "recreated", "kept"):
        create(name)
    port = int(control_plane.url.rpartition(":")[2])
    with Proxy(port) as proxy, contextlib.ExitStack() as stack:
        client = control_plane.client()
        client.configuration.host = f"https://127.0.0.1:{proxy.port}"
        follower = stack.enter_context(Follower(control_plane, core.V1.events, namespace=space.name, client=client))
        follower.wait_until_whole()
        control_plane.compact()
        create("after-a-compaction")
        follower.wait_until_whole()
        assert follower.failures == []
        proxy.strike(Reset())
        follower.wait_for_error("waiting")
        for name in ("doomed", "recreated"):
            control_plane.request("DELETE", f"{path}/{name}")
        create("recreated")
        control_plane.compact()
        proxy.heal()
        follower.wait_until_whole()
        types = {}
        for event in follower.history.events:
            types.setdefault(event.key.partition("/")[2], []).append(event.type)
        assert types == {
            "doomed": ["add", "tombstone"],
            "recreated": ["add", "tombstone", "add"],
            "kept": ["add"],
            "after-a-compaction": ["add"],
        }

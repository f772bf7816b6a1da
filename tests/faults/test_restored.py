"""A server that was put back to a backup has other objects at lower versions: a watch from a higher one is silent."""

from __future__ import annotations

from informers.kinds import core
from informers.testing import APIServer
from tests.faults.rig import BOOKMARKS, Rig


def test_two_watches_in_a_row_that_bring_nothing_are_followed_by_a_list() -> None:
    with Rig() as rig:
        rig.prepare()
        for _ in range(20):
            rig.update("first")
        rig.wait_until_whole()
        port = int(rig.server.url.rpartition(":")[2])
        rig.server.stop()
        with APIServer(port=port, bookmark_interval=BOOKMARKS) as restored:
            restored.create({"metadata": {"name": "old"}}, resource=core.V1.config_maps)
            rig.server = restored
            rig.wait_until_whole()
        assert [record.key for record in rig.informer.indexer.records()] == ["default/old"]
        assert [event.type for event in rig.history.events if event.key == "default/doomed"] == ["add", "tombstone"]

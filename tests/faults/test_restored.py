"""A server that was put back to a backup, or restarted, can't go on from the version of a watch."""

from __future__ import annotations

import attrs

from informers.kinds import core
from informers.testing import APIServer
from tests.faults.rig import BOOKMARKS, OPTIONS, Rig


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


def test_after_a_restart_a_list_in_pages_shows_the_present_and_not_a_version_that_no_watch_continues() -> None:
    with Rig(options=attrs.evolve(OPTIONS, streaming_lists=False, page_size=1)) as rig:
        rig.prepare()
        rig.server.stop_accepting()
        rig.change()
        rig.server.restart()
        rig.wait_until_whole()

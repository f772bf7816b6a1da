"""A kind without bookmarks that nobody writes: silence there is not the death of a watch.

The common run waits for seconds. `QUIET_SECONDS=600` waits for ten minutes, with the limits that factories have.
"""

from __future__ import annotations

import os
import threading

import pytest

from informers import ReflectorOptions
from informers.kinds import core
from informers.testing import ControlPlane
from tests.real.conftest import Space
from tests.real.follower import Follower

SECONDS = float(os.environ.get("QUIET_SECONDS", "4"))


@pytest.mark.timeout(SECONDS + 60)
def test_a_quiet_watch_of_events_is_neither_given_up_nor_doubted(control_plane: ControlPlane, space: Space) -> None:
    options = ReflectorOptions(min_watch_timeout=SECONDS + 60)
    follower = Follower(control_plane, core.V1.events, namespace=space.name, options=options, idle=SECONDS / 4)
    with follower:
        follower.wait_until_whole()
        (before,) = follower.informer.health().watches
        threading.Event().wait(SECONDS)
        (after,) = follower.informer.health().watches
        assert after.is_live
        assert (after.watches, after.lists, after.failures) == (before.watches, before.lists, before.failures)
        assert after.last_event_age is None
        involved = {"kind": "Pod", "namespace": space.name, "name": "web-0"}
        event = {"metadata": {"name": "web-0.1"}, "involvedObject": involved, "reason": "Started", "type": "Normal"}
        control_plane.request("POST", f"/api/v1/namespaces/{space.name}/events", event)
        follower.wait_until_whole()
        assert follower.informer.health().watches[0].watches == before.watches

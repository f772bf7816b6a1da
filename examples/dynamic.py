"""Prints what happens to the objects of resources that are named at run time.

    python dynamic.py v1/configmaps apps/v1/deployments example.com/v1/widgets

A resource that the server does not have yet is waited for, and what is wrong with it is printed.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from kubernetes import config
from kubernetes.client import ApiClient

from informers import DynamicSharedInformerFactory, ResourceEventHandlerFuncs, Signal, WatchFailure, object_key

Say = Callable[[str], object]


def parsed(name: str) -> tuple[str, str, str]:
    """Return group, version and plural of a text, for example `apps/v1/deployments`."""
    parts = name.split("/")
    if len(parts) not in {2, 3} or not all(parts):
        raise SystemExit(f"expected GROUP/VERSION/PLURAL, or VERSION/PLURAL of the core group: got {name}")
    group, version, plural = ["", *parts][-3:]
    return group, version, plural


def printer(say: Say, resource: str) -> ResourceEventHandlerFuncs[dict[str, Any]]:
    """Return a handler that says what happens."""

    def updated(old: dict[str, Any], new: dict[str, Any]) -> None:
        changed = sorted(field for field in {*old, *new} - {"metadata"} if old.get(field) != new.get(field))
        say(f"{resource} {object_key(new)} changed: {', '.join(changed) or 'metadata'}")

    return ResourceEventHandlerFuncs(
        on_add=lambda obj: say(f"{resource} {object_key(obj)} is there"),
        on_update=updated,
        on_delete=lambda obj: say(f"{resource} {object_key(obj)} is gone"),
    )


def run(api_client: ApiClient, names: Sequence[str], stop: Signal, say: Say = print) -> None:
    """Print until `stop` is set."""

    def failed(failure: WatchFailure) -> None:
        say(str(failure))

    factory = DynamicSharedInformerFactory(api_client, default_resync=0, watch_error_handler=failed)
    for name in names:
        kind = factory.for_resource(*parsed(name))
        kind.informer.add_event_handler(printer(say, str(kind.resource)))
    with factory:
        stop.wait()


if __name__ == "__main__":
    stop = Signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    load: Any = config.load_config
    try:
        load()
    except config.ConfigException as error:
        sys.exit(f"there is no usable kubeconfig (set KUBECONFIG), and this does not run in a pod: {error}")
    run(ApiClient(), sys.argv[1:] or ["v1/pods"], stop)

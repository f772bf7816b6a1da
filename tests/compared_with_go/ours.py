"""Plays a script to this library, as clientgo/main.go does to client-go."""

from __future__ import annotations

import threading
from typing import Any, final

import attrs

from informers import (
    DeletedFinalStateUnknown,
    DynamicSharedInformerFactory,
    FilteringResourceEventHandler,
    MetadataSharedInformerFactory,
    ReflectorOptions,
    SharedInformer,
    SharedInformerFactory,
)
from informers.cache.registration import Registration
from tests.compared_with_go.notifications import Notification, Outcome
from tests.compared_with_go.vocabulary import Handler, Script
from tests.waiting import QUICK

__all__ = ["play"]

#: Seconds after which nobody waits for a script's end any more.
_LIMIT = 30.0


def play(script: Script, url: str, options: ReflectorOptions = QUICK) -> Outcome:
    """Play a script; returns when it is over. Pauses after failures are short, if `options` do not say otherwise."""
    # Imported by whoever plays all: the client's imports go in circles, which two threads at once can't.
    from kubernetes.client import ApiClient, Configuration

    factories: dict[str, Any] = {
        "typed": SharedInformerFactory,
        "dynamic": DynamicSharedInformerFactory,
        "metadata": MetadataSharedInformerFactory,
    }
    with ApiClient(Configuration(host=url)) as api_client:
        factory = factories[script.client](
            api_client,
            script.resync,
            transform=_transform(script.transform_fails_on) if script.transform_fails_on else None,
            options=options,
        )
        kind = factory.core.v1.pods if script.client == "typed" else factory.for_resource("", "v1", "pods")
        return _Play(script, url, kind.informer).run()


def _transform(fails_on: str) -> Any:
    def transform(pod: Any) -> Any:
        if _metadata(pod)["name"] == fails_on:
            raise ValueError("the transform does not like this")
        return pod

    return transform


@final
class _Play:
    """A script under way."""

    def __init__(self, script: Script, url: str, informer: SharedInformer[Any]) -> None:
        self._script = script
        self._url = url
        self._informer = informer
        self._outcome = Outcome(outcome="it did not get to the end")
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._registrations: dict[str, Registration[Any]] = {}
        self._acted: set[str] = set()
        self._awaited: set[str] = set()
        self._has_resynced = False

    def run(self) -> Outcome:
        for handler in self._script.handlers:
            if not handler.late:
                self._add(handler)
        self._informer.start()
        try:
            self._over.wait(_LIMIT)
            with self._lock:
                registrations = dict(self._registrations)
            for registration in registrations.values():
                registration.synced.wait(0.0 if self._informer.is_stopped else 1.0)
            outcome = self._outcome
            outcome.synced = {name: registration.has_synced for name, registration in registrations.items()}
            outcome.cache = {record.key: record.resource_version for record in self._informer.indexer.records()}
            return outcome
        finally:
            self._informer.stop()

    def _add(self, handler: Handler) -> None:
        told: Any = _Told(self, handler)
        if handler.filters:
            told = FilteringResourceEventHandler(filter=_passes, handler=told)
        with self._lock:
            self._awaited.add(handler.name)
        registration = self._informer.add_event_handler(told, resync_period=handler.resync)
        with self._lock:
            self._registrations[handler.name] = registration

    def note(self, handler: Handler, notification: Notification, name: str) -> None:
        with self._lock:
            self._outcome.told.append(notification)
        if name and name == handler.raises_on:
            raise ValueError("the handler does not like this")
        if name == handler.resyncs and notification.kind == "UPDATED" and notification.old == notification.new:
            with self._lock:
                first, self._has_resynced = not self._has_resynced, True
            if first:
                self._proceed()
        if notification.kind == "ADDED" and name == "act":
            self._act(handler)
        elif notification.kind == "ADDED" and name == "end":
            with self._lock:
                self._awaited.discard(handler.name)
                is_over = not self._awaited
            if is_over:
                self._finish("the script ended")

    def _act(self, last: Handler) -> None:
        with self._lock:
            self._acted.add(last.name)
            if last.late or len(self._acted) < len(self._awaited):
                return
        for handler in self._script.handlers:
            if handler.late:
                self._add(handler)
            elif handler.removed:
                with self._lock:
                    registration = self._registrations.pop(handler.name)
                    self._awaited.discard(handler.name)
                self._informer.remove_event_handler(registration)
            elif handler.stops:
                self._informer.stop()
                self._finish("it was stopped")
                return
        self._proceed()

    def _finish(self, outcome: str) -> None:
        self._outcome.outcome = outcome
        self._over.set()

    def _proceed(self) -> None:
        import urllib3

        urllib3.request("POST", f"{self._url}/proceed", timeout=10)


@final
class _Told:
    """A handler: it writes down what it is told, and does what the script wants done at that."""

    def __init__(self, play: _Play, handler: Handler) -> None:
        self._play = play
        self._handler = handler

    def on_add(self, obj: Any, is_in_initial_list: bool, /) -> None:
        new = _metadata(obj)
        self._note("ADDED", new, new=new["version"], uid=new["uid"], initial=is_in_initial_list)

    def on_update(self, old: Any, new: Any, /) -> None:
        before, after = _metadata(old), _metadata(new)
        self._note(
            "UPDATED",
            after,
            old=before["version"],
            old_uid=before["uid"],
            new=after["version"],
            uid=after["uid"],
        )

    def on_delete(self, obj: Any, /) -> None:
        is_tombstone = isinstance(obj, DeletedFinalStateUnknown)
        # Where a transform fails on a deletion of what it has never let in, the key is all that there is.
        last = obj.obj or {"metadata": attrs.asdict(obj.name)} if is_tombstone else obj
        old = _metadata(last)
        self._note("DELETED", old, old=old["version"], old_uid=old["uid"], tombstone=is_tombstone)

    def _note(self, kind: str, metadata: dict[str, Any], **fields: Any) -> None:
        key = f"{metadata['namespace']}/{metadata['name']}" if metadata["namespace"] else metadata["name"]
        notification = Notification(handler=self._handler.name, kind=kind, key=key, **fields)
        self._play.note(self._handler, notification, metadata["name"])


def _metadata(obj: Any) -> dict[str, Any]:
    """Return what is looked at of an object's metadata: of a model, a mapping, or metadata alone."""
    if isinstance(obj, dict):
        found = obj["metadata"]
        names = ("name", "namespace", "resourceVersion", "uid")
        name, namespace, version, uid = (found.get(name) for name in names)
        labels = found.get("labels")
    else:
        found = obj.metadata
        name, namespace, version, uid = found.name, found.namespace, found.resource_version, found.uid
        labels = found.labels
    return {
        "name": name or "",
        "namespace": namespace or "",
        "version": version or "",
        "uid": uid or "",
        "labels": labels or {},
    }


def _passes(obj: Any) -> bool:
    return bool(_metadata(obj)["labels"].get("passes") != "no")

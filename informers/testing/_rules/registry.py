"""Writes: checks of objects, and the fields that the server sets.

Names, uids, generations, timestamps, finalizers, owners of fields, and the refusals.

Upstream: k8s.io/apiserver/pkg/registry/generic/registry/store.go and pkg/registry/rest (v0.37).
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import attrs

from informers._base.clock import Clock
from informers.testing._http import status as failures
from informers.testing._rules import managed_fields as ownership
from informers.testing._rules.admission import checked, complete, validate
from informers.testing._rules.defaults import with_defaults
from informers.testing._rules.deletions import DeleteOptions, grace_of, hold_for, is_held, is_let_go, mark
from informers.testing._rules.immutable_fields import check_unchanged
from informers.testing._rules.known_fields import FieldCheck, recognized
from informers.testing._rules.managed_fields import Writer
from informers.testing._rules.preconditions import (
    check_deletion,
    check_name,
    check_namespace,
    check_preconditions,
)
from informers.testing._rules.schemas import fitted
from informers.testing._store.documents import Json, decode, encode_body, is_same, mapping, sequence, timestamp
from informers.testing._store.served_resources import Served
from informers.testing._store.versioned_storage import Storage, StoredRecord, key_of

__all__ = ["Registry", "WriteOptions"]

#: Subresources whose writes change a part alone.
_PARTS = frozenset({"status", "ephemeralcontainers", "approval"})
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
#: Longer prefixes of generated names are cut, so that the name is valid for every kind.
_LONGEST_PREFIX = 58


@attrs.frozen
class WriteOptions:
    """Options of a write.

    Attributes:
        manager: field manager.
        subresource: for example `status`; empty for the object itself.
        is_dry_run: nothing is stored.
        is_inside: the write comes from the test itself: status is taken as given, and namespaces need not exist.
        force: for server-side apply.
        fields: how unknown fields are handled.
    """

    manager: str = "informers-testing"
    subresource: str = ""
    is_dry_run: bool = False
    is_inside: bool = False
    force: bool = False
    fields: FieldCheck = attrs.field(factory=FieldCheck)


@final
class Registry:
    """The server's rules for writes, above its storage.

    Args:
        storage: where objects go.
        clock: for timestamps.
        seed: of uids and generated names.
        on_write: called with each object written and whether it is gone, in the order of the writes and under the
            storage's lock.

    Thread safety: all methods may be called from any thread; a write is one step.
    """

    def __init__(
        self, storage: Storage, *, clock: Clock, seed: int, on_write: Callable[[Served, Json, bool], None]
    ) -> None:
        #: The default propagation policy of each resource; without one it is the general rule.
        self.policies: Mapping[str, str] = {}
        self._on_write = on_write
        self._storage = storage
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311  the same run gives the same names; nothing is secret

    def get(self, served: Served, namespace: str, name: str) -> Json:
        """Return an object.

        Raises:
            Failure: 404.
        """
        return load(served, self.record(served, namespace, name))

    def record(self, served: Served, namespace: str, name: str) -> StoredRecord:
        """Return an object as it is stored.

        Raises:
            Failure: 404.
        """
        record = self._storage.get(served.collection, key_of(namespace, name))
        if record is None:
            raise failures.not_found(served.resource, name)
        return record

    def create(self, served: Served, namespace: str, obj: Json, options: WriteOptions) -> StoredRecord:
        """Store a new object; return it.

        Raises:
            Failure: 404 for the namespace, 409, 422, 400.
        """
        obj = checked(served, namespace, obj)
        if not options.is_inside:
            obj = recognized(served, obj, options.fields)
        metadata = obj["metadata"]
        if metadata.get("resourceVersion"):
            raise failures.Failure("resourceVersion should not be set on objects to be created", code=500, reason="")
        with self._storage.lock:
            if not options.is_inside:
                check_namespace(served, namespace, metadata.get("name") or "", self._storage)
            if not metadata.get("name") and metadata.get("generateName"):
                suffix = "".join(self._random.choices(_SUFFIX_LETTERS, k=5))
                metadata["name"] = metadata["generateName"][:_LONGEST_PREFIX] + suffix
            validate(served, obj, is_inside=options.is_inside)
            if (there := self._storage.get(served.collection, key_of(namespace, metadata["name"]))) is not None:
                is_going = "deletionTimestamp" in decode(there.metadata)
                raise failures.already_exists(served.resource, metadata["name"], is_going=is_going)
            for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
                metadata.pop(field, None)
            metadata["uid"] = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            metadata["creationTimestamp"] = timestamp(self._clock.time())
            metadata.pop("generation", None)
            if served.has_generation:
                metadata["generation"] = 1
            if served.has_status and not options.is_inside:
                obj.pop("status", None)
            obj = with_defaults(served, fitted(served, obj, options.fields))
            # No manager owns what the server sets.
            ownership.record_write(_brought(served, obj, options), None, self._writer(served, options))
            complete(served, obj)
            return self._write_locked(served, obj, is_dry_run=options.is_dry_run)

    def update(
        self,
        served: Served,
        namespace: str,
        name: str,
        change: Callable[[Json], Json],
        options: WriteOptions,
    ) -> StoredRecord:
        """Store what `change` makes of an object; return it.

        Args:
            served: the resource.
            namespace: empty for what has none.
            name: of the object.
            change: gets the stored object, which it must not alter, and returns the wanted one.
            options: the write's.

        Raises:
            Failure: 404, 409, 422, 400, or what `change` raises.
        """
        with self._storage.lock:
            stored = self.record(served, namespace, name)
            old = load(served, stored)
            obj = change(old)
            check_name(obj, name)
            obj = checked(served, namespace, obj)
            if not options.is_inside:
                obj = recognized(served, obj, options.fields)
            check_preconditions(served, name, old, obj, is_inside=options.is_inside, is_patch=options.fields.is_patch)
            obj = self._settled(served, old, obj, options)
            owned = [sequence(each["metadata"].get("managedFields")) for each in (old, obj)]
            if owned[0] == owned[1] and is_same(_content(old), _content(obj)):
                return stored
            return self._write_locked(served, obj, is_dry_run=options.is_dry_run, is_gone=is_let_go(served, obj))

    def replace(
        self, served: Served, namespace: str, name: str, obj: Json, options: WriteOptions
    ) -> tuple[StoredRecord, bool]:
        """Store an object in the place of that name; return it, and whether it is new, which few kinds allow.

        Raises:
            Failure: those of `update` and `create`.
        """
        check_name(obj, name)
        with self._storage.lock:
            is_new = served.is_created_by_update and not options.subresource
            if is_new and self._storage.get(served.collection, key_of(namespace, name)) is None:
                metadata = {field: value for field, value in obj["metadata"].items() if field != "resourceVersion"}
                return self.create(served, namespace, {**obj, "metadata": metadata}, options), True
            return self.update(served, namespace, name, lambda _: obj, options), False

    def apply(
        self, served: Served, namespace: str, name: str, config: Json, options: WriteOptions
    ) -> tuple[StoredRecord, bool]:
        """Store an object with a configuration applied; return it, and whether it is new.

        Raises:
            Failure: 409 for fields that others own, 422, 400.
        """
        writer = self._writer(served, options, operation="Apply")
        metadata = mapping(config.get("metadata"))
        if metadata.get("managedFields"):
            raise failures.bad_request("metadata.managedFields must be nil")
        check_name(config, name)
        config = recognized(served, checked(served, namespace, config), options.fields)
        with self._storage.lock:
            if self._storage.get(served.collection, key_of(namespace, name)) is None:
                if options.subresource:
                    raise failures.not_found(served.resource, name)
                if metadata.get("uid"):
                    why = f"the provided object specified uid {metadata['uid']}, and no existing object was found"
                    raise failures.conflict(served.resource, name, f"uid mismatch: {why}")
                config["metadata"].pop("resourceVersion", None)
                created = load(served, self.create(served, namespace, config, attrs.evolve(options, is_dry_run=True)))
                ownership.record_apply(created, config, writer)
                return self._write_locked(served, created, is_dry_run=options.is_dry_run), True
            updated = self.update(
                served,
                namespace,
                name,
                lambda old: ownership.apply(old, config, writer, force=options.force),
                attrs.evolve(options, manager=""),
            )
            return updated, False

    def delete(self, served: Served, namespace: str, name: str, options: DeleteOptions) -> tuple[StoredRecord, bool]:
        """Remove an object, or mark it where finalizers or a node must let go of it first.

        Returns:
            The object, and whether it is gone.

        Raises:
            Failure: 404, 409.
        """
        now, is_dry_run = self._clock.time(), options.is_dry_run
        with self._storage.lock:
            stored = self.record(served, namespace, name)
            obj = load(served, stored)
            metadata = obj["metadata"]
            check_deletion(served, obj, options)
            grace = grace_of(served, obj, options)
            before = sequence(metadata.get("finalizers"))
            hold_for(metadata, options.propagation or self.policies.get(str(served.resource), ""))
            if not grace and not is_held(served, obj):
                if served.is_graceful and not options.is_inside:
                    # The real server marks before it removes.
                    mark(metadata, now=now, grace=grace)
                    self._write_locked(served, obj, is_dry_run=is_dry_run)
                return self._write_locked(served, obj, is_dry_run=is_dry_run, is_gone=True), True
            left = metadata.get("deletionGracePeriodSeconds")
            if not metadata.get("deletionTimestamp") or (left is not None and grace < left):
                mark(metadata, now=now, grace=grace)
                if str(served.resource) == "namespaces":
                    del metadata["deletionGracePeriodSeconds"]
                    obj["status"] = {**mapping(obj.get("status")), "phase": "Terminating"}
            elif metadata["finalizers"] == before:
                return stored, False
            return self._write_locked(served, obj, is_dry_run=is_dry_run), False

    def delete_all(self, served: Served, records: Iterable[StoredRecord], options: DeleteOptions) -> list[StoredRecord]:
        """Delete what a list has named, but for what went meanwhile; return it.

        Raises:
            Failure: 409.
        """
        deleted: list[StoredRecord] = []
        for record in records:
            namespace, _, name = record.key.rpartition("/")
            try:
                deleted.append(self.delete(served, namespace, name, options)[0])
            except failures.Failure as failure:
                if failure.code != 404:
                    raise
        return deleted

    def discard(self, served: Served, namespace: str, name: str) -> None:
        """Remove an object whatever holds it, as when its definition goes.

        Raises:
            Failure: 404.
        """
        with self._storage.lock:
            self._write_locked(served, self.get(served, namespace, name), is_dry_run=False, is_gone=True)

    def _writer(self, served: Served, options: WriteOptions, *, operation: str = "Update") -> Writer:
        now = timestamp(self._clock.time())
        return Writer(options.manager, operation, served.resource.api_version, now, options.subresource)

    def _settled(self, served: Served, old: Json, obj: Json, options: WriteOptions) -> Json:
        """Return the wanted object with what an update can't change put back."""
        was, metadata = old["metadata"], obj["metadata"]
        if options.subresource in _PARTS:
            labels = {field: metadata[field] for field in ("managedFields",) if field in metadata}
            obj = {**old, "metadata": {**was, **labels}, **_part(served, old, obj, options.subresource)}
            if obj.get("status") is None:
                obj.pop("status", None)
            metadata = obj["metadata"]
            if options.subresource == "approval":
                times = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), timestamp(self._clock.time()))
                conditions = sequence(obj["status"].get("conditions"))
                obj["status"]["conditions"] = [{**mapping(each), **times, **mapping(each)} for each in conditions]
        elif served.has_status and not options.is_inside:
            obj = {field: value for field, value in obj.items() if field != "status"}
            if "status" in old:
                obj["status"] = old["status"]
        for field in ("creationTimestamp", "generation", "resourceVersion"):
            metadata.pop(field, None)
            if field in was:
                metadata[field] = was[field]
        for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
            if field in was and metadata.get(field) is None:
                metadata[field] = was[field]
        validate(served, obj, is_inside=options.is_inside, old=old)
        obj = with_defaults(served, fitted(served, obj, options.fields), old)
        if not (options.is_inside or options.subresource):
            check_unchanged(served, obj, old)
        metadata = obj["metadata"]
        if served.has_generation and not is_same(_spec(served, old), _spec(served, obj)):
            metadata["generation"] = was.get("generation", 0) + 1
        # An apply has set managedFields already.
        if options.manager:
            ownership.record_write(obj, old, self._writer(served, options))
        return obj

    def _write_locked(self, served: Served, obj: Json, *, is_dry_run: bool, is_gone: bool = False) -> StoredRecord:
        if is_dry_run:
            return _record(served, obj, None)
        write = self._storage.remove if is_gone else self._storage.put
        record = write(served.collection, lambda version: _record(served, obj, version))
        self._on_write(served, obj, is_gone)
        return record


def _part(served: Served, old: Json, obj: Json, subresource: str) -> Json:
    """Return the part of a wanted object that a write of a subresource changes."""
    status, spec = mapping(obj.get("status")), mapping(obj.get("spec"))
    match subresource:
        case "ephemeralcontainers":
            return {"spec": {**mapping(old.get("spec")), "ephemeralContainers": spec.get("ephemeralContainers")}}
        case "approval":
            return {"status": {**mapping(old.get("status")), "conditions": status.get("conditions")}}
        case _:
            return {"status": obj.get("status") if served.is_custom else status}


def _brought(served: Served, obj: Json, options: WriteOptions) -> Json:
    """Return the part of a new object that its writer owns. An empty field of a built-in kind counts as missing."""
    return {
        field: value
        for field, value in obj.items()
        if (value != {} or served.is_custom) and (field != "status" or options.is_inside or not served.has_status)
    }


def load(served: Served, record: StoredRecord) -> Json:
    """Return a stored object as JSON."""
    obj: Json = decode(served.prefix() + record.body)
    return obj


def _record(served: Served, obj: Json, version: int | None) -> StoredRecord:
    metadata = obj["metadata"]
    if version is not None:
        metadata["resourceVersion"] = str(version)
    body, end = encode_body(obj, is_custom=served.is_custom)
    return StoredRecord(
        key_of(metadata.get("namespace", ""), metadata["name"]),
        version or 0,
        body,
        end,
        mapping(metadata.get("labels")),
        served.selectable(obj),
        metadata.get("uid", ""),
    )


def _content(obj: Json) -> Json:
    metadata = {f: v for f, v in obj["metadata"].items() if f not in {"managedFields", "resourceVersion"} and v}
    return {**obj, "metadata": metadata}


def _spec(served: Served, obj: Json) -> dict[str, Any]:
    """Return the part of an object whose changes increase its generation."""
    uncounted = {"metadata", "status"} if served.has_status else {"metadata"}
    spec = {field: value for field, value in obj.items() if field not in uncounted}
    # The labels of a slice say which service it is of.
    counts_labels = str(served.resource) == "endpointslices.discovery.k8s.io"
    return {**spec, "labels": mapping(obj["metadata"].get("labels"))} if counts_labels else spec

"""The contents of a file of saved caches, and the reasons to refuse it.

The first piece is JSON: the cluster, the time, and for each kind how it was listed and up to which versions. For
each kind there follow its codecs' dictionaries, its blocks (`informers.source._wire.record_blocks`) and an empty piece.

Upstream: none; client-go's caches end with their process.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import attrs

from informers._base.checks import name_of
from informers.cache._pipeline.deltas import Snapshot
from informers.cache.informer import SharedInformer
from informers.errors import (
    AlreadyStartedError,
    ConfigurationError,
    DecodeError,
    NotSyncedError,
    SourceError,
    StoppedError,
)
from informers.options import KindOptions
from informers.resources import Resource
from informers.selectors import FieldSelector, LabelSelector
from informers.snapshots.files import FormatError, read_pieces, write_pieces
from informers.source._bytes.codecs import codec_of
from informers.source._models.object_makers import Maker
from informers.source._models.partial_metadata import maker_of
from informers.source._transport.cluster_id import Cluster
from informers.source._wire.record_blocks import RecordReader, RecordWriter
from informers.source.records import Record

__all__ = ["CacheOfKind", "SnapshotResult", "load", "save"]

_log = logging.getLogger("informers.snapshots")

#: Seconds by which the clock of the writer may be ahead.
_AHEAD = 300.0


@final
@attrs.frozen
class SnapshotResult:
    """The result of saving or loading: true if it worked for every kind; as text, for which it did not, and why.

    Attributes:
        objects: number of objects of each saved or loaded kind.
        refused: the reasons, by kind, for kinds that were not saved or loaded; those are listed.
    """

    objects: Mapping[str, int]
    refused: Mapping[str, str]

    def __bool__(self) -> bool:
        return not self.refused

    def __str__(self) -> str:
        done = ", ".join(f"{count} {name}" for name, count in self.objects.items()) or "nothing"
        refused = "; ".join(f"{name}: {why}" for name, why in self.refused.items())
        return f"{done}; without {refused}" if refused else done


@final
@attrs.frozen(eq=False, kw_only=True)
class CacheOfKind:
    """One kind of a factory: its informer, and how it lists.

    Attributes:
        name: its name in messages.
        resource: the resource that it lists.
        informer: the informer with the cache.
        options: options of the kind, including the factory's.
        metadata_only: whether its objects are `PartialObjectMetadata`.
        revision: the user's version of the code that changes the objects.
    """

    name: str
    resource: Resource[Any]
    informer: SharedInformer[Any]
    options: KindOptions
    metadata_only: bool
    revision: str

    @property
    def path(self) -> str:
        """Identifies the resource, with its version."""
        return f"{self.resource.api_version}/{self.resource.plural}"

    def terms(self) -> dict[str, str]:
        """Return how its objects get into the cache, as texts; to load a cache, they must be the same as when saved.

        Raises:
            ConfigurationError: a function of the kind needs a revision.
        """
        options = self.options
        for name, function in (("transform", options.transform), ("tweak", options.tweak)):
            if function is not None and not self.revision:
                raise ConfigurationError(
                    f"it has a {name}, and a later one may do something else: give save() and load() a revision, "
                    f"for example the application's version, and change it whenever the {name} changes"
                )
        return {
            "resource": self.path,
            "objects": "metadata" if self.metadata_only else "whole",
            "label selector": str(LabelSelector.coerce(options.label_selector)),
            "field selector": str(FieldSelector.coerce(options.field_selector)),
            "managed fields": "dropped" if options.drop_managed_fields else "kept",
            "shard": str(options.shard or ""),
            "transform": "" if options.transform is None else name_of(options.transform),
            "tweak": "" if options.tweak is None else name_of(options.tweak),
            "revision": self.revision,
        }

    def maker(self) -> Maker[Any]:
        """Return the maker of its objects."""
        return maker_of(self.resource, metadata_only=self.metadata_only)


def save(path: Path, kinds: Sequence[CacheOfKind], *, cluster: Cluster, now: float) -> SnapshotResult:
    """Write the contents of caches.

    A cache that is incomplete, or can't be written, is left out. If all are left out, the file is unchanged.

    Args:
        path: the file.
        kinds: the kinds with the caches.
        cluster: the caches' cluster.
        now: seconds since the epoch.

    Raises:
        SnapshotError: the file can't be written.
    """
    objects: dict[str, int] = {}
    entries: list[dict[str, Any]] = []
    writers: list[RecordWriter] = []
    refused: dict[str, str] = {}
    for kind in kinds:
        try:
            terms = kind.terms()
            snapshot = kind.informer.snapshot()
            writer = RecordWriter(snapshot.records)
        except (ConfigurationError, NotSyncedError) as error:
            refused[kind.name] = str(error)
            continue
        objects[kind.name] = len(writer)
        writers.append(writer)
        entries.append(
            {
                "terms": terms,
                "versions": [[namespace, version] for namespace, version in snapshot.versions.items()],
                "objects": len(writer),
                "formats": [codec.name for codec in writer.codecs],
            }
        )
    if entries:
        header = {"cluster": attrs.asdict(cluster), "created": now, "kinds": entries}
        write_pieces(path, _pieces(header, writers))
    result = SnapshotResult(objects, refused)
    _tell("saved", path, result)
    return result


def _pieces(header: Mapping[str, Any], writers: Sequence[RecordWriter]) -> Iterator[bytes]:
    yield json.dumps(header).encode()
    for writer in writers:
        yield from (codec.dictionary for codec in writer.codecs)
        for heads, data in writer.blocks():
            yield heads
            yield data
        yield b""


def load(
    path: Path,
    kinds: Sequence[CacheOfKind],
    *,
    identify: Callable[[], Cluster],
    now: float,
    max_age: float | None,
) -> SnapshotResult:
    """Load saved caches into informers that have not been started.

    The whole file is read and checked before the first informer is changed.

    Args:
        path: the file.
        kinds: the kinds with the informers.
        identify: asks the cluster for its identity.
        now: seconds since the epoch.
        max_age: seconds after which a file counts as old; None for never.
    """
    objects: dict[str, int] = {}
    refused = {kind.name: f"the file {path} has nothing of it" for kind in kinds}
    level = logging.WARNING
    try:
        found = _read(path, kinds, refused, identify=identify, now=now, max_age=max_age)
    except FileNotFoundError:
        # This is the first time.
        level = logging.INFO
        refused = dict.fromkeys(refused, f"there is no file {path}")
    except OSError as error:
        refused = dict.fromkeys(refused, f"the file {path} can't be read: {error.strerror or error}")
    except FormatError as error:
        refused = dict.fromkeys(refused, f"the file {path} {error}")
    else:
        for kind, snapshot in found:
            try:
                kind.informer.resume(snapshot)
            except (ConfigurationError, AlreadyStartedError, StoppedError) as error:
                refused[kind.name] = str(error)
            else:
                del refused[kind.name]
                objects[kind.name] = len(snapshot.records)
    result = SnapshotResult(objects, refused)
    _tell("loaded", path, result, level)
    return result


def _read(
    path: Path,
    kinds: Sequence[CacheOfKind],
    refused: dict[str, str],
    *,
    identify: Callable[[], Cluster],
    now: float,
    max_age: float | None,
) -> list[tuple[CacheOfKind, Snapshot[Any]]]:
    """Return the saved cache of each kind; notes the reasons for the other kinds.

    Raises:
        FormatError: it is not valid.
        OSError: it can't be read.
    """
    wanted = {each.path: each for each in kinds}
    found: list[tuple[CacheOfKind, Snapshot[Any]]] = []
    with read_pieces(path) as pieces:
        try:
            header = json.loads(next(pieces))
            _check(header, identify=identify, now=now, max_age=max_age)
            for entry in header["kinds"]:
                kind = wanted.get(entry["terms"]["resource"])
                dictionaries = [next(pieces) for _ in entry["formats"]]
                reader: RecordReader[Any] | None = None
                if kind is not None:
                    try:
                        _check_terms(kind, entry["terms"])
                        codecs = [codec_of(*each) for each in zip(entry["formats"], dictionaries, strict=True)]
                        reader = RecordReader(kind.maker(), codecs)
                    except ConfigurationError as error:
                        refused[kind.name] = str(error)
                records: list[Record[Any]] = []
                while heads := next(pieces):
                    data = next(pieces)
                    if reader is not None:
                        records += reader.block(heads, data)
                if kind is not None and reader is not None:
                    if len(records) != entry["objects"]:
                        raise ValueError(f"{len(records)} objects, not {entry['objects']}")
                    found.append((kind, Snapshot(records, dict(entry["versions"]))))
        except FormatError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            # The checksum was right, so it was written like this.
            raise FormatError(f"is not a snapshot that can be read here: {error!r}") from error
    return found


def _check(header: Mapping[str, Any], *, identify: Callable[[], Cluster], now: float, max_age: float | None) -> None:
    age = now - float(header["created"])
    if age < -_AHEAD:
        raise FormatError(f"was written {-age:.0f} s from now: one of the clocks is wrong")
    if max_age is not None and age > max_age:
        raise FormatError(f"is too old: it was written {age:.0f} s ago, and max_age is {max_age:g} s")
    try:
        here = identify()
    except (SourceError, DecodeError) as error:
        raise FormatError(f"can't be matched to this cluster: its identity could not be read: {error}") from error
    difference = Cluster(**header["cluster"]).is_other(here)
    if difference:
        raise FormatError(f"is of another cluster: {difference}")


def _check_terms(kind: CacheOfKind, saved: Mapping[str, str]) -> None:
    """Refuse a saved cache that differs from what this informer would list."""
    here = kind.terms()
    differences = [
        f"{name} {saved.get(name, '')!r}, now {here.get(name, '')!r}"
        for name in {**here, **saved}
        if saved.get(name, "") != here.get(name, "")
    ]
    if differences:
        raise ConfigurationError(f"it was saved with another {', another '.join(differences)}")


def _tell(what: str, path: Path, result: SnapshotResult, level: int = logging.WARNING) -> None:
    if result.objects:
        counts = ", ".join(f"{count} {name}" for name, count in result.objects.items())
        _log.info("%s %s: %s", what, path, counts)
    for name, why in result.refused.items():
        _log.log(level, "%s was not %s: %s", name, what, why)

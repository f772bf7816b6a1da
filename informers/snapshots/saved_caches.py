"""What is in a file of saved caches, what of it is refused, and why.

The first piece says, as JSON, of which cluster and when, and of each kind how it was listed and up to which versions.
For each kind in turn there follow its formats' dictionaries, its blocks (`informers.source._wire.record_blocks`) and an
empty piece.

Upstream: none; client-go's caches end with their process.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, final

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
from informers.source._models.object_makers import Maker, maker
from informers.source._models.partial_metadata import PartialObjectMetadata
from informers.source._transport.cluster_id import Cluster
from informers.source._wire.record_blocks import RecordReader, RecordWriter
from informers.source.records import Record

__all__ = ["CacheOfKind", "SnapshotResult", "load", "save"]

_log = logging.getLogger("informers.snapshots")

#: Seconds by which the clock that a file was written by may be ahead.
_AHEAD = 300.0


@final
@attrs.frozen
class SnapshotResult:
    """What came of saving or loading: true if it was done for every kind; as text it says for which not, and why.

    Attributes:
        objects: of each kind that was saved or loaded, how many objects.
        refused: which kinds were not, and why; these are listed.
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
    """A factory's informer of one kind, and how it lists.

    Attributes:
        name: what messages call it.
        resource: what it lists.
        informer: whose cache it is.
        options: of the kind, the factory's among them.
        metadata_only: whether its objects are `PartialObjectMetadata`.
        revision: of the code that makes the objects what they are in the cache, as the user has it.
    """

    name: str
    resource: Resource[Any]
    informer: SharedInformer[Any]
    options: KindOptions
    metadata_only: bool
    revision: str

    @property
    def path(self) -> str:
        """What tells it from other resources, other versions of the same among them."""
        return f"{self.resource.api_version}/{self.resource.plural}"

    def terms(self) -> dict[str, str]:
        """Return under which terms its objects come into the cache, in words; those of two caches must be the same.

        Raises:
            ConfigurationError: they can't be told.
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
        """Return what makes its objects."""
        return cast("Maker[Any]", PartialObjectMetadata) if self.metadata_only else maker(self.resource)


def save(path: Path, kinds: Sequence[CacheOfKind], *, cluster: Cluster, now: float) -> SnapshotResult:
    """Write what caches hold.

    A cache that is not whole, or can't be written, is left out. Where all are, the file stays as it was.

    Args:
        path: of the file.
        kinds: whose caches.
        cluster: that they are of.
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
    """Give informers that have not been started what was saved of them.

    All of the file is read and found to be good before the first informer gets anything.

    Args:
        path: of the file.
        kinds: of the informers.
        identify: asks the cluster who it is.
        now: seconds since the epoch.
        max_age: seconds after which a file counts as old; None for never.
    """
    objects: dict[str, int] = {}
    refused = {kind.name: f"the file {path} has nothing of it" for kind in kinds}
    level = logging.WARNING
    try:
        found = _read(path, kinds, refused, identify=identify, now=now, max_age=max_age)
    except FileNotFoundError:
        # So it is the first time.
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
    """Return what a file has of each kind; notes why it has nothing of the others.

    Raises:
        FormatError: it can't be used.
        OSError: it can't be read.
    """
    wanted = {each.path: each for each in kinds}
    found: list[tuple[CacheOfKind, Snapshot[Any]]] = []
    with read_pieces(path) as pieces:
        try:
            header = json.loads(next(pieces))
            _check(header, identify=identify, now=now, max_age=max_age)
            for entry in header["kinds"]:
                terms: dict[str, str] = entry["terms"]
                kind = wanted.get(terms["resource"])
                difference = "" if kind is None else _difference(kind, terms)
                if kind is not None and difference:
                    refused[kind.name] = difference
                    kind = None
                try:
                    reader = _reader(pieces, kind, entry["formats"])
                except ConfigurationError as error:
                    reader = None
                    if kind is not None:
                        refused[kind.name] = str(error)
                        kind = None
                records = _records(pieces, reader)
                if kind is not None:
                    if len(records) != entry["objects"]:
                        raise ValueError(f"{len(records)} objects, not {entry['objects']}")
                    found.append((kind, Snapshot(records, dict(entry["versions"]))))
        except FormatError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            # The checksum was right, so this was written like that.
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
        raise FormatError(f"can't be told to be of this cluster, which did not say who it is: {error}") from error
    difference = Cluster(**header["cluster"]).is_other(here)
    if difference:
        raise FormatError(f"is of another cluster: {difference}")


def _difference(kind: CacheOfKind, saved: Mapping[str, str]) -> str:
    """Return in words why what was saved is not what this informer would list; empty if it is."""
    try:
        here = kind.terms()
    except ConfigurationError as error:
        return str(error)
    differences = [
        f"{name} {saved.get(name, '')!r}, now {here.get(name, '')!r}"
        for name in {**here, **saved}
        if saved.get(name, "") != here.get(name, "")
    ]
    return f"it was saved with another {', another '.join(differences)}" if differences else ""


def _reader(pieces: Iterator[bytes], kind: CacheOfKind | None, formats: Sequence[str]) -> RecordReader[Any] | None:
    """Return what reads one kind's records, from the pieces with its dictionaries; None where nobody wants them.

    Raises:
        ConfigurationError: what they are packed with is not installed.
    """
    dictionaries = [next(pieces) for _ in formats]
    if kind is None:
        return None
    return RecordReader(kind.maker(), [codec_of(*each) for each in zip(formats, dictionaries, strict=True)])


def _records(pieces: Iterator[bytes], reader: RecordReader[Any] | None) -> list[Record[Any]]:
    """Read one kind's pieces to their end; return its records, or none where nobody wants them."""
    records: list[Record[Any]] = []
    while True:
        heads = next(pieces)
        if not heads:
            return records
        data = next(pieces)
        if reader is not None:
            records += reader.block(heads, data)


def _tell(what: str, path: Path, result: SnapshotResult, level: int = logging.WARNING) -> None:
    if result.objects:
        counts = ", ".join(f"{count} {name}" for name, count in result.objects.items())
        _log.info("%s %s: %s", what, path, counts)
    for name, why in result.refused.items():
        _log.log(level, "%s was not %s: %s", name, what, why)

"""What the server sends, prepared once: whole HTTP bodies in files, chunk headers and all.

A server that only copies files to sockets is never what a client waits for. Each file is named for what it answers,
made in a directory of its own for each size, and kept between runs in the user's cache:

    list.json  list.json.gz    the whole list        pages-NNNNN.json[.gz]   its pages of 500
    initial.json               the streaming list    state.json              the same without its end bookmark
    burst-N.json               a burst of changes    steady.json             changes that carry their time of sending

The same state as custom resources, whose keys are sorted, is in files whose names begin with `custom-`; no changes.

The protobuf files for client-go (initial.pb, burst-N.pb, steady.pb) are made from these by client-go's own encoder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import corpus

PAGE = 500
CUSTOM_VERSION = "bench.example/v1"
BURSTS = ("metadata", "status", "everything")
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return *data* as one HTTP/1.1 chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def changed(number: int, pods: int, *, burst: int) -> tuple[int, int]:
    """Return which pod the burst's event *number* changes, and how often that pod has changed then."""
    return number * 7919 % pods, 1 + burst * 50 + number // pods


def prepare(cache: Path, *, pods: int, events: int, steady: int) -> Path:
    """Return the directory with everything for so many pods and events, made now if it is not there."""
    sources = b"".join(Path(module).read_bytes() for module in (corpus.__file__, __file__))
    target = cache / f"pods-{pods}-{events}-{steady}-{hashlib.sha256(sources).hexdigest()[:10]}"
    if target.exists():
        return target
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _bake(partial, pods=pods, events=events, steady=steady)
    if events:
        _bake_custom(partial, pods=pods)
    partial.rename(target)
    return target


def _bake_custom(folder: Path, *, pods: int) -> None:
    first, last = corpus.FIRST_VERSION, corpus.FIRST_VERSION + pods
    items: list[bytes] = []
    for number in range(pods):
        pod = json.loads(corpus.typed(corpus.pod(number, version=first + number)))
        items.append(_sorted({**pod, "kind": "Widget", "apiVersion": CUSTOM_VERSION}))
    bookmark = json.loads(_bookmark(last)) | {"kind": "Widget", "apiVersion": CUSTOM_VERSION}
    with (folder / "custom-initial.json").open("wb") as initial, (folder / "custom-state.json").open("wb") as state:
        for item in items:
            line = chunk(b'{"type":"ADDED","object":%b}\n' % item)
            initial.write(line)
            state.write(line)
        initial.write(chunk(b'{"type":"BOOKMARK","object":%b}\n' % _sorted(bookmark)))
    _write_sorted_list(folder / "custom-list.json", items, {"resourceVersion": str(last)})
    for at in range(0, pods, PAGE):
        rest = pods - at - PAGE
        following = {"continue": f"page-{at // PAGE + 1}", "remainingItemCount": rest} if rest > 0 else {}
        metadata = {**following, "resourceVersion": str(last)}
        _write_sorted_list(folder / f"custom-pages-{at // PAGE:05d}.json", items[at : at + PAGE], metadata)


def _sorted(mapping: object) -> bytes:
    return json.dumps(mapping, separators=(",", ":"), sort_keys=True).encode()


def _write_sorted_list(path: Path, items: Iterable[bytes], metadata: dict[str, object]) -> None:
    head = b'{"apiVersion":"%b","items":[' % CUSTOM_VERSION.encode()
    _write_pieces(path, _list_pieces(head, items, b'],"kind":"WidgetList","metadata":%b}\n' % _sorted(metadata)))


def _bake(folder: Path, *, pods: int, events: int, steady: int) -> None:
    first = corpus.FIRST_VERSION
    last = first + pods
    names: set[bytes] = set()
    with (folder / "initial.json").open("wb") as initial, (folder / "state.json").open("wb") as state:
        for number in range(pods):
            pod = corpus.pod(number, version=first + number)
            names.add(pod[: pod.index(b',"uid"')])
            item = corpus.typed(pod)
            line = chunk(b'{"type":"ADDED","object":%b}\n' % item)
            initial.write(line)
            state.write(line)
        initial.write(chunk(b'{"type":"BOOKMARK","object":%b}\n' % _bookmark(last)))
    if len(names) != pods:  # a cache would hold fewer than are waited for
        raise ValueError(f"{pods} pods have only {len(names)} names")
    items = (corpus.pod(number, version=first + number) for number in range(pods))
    _write_list(folder / "list.json", items, last)
    for at in range(0, pods, PAGE):
        page = (corpus.pod(number, version=first + number) for number in range(at, min(pods, at + PAGE)))
        rest = pods - at - PAGE
        _write_list(
            folder / f"pages-{at // PAGE:05d}.json", page, last, token=at // PAGE + 1 if rest > 0 else 0, rest=rest
        )
    version = last
    for burst in range(len(BURSTS)):
        with (folder / f"burst-{burst}.json").open("wb") as out:
            for number in range(events):
                version += 1
                which, change = changed(number, pods, burst=burst)
                item = corpus.typed(corpus.pod(which, version=version, change=change))
                out.write(chunk(b'{"type":"MODIFIED","object":%b}\n' % item))
    with (folder / "steady.json").open("wb") as out:
        for number in range(steady):
            version += 1
            which, change = changed(number, pods, burst=len(BURSTS))
            sent = corpus.SENT_PLACEHOLDER.decode()
            item = corpus.typed(corpus.pod(which, version=version, change=change, sent=sent))
            out.write(chunk(b'{"type":"MODIFIED","object":%b}\n' % item))


def _bookmark(version: int) -> bytes:
    pod = {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(version), "annotations": {"k8s.io/initial-events-end": "true"}},
        "spec": {"containers": None},
        "status": {},
    }
    return json.dumps(pod, separators=(",", ":")).encode()


def _write_list(path: Path, items: Iterable[bytes], version: int, *, token: int = 0, rest: int = 0) -> None:
    meta = {"resourceVersion": str(version)} | (
        {"continue": f"page-{token}", "remainingItemCount": rest} if token else {}
    )
    head = (
        b'{"kind":"PodList","apiVersion":"v1","metadata":%b,"items":['
        % json.dumps(meta, separators=(",", ":")).encode()
    )
    _write_pieces(path, _list_pieces(head, items, b"]}\n"))


def _write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    squeeze = zlib.compressobj(1, wbits=31)  # as the API server does it: gzip, level 1
    with path.open("wb") as plain, path.with_name(path.name + ".gz").open("wb") as squeezed:
        for piece in pieces:
            plain.write(chunk(piece))
            if data := squeeze.compress(piece):
                squeezed.write(chunk(data))
        plain.write(END)
        squeezed.write(chunk(squeeze.flush()) + END)


def _list_pieces(head: bytes, items: Iterable[bytes], tail: bytes) -> Iterator[bytes]:
    for at, item in enumerate(items):
        yield (b"," if at else head) + item
    yield tail

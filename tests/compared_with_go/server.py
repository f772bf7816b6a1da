"""A server on loopback that plays scripts to many clients at once, all in one thread."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final
from urllib.parse import parse_qs, urlsplit

import attrs

from tests.compared_with_go.vocabulary import (
    Answer,
    Items,
    Line,
    Proceed,
    Raw,
    Reset,
    Script,
    Status,
    Stream,
    Then,
)
from tests.listening import Listener

__all__ = ["ScriptedServer", "serving"]

_NO_STREAMS = Status(422, "Invalid", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch")
_PARTIAL = "PartialObjectMetadata"


@attrs.define
class _Performance:
    """A script, played to one client."""

    script: Script
    requests: list[str] = attrs.field(factory=list)
    asked: dict[str, int] = attrs.field(factory=dict)
    proceed: asyncio.Event = attrs.field(factory=asyncio.Event)
    #: When the first request came, and when the last object was sent, by the loop's time; None if not yet.
    began: float | None = None
    ended: float | None = None

    def answer(self, query: dict[str, str]) -> Answer:
        verb, answers = "list", self.script.lists
        if query.get("watch") in {"1", "true"}:
            streaming = query.get("sendInitialEvents") == "true"
            verb, answers = ("stream", self.script.streams) if streaming else ("watch", self.script.watches)
            if streaming and not answers:
                # Whoever asks for the first time can't know; how often that is done is for one script to see.
                return _NO_STREAMS
        self.requests.append(_told(verb, query))
        count = self.asked[verb] = self.asked.get(verb, 0) + 1
        if not answers:
            return Status(500, "InternalError", f"the script has no {verb}")
        return answers[min(count, len(answers)) - 1]


def _told(verb: str, query: dict[str, str]) -> str:
    """Return a request as the comparison shows it, for example `list@0/500`."""
    token, limit = query.get("continue"), query.get("limit", "0")
    where = f" {token}" if token else f"@{query.get('resourceVersion', '')}"
    return f"{verb}{where}" + (f"/{limit}" if limit != "0" else "")


@final
class ScriptedServer:
    """Plays every script to every client that comes to the script's URL."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = scripts
        self._performances: dict[str, _Performance] = {}
        self._loop = asyncio.new_event_loop()
        self._port = 0

    def url(self, client: str, script: Script) -> str:
        """Return where a client finds a script."""
        return f"http://127.0.0.1:{self._port}{self._place(client, script)}"

    def requests(self, client: str, script: Script) -> list[str]:
        """Return what a client has asked for."""
        performance = self._performances.get(self._place(client, script))
        return list(performance.requests) if performance else []

    def seconds(self, client: str, script: Script) -> float | None:
        """Return how long it took from a client's first request to the script's last object; None if it never came."""
        performance = self._performances.get(self._place(client, script))
        if performance is None or performance.began is None or performance.ended is None:
            return None
        return performance.ended - performance.began

    def _place(self, client: str, script: Script) -> str:
        return f"/{client}/{self._scripts.index(script)}"

    def run(self, started: threading.Event) -> None:
        """Serve until `stop`."""
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._run(started))
        self._loop.close()

    async def _run(self, started: threading.Event) -> None:
        self._task = asyncio.current_task()
        listener = Listener(self._serve)
        self._port = listener.port
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await listener.close()

    def stop(self) -> None:
        """End every connection; from another thread."""
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        url = urlsplit(head.split(" ", 2)[1])
        _, client, number, rest = url.path.split("/", 3)
        place = f"/{client}/{number}"
        performance = self._performances.setdefault(place, _Performance(self._scripts[int(number)]))
        if rest == "proceed":
            performance.proceed.set()
            await _send(writer, b"{}")
            return
        if performance.began is None:
            performance.began = self._loop.time()
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        answer = performance.answer(query)
        is_partial = _PARTIAL in head
        if isinstance(answer, Reset):
            writer.transport.abort()
        elif isinstance(answer, Status):
            await _send(writer, _encode(answer.body()), code=answer.code, retry_after=answer.retry_after)
        elif isinstance(answer, Raw):
            await _send(writer, answer.body)
        elif isinstance(answer, Items):
            await _send(writer, _encode(_partial_list(answer.body()) if is_partial else answer.body()))
        else:
            await _stream(reader, writer, answer, performance, is_partial=is_partial)


async def _send(writer: asyncio.StreamWriter, body: bytes, *, code: int = 200, retry_after: int = 0) -> None:
    head = f"HTTP/1.1 {code} Scripted\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    if retry_after:
        head += f"Retry-After: {retry_after}\r\n"
    # No connection is used twice, or net/http would try again by itself what came to nothing on an old one.
    writer.write((head + "Connection: close\r\n\r\n").encode() + body)
    await writer.drain()


async def _stream(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    stream: Stream,
    performance: _Performance,
    *,
    is_partial: bool,
) -> None:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode())
    for line in stream.lines:
        if isinstance(line, Proceed):
            await performance.proceed.wait()
            performance.proceed.clear()
        else:
            data = _line(line, is_partial=is_partial)
            if performance.ended is None and isinstance(line, dict) and _name(line) == "end":
                performance.ended = asyncio.get_running_loop().time()
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
    if stream.then is Then.HOLD:
        await reader.read()
    elif stream.then is Then.END:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _line(line: Line, *, is_partial: bool) -> bytes:
    if isinstance(line, bytes):
        return line
    assert isinstance(line, dict)
    if is_partial and line["type"] != "ERROR":
        line = {**line, "object": _partial(line["object"])}
    return _encode(line) + b"\n"


def _name(line: dict[str, Any]) -> str:
    name: str = line["object"].get("metadata", {}).get("name", "")
    return name


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _partial(obj: dict[str, Any]) -> dict[str, Any]:
    return {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _partial_list(body: dict[str, Any]) -> dict[str, Any]:
    items = [_partial(item) for item in body["items"]]
    return {**body, "kind": f"{_PARTIAL}List", "apiVersion": "meta.k8s.io/v1", "items": items}


@contextmanager
def serving(scripts: Sequence[Script]) -> Iterator[ScriptedServer]:
    """Run a server."""
    server, started = ScriptedServer(scripts), threading.Event()
    thread = threading.Thread(target=server.run, args=(started,), name="scripted-server")
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)

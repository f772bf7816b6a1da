"""How soon a cache is whole again after a definition was updated on a real kube-apiserver, with client-go and here.

The server ends all watches of the kind, answers some requests with 429 or not at all, and has forgotten the history
then.

`python -m tests.compared_with_go.definition_updates` writes what it measures into `definition_updates.json`, which the
page shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from informers import DynamicSharedInformerFactory, ReflectorOptions, ResourceEventHandlerFuncs
from informers.errors import StatusError
from informers.testing import ControlPlane
from tests.compared_with_go.program import program
from tests.listening import Listener
from tests.widgets import WIDGETS, definition, widget

__all__ = ["MEASURED", "Pair", "measure", "measured"]

MEASURED = Path(__file__).with_name("definition_updates.json")
UPDATES = 6
#: Seconds between updates: a watch that lasts so long has worked.
_BETWEEN = 6.0
#: Seconds that a cache may take; client-go's pauses grow with each update.
_LIMIT = 90.0
#: The path that the program asks for, and what it stands for here.
_PODS, _WIDGETS = b"/api/v1/pods", b"/apis/example.com/v1/widgets"
_CLIENT_GO, _OURS = "client-go", "here"

#: Seconds until client-go's cache was whole again, and ours.
Pair = tuple[float, float]


@final
class _Notes:
    """When each side saw an object, and how many watches of each have ended."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.seen: dict[str, dict[str, float]] = {_CLIENT_GO: {}, _OURS: {}}
        self.ended: dict[str, int] = defaultdict(int)

    def note_object(self, side: str, name: str) -> None:
        with self.changed:
            self.seen[side][name] = time.monotonic()
            self.changed.notify_all()

    def note_end(self, side: str) -> None:
        with self.changed:
            self.ended[side] += 1
            self.changed.notify_all()

    def wait_for_object(self, name: str) -> Pair:
        with self.changed:
            assert self.changed.wait_for(lambda: all(name in names for names in self.seen.values()), _LIMIT), self.seen
            return self.seen[_CLIENT_GO][name], self.seen[_OURS][name]

    def wait_for_ends(self, before: dict[str, int]) -> None:
        with self.changed:
            sides = self.seen
            is_over = self.changed.wait_for(lambda: all(self.ended[side] > before[side] for side in sides), _LIMIT)
            assert is_over, "the server did not end the watches"


@final
class _Front:
    """A server without TLS in front of the real one: the program knows no credentials, and asks for pods."""

    def __init__(self, plane: ControlPlane, notes: _Notes) -> None:
        self._port = int(plane.url.rpartition(":")[2])
        self._token = plane.token()
        self._notes = notes
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), name="front")
        self.url = ""

    def __enter__(self) -> _Front:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        self._loop.close()

    async def _run(self) -> None:
        self._end = asyncio.Event()
        listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{listener.port}"
        self._started.set()
        await self._end.wait()
        await listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one request, and end the connection with the answer."""
        first, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        side = _CLIENT_GO if _PODS in first else _OURS
        kept = [header for header in headers if not header.lower().startswith((b"host:", b"connection:"))]
        added = [b"Host: kubernetes", b"Connection: close", b"Authorization: Bearer " + self._token.encode()]
        answer, request = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        try:
            request.write(b"\r\n".join([first.replace(_PODS, _WIDGETS), *added, *kept]))
            with contextlib.suppress(OSError):
                while data := await answer.read(1 << 16):
                    writer.write(data)
                    await writer.drain()
        finally:
            # At once: what is closed in good order needs an answer first.
            request.transport.abort()
            writer.close()
            self._notes.note_end(side)


@contextlib.contextmanager
def _client_go(url: str, notes: _Notes) -> Iterator[None]:
    script = {"name": "definitions", "url": url, "client": "dynamic", "handlers": [{"name": "one"}], "limit": 3600}

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            if told.get("kind") == "ADDED":
                notes.note_object(_CLIENT_GO, told["key"].rpartition("/")[2])

    with subprocess.Popen([str(program())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps([script]))
        process.stdin.close()
        reader = threading.Thread(target=read, name="client-go")
        reader.start()
        try:
            yield
        finally:
            process.kill()
            reader.join(10)


@contextlib.contextmanager
def _ours(url: str, notes: _Notes) -> Iterator[None]:
    from kubernetes.client import ApiClient, Configuration

    # Of the jitter of pauses the middle is taken, so that it is no matter of chance.
    options = ReflectorOptions(uniform=lambda low, high: (low + high) / 2)
    with (
        ApiClient(Configuration(host=url)) as api_client,
        DynamicSharedInformerFactory(api_client, options=options) as factory,
    ):
        handler = ResourceEventHandlerFuncs(on_add=lambda obj: notes.note_object(_OURS, obj["metadata"]["name"]))
        factory.for_resource(WIDGETS).informer.add_event_handler(handler)
        factory.start()
        yield


def measure(plane: ControlPlane, *, updates: int = UPDATES) -> list[Pair]:
    """Update a definition some times, with both informers at once; return the seconds from the end of the watches."""
    plane.create(definition())
    place = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
    notes = _Notes()
    times: list[Pair] = []
    with _Front(plane, notes) as front, _client_go(front.url, notes), _ours(front.url, notes):
        _create(plane, "first")
        notes.wait_for_object("first")
        for number in range(updates):
            time.sleep(_BETWEEN)
            before = notes.ended.copy()
            updated = plane.request("GET", place)
            updated["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = f"update {number}"
            plane.request("PUT", place, updated)
            notes.wait_for_ends(before)
            began = time.monotonic()
            # Not at once: a write is what makes the server ready for watches again.
            time.sleep(0.1)
            _create(plane, f"object-{number}")
            client_go, ours = notes.wait_for_object(f"object-{number}")
            times.append((round(client_go - began, 2), round(ours - began, 2)))
    return times


def _create(plane: ControlPlane, name: str) -> None:
    while True:
        try:
            plane.request("POST", WIDGETS.path("default"), widget(name))
        except StatusError:
            time.sleep(0.05)
        else:
            return


def measured() -> list[Pair]:
    """Return what was written last."""
    return [(client_go, ours) for client_go, ours in json.loads(MEASURED.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    logging.disable()
    with ControlPlane() as control_plane:
        MEASURED.write_text(json.dumps(measure(control_plane)) + "\n", encoding="utf-8")

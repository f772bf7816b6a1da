"""A relay between clients and a server: it forwards bytes, and breaks or delays connections when a test asks for it.

It understands none of the bytes, so TLS passes through.

Upstream: none.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections import deque
from typing import cast, final

import attrs

from informers._base.clock import SYSTEM_CLOCK
from informers._base.forks import on_fork

__all__ = ["Relay"]

_BLOCK = 65536
#: With this option a close sends RST in place of FIN.
_RESET = struct.pack("ii", 1, 0)
#: Seconds between two looks at what is to be done: delays are not more exact than that.
_ROUND = 0.01


@attrs.define(eq=False)
class _Way:
    """One direction of a connection: what has been read, and is still to be written, with the time of its arrival."""

    source: socket.socket
    target: socket.socket
    is_answer: bool
    waiting: deque[tuple[float, bytes]] = attrs.Factory(deque[tuple[float, bytes]])
    is_over: bool = False
    has_sent: bool = False


@final
class Relay:
    """Listens on a port of 127.0.0.1 and forwards to another, in one thread.

    Args:
        target: port of 127.0.0.1 that bytes go to.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._ways: list[_Way] = []
        self._delay = 0.0
        self._is_accepting = True
        self._drops = False
        self._is_stopping = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="control-plane-relay", daemon=True)
        self._thread.start()
        on_fork(self._forked)

    def drop_connections(self) -> None:
        """Reset all connections; new ones are accepted."""
        self._drops = True

    def stop_accepting(self) -> None:
        """Reset all connections, and end each new one, as if the server could not be reached."""
        self._is_accepting = False
        self._drops = True

    def resume_accepting(self) -> None:
        """Accept connections again."""
        self._is_accepting = True

    def delay_answers(self, seconds: float) -> None:
        """Hold back what the server sends for so long; 0 for no longer."""
        self._delay = seconds

    def stop(self) -> None:
        """End all connections and the thread."""
        self._is_stopping = True
        self._thread.join()

    def _forked(self, _parent: int) -> list[int]:
        """Give up all sockets in a forked child: the relay goes on in its parent alone."""
        return [self._listener.fileno(), *(way.source.fileno() for way in self._ways)]

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener:
            self._listener.setblocking(False)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._is_stopping:
                for key, _ in selector.select(_ROUND):
                    if key.data is None:
                        self._accept(selector)
                    else:
                        self._read(selector, cast("_Way", key.data))
                if self._drops:
                    self._drops = False
                    self._end(selector, list(self._ways))
                self._end(selector, [way for way in self._ways if not self._forward(way)])
            self._end(selector, list(self._ways))

    def _accept(self, selector: selectors.BaseSelector) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            # Closed in good order: see `_end`.
            if not self._is_accepting:
                client.close()
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                client.close()
                return
            for source, target, is_answer in ((client, server, False), (server, client, True)):
                source.setblocking(False)
                way = _Way(source, target, is_answer)
                self._ways.append(way)
                selector.register(source, selectors.EVENT_READ, way)

    def _read(self, selector: selectors.BaseSelector, way: _Way) -> None:
        # What waits is bounded: the sender waits, as behind a slow network.
        if len(way.waiting) > 64:
            return
        try:
            data = way.source.recv(_BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            way.waiting.append((SYSTEM_CLOCK.monotonic(), data))
        else:
            way.is_over = True
            selector.unregister(way.source)

    def _forward(self, way: _Way) -> bool:
        """Write what is due; return whether the connection goes on."""
        delay = self._delay if way.is_answer else 0.0
        while way.waiting and SYSTEM_CLOCK.monotonic() - way.waiting[0][0] >= delay:
            arrived, data = way.waiting[0]
            try:
                sent = way.target.send(data)
            except BlockingIOError:
                return True
            except OSError:
                return False
            way.has_sent = True
            if sent < len(data):
                way.waiting[0] = (arrived, data[sent:])
                return True
            way.waiting.popleft()
        return not way.is_over or bool(way.waiting)

    def _end(self, selector: selectors.BaseSelector, ended: list[_Way]) -> None:
        """Reset the connections that these directions belong to.

        Those without an answer so far are closed in good order: Python's ssl takes a socket that was reset before the
        handshake for one that is not connected yet, and nobody closes it.
        """
        sockets = {each for way in ended for each in (way.source, way.target)}
        belonging = [way for way in self._ways if way.source in sockets]
        answered = {way.target for way in belonging if way.is_answer and way.has_sent}
        for way in belonging:
            self._ways.remove(way)
            if not way.is_over:
                selector.unregister(way.source)
        for each in sockets:
            if each in answered:
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.close()

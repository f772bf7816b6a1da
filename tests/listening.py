"""What the tests' own servers accept connections with: when it is closed, no connection is left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, final

__all__ = ["Listener"]

_Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@final
class Listener:
    """Listens on a port of loopback and serves each connection in a task of its own.

    `asyncio.Server` loses the sockets of connections that it accepts in the round in which it is closed.

    Args:
        serve: serves one connection, and is cancelled when all ends; what it leaves open is closed.
        tls: the context of a TLS server, or None.
    """

    def __init__(self, serve: _Serve, *, tls: ssl.SSLContext | None = None) -> None:
        self._serve = serve
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._socket.setblocking(False)
        self._tasks: dict[socket.socket, asyncio.Task[None]] = {}
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._accept)

    async def close(self) -> None:
        """Accept nothing more and end every connection."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        # A task that is cancelled before it begins closes nothing.
        accepted = dict(self._tasks)
        for task in accepted.values():
            task.cancel()
        await asyncio.gather(*accepted.values(), return_exceptions=True)
        # Transports close their sockets in a later round, those of TLS a few rounds later.
        for _ in range(5):
            await asyncio.sleep(0)
        for connection in accepted:
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._socket.accept()
            connection.setblocking(False)
            task = self._tasks[connection] = self._loop.create_task(self._connected(connection))
            task.add_done_callback(lambda _: self._tasks.pop(connection))

    async def _connected(self, connection: socket.socket) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with contextlib.suppress(OSError):
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._tls)
            writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
            try:
                await self._serve(reader, writer)
            finally:
                if not transport.is_closing():
                    writer.close()

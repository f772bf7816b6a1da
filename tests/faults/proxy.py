"""A TCP proxy that does what networks do: hang, reset, cut, drip, corrupt, delay, and forget connections.

It forwards bytes and understands none of them, so TLS passes through. With a TLS context of its own it ends TLS: two
proxies, one behind the other, then put TLS before a server that has none.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeAlias, final

import attrs
from typing_extensions import Self

from tests.listening import Listener

__all__ = ["Close", "Corrupt", "Delay", "Drip", "Fault", "Hang", "Lost", "Pass", "Proxy", "Reset"]

_BLOCK = 65536
#: With this option a close sends RST in place of FIN.
_LINGER_NONE = struct.pack("ii", 1, 0)


@final
@attrs.frozen
class Pass:
    """Forward everything."""


@final
@attrs.frozen
class Hang:
    """Forward so many bytes of the answer, then nothing more; requests still arrive. Nothing is closed."""

    after_bytes: int = 0


@final
@attrs.frozen
class Lost:
    """Forward nothing either way, not even an end: what is left when a NAT has forgotten a connection."""


@final
@attrs.frozen
class Reset:
    """Forward so many bytes of the answer, then reset the connection."""

    after_bytes: int = 0


@final
@attrs.frozen
class Close:
    """Forward so many bytes of the answer, then close the connection in good order."""

    after_bytes: int = 0


@final
@attrs.frozen
class Drip:
    """Forward the answer in small pieces with pauses of `seconds` between."""

    size: int = 1
    seconds: float = 0.05


@final
@attrs.frozen
class Corrupt:
    """Forward so many bytes of the answer as they are, then change each byte at which `every` divides the count."""

    after_bytes: int = 0
    every: int = 64
    mask: int = 0x80


@final
@attrs.frozen
class Delay:
    """Forward each piece of the answer so many seconds late."""

    seconds: float = 0.05


#: What may happen to a connection.
Fault: TypeAlias = Pass | Hang | Lost | Reset | Close | Drip | Corrupt | Delay


class _Connection:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, fault: Fault, down: asyncio.StreamWriter, up: asyncio.StreamWriter | None) -> None:
        self.fault = fault
        self.down = down
        self.up = up
        #: Bytes of the answer that have been forwarded since the fault began.
        self.sent = 0
        self.struck = asyncio.Event()

    def strike(self, fault: Fault) -> None:
        self.fault = fault
        self.sent = 0
        self.struck.set()
        if isinstance(fault, (Reset, Close)) and not fault.after_bytes:
            self.end()

    def end(self) -> None:
        """End the connection on both sides: at the client's as the fault says."""
        raw = self.down.get_extra_info("socket")
        if isinstance(self.fault, Reset) and raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self.down.transport.abort() if isinstance(self.fault, Reset) else self.down.close()
        if self.up is not None:
            self.up.transport.abort()


@final
class Proxy:
    """Listens on loopback and forwards each connection to a port of loopback.

    Args:
        target: port that connections go to.
        tls: ends TLS here with this context; None passes everything on as it is.
        script: says what happens to the connection of this number (from 1); None: what `strike` said last.

    Attributes:
        accepted: how many connections have been accepted.
        forwarded: bytes that clients have been sent.

    Thread safety: all methods may be called from any thread.
    """

    def __init__(
        self, target: int, *, tls: ssl.SSLContext | None = None, script: Callable[[int], Fault | None] | None = None
    ) -> None:
        self._target = target
        self._tls = tls
        self.script = script
        self._fault: Fault = Pass()
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        # A client that goes away in the middle of anything is what this is for.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._listener: Listener | None = None
        self.accepted = 0
        self.forwarded = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def strike(self, fault: Fault, *, new: bool = True, existing: bool = True) -> None:
        """Let a fault happen to new connections, to those that exist, or to both."""

        async def apply() -> None:
            if new:
                self._fault = fault
            for connection in list(self._connections) if existing else ():
                connection.strike(fault)

        self._call(apply())

    def heal(self, *, existing: bool = False) -> None:
        """Forward new connections again. Those that were struck mostly stay as they are, as in life."""
        self.strike(Pass(), existing=existing)

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        future: Future[None] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        future.result(10)

    async def _start(self) -> None:
        self._listener = Listener(self._serve, tls=self._tls)
        self.port = self._listener.port

    async def _end(self) -> None:
        assert self._listener is not None
        await self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        self.accepted += 1
        fault = (self.script(self.accepted) if self.script is not None else None) or self._fault
        connection = _Connection(fault, down, None)
        self._connections.add(connection)
        try:
            if isinstance(fault, (Reset, Close)) and not fault.after_bytes:
                connection.end()
                return
            up_reader, connection.up = await asyncio.open_connection("127.0.0.1", self._target)
            pumps = [
                asyncio.ensure_future(self._pump_up(connection, reader)),
                asyncio.ensure_future(self._pump_down(connection, up_reader)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            connection.down.transport.abort()
            if connection.up is not None:
                connection.up.transport.abort()
            self._connections.discard(connection)

    async def _pump_up(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        assert connection.up is not None
        while data := await reader.read(_BLOCK):
            if not isinstance(connection.fault, Lost):
                connection.up.write(data)
                await connection.up.drain()

    async def _pump_down(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while True:
            data = await reader.read(_BLOCK)
            if isinstance(connection.fault, (Hang, Lost)) and not data:
                # An end is not forwarded either; the client must find out by itself.
                await asyncio.Event().wait()
            if not data:
                if not isinstance(connection.fault, (Reset, Close)):
                    await connection.down.drain()
                    connection.down.close()
                    await connection.down.wait_closed()
                return
            if not await self._deliver(connection, data):
                return

    async def _deliver(self, connection: _Connection, data: bytes) -> bool:
        """Forward a piece of the answer as the fault has it; return whether the connection goes on."""
        fault = connection.fault
        if isinstance(fault, Lost):
            return True
        if isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
        elif isinstance(fault, Drip):
            for start in range(0, len(data), fault.size):
                if connection.fault is not fault:
                    return await self._deliver(connection, data[start:])
                await self._send(connection, data[start : start + fault.size])
                await asyncio.sleep(fault.seconds)
            return True
        elif isinstance(fault, Corrupt):
            changed = bytearray(data)
            for position in range(len(changed)):
                count = connection.sent + position - fault.after_bytes
                if count >= 0 and count % fault.every == 0:
                    changed[position] ^= fault.mask
            data = bytes(changed)
        elif isinstance(fault, (Hang, Reset, Close)):
            left = max(0, fault.after_bytes - connection.sent)
            await self._send(connection, data[:left])
            if len(data) < left or isinstance(fault, Hang):
                return True
            if isinstance(fault, Close):
                await connection.down.drain()
            connection.end()
            return False
        await self._send(connection, data)
        return True

    async def _send(self, connection: _Connection, data: bytes) -> None:
        if data:
            connection.sent += len(data)
            self.forwarded += len(data)
            connection.down.write(data)
            await connection.down.drain()

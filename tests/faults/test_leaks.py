"""Nothing stays behind of a connection: no socket, no thread."""

from __future__ import annotations

import socket

import pytest

from informers.errors import StoppedError
from informers.source._transport.sockets import Sockets


def test_a_connection_that_stands_just_as_all_is_closed_leaves_no_socket() -> None:
    sockets = Sockets()
    made: list[socket.socket] = []

    class Connected(socket.socket):
        """Counts its duplicates."""

        def dup(self) -> socket.socket:
            sockets.close()
            made.append(super().dup())
            return made[-1]

    def connect() -> socket.socket:
        made.append(Connected())
        return made[-1]

    with pytest.raises(StoppedError):
        sockets.connect(connect, timeout=10)
    assert [each.fileno() for each in made] == [-1, -1]


def test_a_connection_that_ends_after_all_is_closed_leaves_no_socket() -> None:
    """urllib3 closes idle connections when their pool is collected, which an error that somebody keeps may delay."""
    sockets = Sockets()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made, duplicate = sockets.connect(lambda: socket.create_connection(listener.getsockname()), timeout=10)
        sockets.close()
        made.close()
        sockets.discard(duplicate)
    assert duplicate.fileno() == -1

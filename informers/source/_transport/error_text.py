"""Describes connection errors for people: without the libraries' names for them, and without credentials.

Upstream: none; Go's `net` and `crypto/tls` describe their errors themselves.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

__all__ = ["SlowHeadError", "describe"]

#: Errors of a look-up of an unknown name; not every system has both.
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


class SlowHeadError(TimeoutError):
    """The headers of an answer were incomplete when the time was over, although bytes arrived."""


def describe(error: BaseException, *, server: str, proxy: str, connect_timeout: float) -> str:
    """Return in words what went wrong between the client and a server.

    Args:
        error: an error of urllib3, http.client or the system.
        server: URL of the server.
        proxy: URL of the proxy; empty for none.
        connect_timeout: time limit of a connection, in seconds.
    """
    import urllib3  # noqa: PLC0415  the official client is imported when it is first used

    known = urllib3.exceptions
    if isinstance(error, (EOFError, ssl.SSLEOFError)):
        return "the connection ended in the middle of an answer"
    if isinstance(error, SlowHeadError):
        return "the headers of an answer were not complete in time"
    if isinstance(error, TimeoutError):
        return "nothing came over the connection for too long"
    if isinstance(error, known.ProxyError):
        return f"can't connect to {_host(server)} by the proxy {_host(proxy)}: {_reason(_cause(error))}"
    if isinstance(error, known.NewConnectionError):
        return f"can't connect to {_host(server)}: {_reason(_cause(error))}"
    if isinstance(error, known.ConnectTimeoutError):
        return f"can't connect to {_host(server)}: timed out after {connect_timeout:g} s"
    if isinstance(error, known.SSLError):
        return f"no TLS with {_host(server)}: {_reason(_cause(error))}"
    if isinstance(error, known.ProtocolError):
        error = _cause(error)
    if isinstance(error, http.client.RemoteDisconnected):
        return "the server closed the connection without an answer"
    if isinstance(error, OSError):
        return f"the connection broke: {_reason(error)}"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not valid HTTP: {error}" if str(error) else "the answer is not valid HTTP"
    return _reason(error)


def _host(url: str) -> str:
    # A proxy's URL may contain a password.
    return urlsplit(url).netloc.rpartition("@")[2] or url.rpartition("@")[2]


def _cause(error: BaseException) -> BaseException:
    """Return the original error that an error of urllib3 wraps."""
    wrapped = next((part for part in reversed(error.args) if isinstance(part, BaseException)), None)
    return wrapped or error.__cause__ or error.__context__ or error


def _reason(error: BaseException) -> str:
    deeper = _cause(error)
    if deeper is not error and not isinstance(error, OSError):
        return _reason(deeper)
    if isinstance(error, socket.gaierror):
        known = error.errno in _NO_SUCH_NAME
        return "the name is not known" if known else f"the name can't be looked up: {_small(error.strerror or '')}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {_small(error.verify_message.rstrip('.'))}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return _small(error.strerror)
    return _small(str(error)) or type(error).__name__


def _small(text: str) -> str:
    # Unchanged if more than the first letter is upper case, as in `IP address mismatch`.
    return text[:1].lower() + text[1:] if text[1:2].islower() else text

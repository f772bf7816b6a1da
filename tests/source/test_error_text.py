"""What breaks a connection is said in words for people."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl

import pytest
import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)

from informers.source._transport.error_text import describe

CONNECTION = HTTPConnection("api.example", 6443)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
NO_ROUTE = OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
RESET = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_ANSWER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


NO_CONNECTION = "can't connect to api.example:6443"
NOT_TRUSTED = "no TLS with api.example:6443: its certificate is not trusted"


def words(error: BaseException) -> str:
    return describe(
        error,
        server="https://api.example:6443/prefix",
        proxy="http://user:secret@proxy.example:3128",
        connect_timeout=30.0,
    )


def raised(error: Exception, cause: Exception) -> Exception:
    """Return an error as it is when it was raised for another."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def untrusted(message: str) -> SSLError:
    error = ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message} (_ssl.c:1)"
    )
    error.verify_message = message
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return SSLError(error)


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] something (_ssl.c:1)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            raised(NewConnectionError(CONNECTION, f"Failed to establish a new connection: {REFUSED}"), REFUSED),
            "can't connect to api.example:6443: connection refused",
        ),
        (
            raised(NewConnectionError(CONNECTION, f"Failed to establish a new connection: {NO_ROUTE}"), NO_ROUTE),
            "can't connect to api.example:6443: no route to host",
        ),
        (
            raised(NameResolutionError("api.example", CONNECTION, NO_NAME), NO_NAME),
            "can't connect to api.example:6443: the name is not known",
        ),
        (
            raised(NameResolutionError("api.example", CONNECTION, NO_ANSWER), NO_ANSWER),
            f"{NO_CONNECTION}: the name can't be looked up: temporary failure in name resolution",
        ),
        (
            raised(ConnectTimeoutError(CONNECTION, "Connection to api.example timed out."), TimeoutError("timed out")),
            "can't connect to api.example:6443: timed out after 30 s",
        ),
        (
            ProxyError("Unable to connect to proxy", raised(NewConnectionError(CONNECTION, "Failed"), REFUSED)),
            "can't connect to api.example:6443 by the proxy proxy.example:3128: connection refused",
        ),
        (
            ProxyError("Unable to connect to proxy", OSError("Tunnel connection failed: 403 Forbidden")),
            f"{NO_CONNECTION} by the proxy proxy.example:3128: tunnel connection failed: 403 Forbidden",
        ),
        (
            untrusted("self-signed certificate in certificate chain"),
            f"{NOT_TRUSTED}: self-signed certificate in certificate chain",
        ),
        (
            untrusted("IP address mismatch, certificate is not valid for '127.0.0.1'."),
            f"{NOT_TRUSTED}: IP address mismatch, certificate is not valid for '127.0.0.1'",
        ),
        (SSLError(tls("WRONG_VERSION_NUMBER")), "no TLS with api.example:6443: wrong version number"),
        (ProtocolError("Connection aborted.", RESET), "the connection broke: connection reset by peer"),
        (RESET, "the connection broke: connection reset by peer"),
        (tls("BAD_RECORD_MAC"), "the connection broke: bad record mac"),
        (
            ProtocolError("Connection aborted.", http.client.RemoteDisconnected("Remote end closed connection")),
            "the server closed the connection without an answer",
        ),
        (
            ProtocolError("Connection aborted.", http.client.BadStatusLine("rubbish")),
            "the answer is not valid HTTP: rubbish",
        ),
        (EOFError(), "the connection ended in the middle of an answer"),
        (ssl.SSLEOFError(8, "EOF occurred"), "the connection ended in the middle of an answer"),
        (TimeoutError("timed out"), "nothing came over the connection for too long"),
        (LocationParseError("nonsense"), "failed to parse: nonsense"),
        (urllib3.exceptions.HTTPError(), "HTTPError"),
    ],
)
def test_an_error_says_what_is_wrong_and_not_which_class_it_is(error: BaseException, text: str) -> None:
    assert words(error) == text


def test_an_error_of_an_older_urllib3_has_its_reason_as_its_context() -> None:
    error = NewConnectionError(CONNECTION, "Failed")
    error.__context__ = REFUSED
    assert words(error) == "can't connect to api.example:6443: connection refused"


def test_a_password_of_the_proxy_is_not_said() -> None:
    assert "secret" not in words(ProxyError("Unable to connect to proxy", REFUSED))

"""What the server says went wrong, and which error that becomes."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers.errors import ExpiredError, StatusError, TooLargeResourceVersionError, TooManyRequestsError
from informers.source._wire.status_errors import error_of_response, error_of_status

NOW = 1_800_000_000.0


def status(code: int, reason: str = "", message: str = "", **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": message} | (
        {"details": details} if details else {}
    )


def answered(code: int, body: bytes | dict[str, Any] = b"", retry_after: str | None = None) -> StatusError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_of_response(code, raw, retry_after, now=NOW)


@pytest.mark.upstream("tools/cache/reflector_test.go", "TestReflectorFullListIfTooLarge")
@pytest.mark.parametrize(
    "said",
    [
        status(504, "Timeout", "Too large resource version: 20, current: 10"),
        status(504, "Timeout", "x", causes=[{"message": "Too large resource version"}]),
        status(504, "Timeout", "x", causes=[{"reason": "ResourceVersionTooLarge", "message": "y"}]),
        status(0, "Timeout", "Too large resource version"),
        status(504, "", "Too large resource version"),
    ],
    ids=["message alone", "cause by message", "cause by type", "no code", "no reason"],
)
def test_every_dialect_of_too_large_is_known(said: dict[str, Any]) -> None:
    assert type(error_of_status(said)) is TooLargeResourceVersionError
    assert type(answered(504, said)) is TooLargeResourceVersionError


@pytest.mark.parametrize(
    "said",
    [
        status(504, "Timeout", "request did not complete", causes=[{"message": "something else"}]),
        status(500, "InternalError", "Too large resource version"),
        status(504, "Timeout", "x", causes="Too large resource version"),
        status(504, "Timeout", "x", causes=["Too large resource version"]),
    ],
)
def test_another_timeout_is_not_too_large(said: dict[str, Any]) -> None:
    assert type(error_of_status(said)) is StatusError


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (status(410, "Expired"), ExpiredError),
        (status(410, "Gone"), ExpiredError),
        (status(410), ExpiredError),
        (status(0, "Expired"), ExpiredError),
        (status(429, "TooManyRequests"), TooManyRequestsError),
        (status(429), TooManyRequestsError),
        (status(0, "TooManyRequests"), TooManyRequestsError),
        (status(403, "Forbidden"), StatusError),
        (status(500, "InternalError"), StatusError),
        ({}, StatusError),
    ],
)
def test_reason_or_code_make_the_error(said: dict[str, Any], kind: type[StatusError]) -> None:
    error = error_of_status(said)
    assert type(error) is kind
    assert (error.code, error.reason) == (said.get("code", 0), said.get("reason", ""))


def test_the_answers_own_code_counts_and_the_text_says_code_reason_and_message() -> None:
    error = answered(403, status(0, "Forbidden", "pods is forbidden"))
    assert (error.code, error.reason) == (403, "Forbidden")
    assert str(error) == "403 Forbidden: pods is forbidden"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "502: the answer has no body"),
        (b"<html>\n <b>Bad  gateway</b></html>", "502: <html> <b>Bad gateway</b></html>"),
        (b"\xff\xfe", "502: \ufffd\ufffd"),
        (b"[1]", "502: [1]"),
        (b'{"kind":"Pod"}', '502: {"kind":"Pod"}'),
        (b"x" * 1000, f"502: {'x' * 200}"),
        (b"[" * 100_000, f"502: {'[' * 200}"),
    ],
    ids=["empty", "HTML", "no text", "no object", "no Status", "long", "deep"],
)
def test_what_a_proxy_answered_is_quoted_in_short(body: bytes, message: str) -> None:
    error = answered(502, body)
    assert type(error) is StatusError
    assert str(error) == message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        (formatdate(NOW + 30, usegmt=True).removesuffix(" GMT"), 30.0),  # whatever the local time zone
        ("Fri, 15 Jan 2027 08:00:30 -0000", 30.0),
        ("inf", None),
        ("nan", None),
        ("1e400", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nothing_else(header: str | None, seconds: float | None) -> None:
    assert answered(429, status(429), header).retry_after == seconds


def test_the_status_own_retry_after_counts_where_there_is_no_header() -> None:
    said = status(429, "TooManyRequests", retryAfterSeconds=4)
    assert error_of_status(said).retry_after == 4.0
    assert answered(429, said).retry_after == 4.0
    assert answered(429, said, "9").retry_after == 9.0


@pytest.mark.parametrize("value", [0, -1, "4", None, 4.5, True, 10**400])
def test_a_retry_after_that_is_not_a_number_of_seconds_is_ignored(value: object) -> None:
    assert error_of_status(status(429, retryAfterSeconds=value)).retry_after is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["kind", "code", "reason", "message", "details", "causes", "retryAfterSeconds"])


@given(
    body=st.binary(max_size=60) | st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON)).map(json.dumps),
    code=st.integers(300, 599),
    header=st.none() | st.text(max_size=20) | st.just("Wed, 99 Foo 2026 12:00:00 GMT"),
)
def test_no_answer_is_too_odd_to_become_an_error(body: bytes | str, code: int, header: str | None) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    error = error_of_response(code, raw, header, now=NOW)
    assert error.code == code
    assert str(error)
    assert error.retry_after is None or 0 <= error.retry_after < float("inf")

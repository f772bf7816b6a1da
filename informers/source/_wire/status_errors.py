"""Makes errors from the server's `Status` objects.

Upstream: k8s.io/apimachinery/pkg/api/errors/errors.go (v0.37).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

from informers.errors import (
    ExpiredError,
    StatusError,
    TooLargeResourceVersionError,
    TooManyRequestsError,
)

__all__ = ["error_of_response", "error_of_status", "retry_after_seconds"]

_TOO_LARGE = "Too large resource version"


def error_of_response(code: int, body: bytes, retry_after: str | None, *, now: float) -> StatusError:
    """Return the error of an HTTP answer that is not a success.

    Args:
        code: the HTTP status.
        body: a Status in JSON, or anything else that a proxy may have answered.
        retry_after: the header Retry-After: seconds or a date.
        now: seconds since the epoch, to compare with a date.
    """
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = " ".join(body[:200].decode("utf-8", "replace").split())
        status = {"message": text or "the answer has no body"}
    return error_of_status(status, code=code, retry_after=retry_after_seconds(retry_after, now))


def error_of_status(
    status: Mapping[str, Any], *, code: int | None = None, retry_after: float | None = None
) -> StatusError:
    """Return the error of a Status object, from an answer or an ERROR event of a watch."""
    if code is None:
        said = status.get("code")
        code = said if isinstance(said, int) else 0
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or "the server gave no message")
    details = status.get("details")
    details = details if isinstance(details, Mapping) else {}
    if retry_after is None:
        retry_after = _seconds_of_details(details.get("retryAfterSeconds"))
    kind: type[StatusError] = StatusError
    if _is_too_large(code, reason, message, details):
        kind = TooLargeResourceVersionError
    elif reason in {"Expired", "Gone"} or code == 410:
        kind = ExpiredError
    elif reason == "TooManyRequests" or code == 429:
        kind = TooManyRequestsError
    return kind(message, code=code, reason=reason, retry_after=retry_after)


def _is_too_large(code: int, reason: str, message: str, details: Mapping[str, Any]) -> bool:
    """Recognize three forms: a cause by type since about 1.22; before, a cause by message; earlier, the message."""
    causes = details.get("causes")
    causes = [cause for cause in causes if isinstance(cause, Mapping)] if isinstance(causes, list) else []
    if any(cause.get("reason") == "ResourceVersionTooLarge" for cause in causes):
        return True
    if reason != "Timeout" and code != 504:
        return False
    return _TOO_LARGE in message or any(cause.get("message") == _TOO_LARGE for cause in causes)


def _seconds_of_details(value: object) -> float | None:
    # In Go it is an int32: a larger number is invalid.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31 else None


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None if it is invalid."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except (TypeError, ValueError, OverflowError):
            return None
        # Dates in HTTP are in UTC, with or without a time zone.
        seconds = (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() - now
    return max(0.0, seconds) if math.isfinite(seconds) else None

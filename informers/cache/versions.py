"""The order of resource versions, if they have one.

By KEP-5504 the versions of one resource are growing whole numbers without leading zeros. An aggregated API server may
still use other texts; those can only be compared for equality.

Upstream: k8s.io/apimachinery/pkg/util/resourceversion/resourceversion.go (v0.37).
"""

from __future__ import annotations

__all__ = ["is_number", "reaches", "sort_key"]


def is_number(version: str) -> bool:
    """Return whether a version can be compared: a whole number without leading zeros."""
    # No pattern: this is asked for every event.
    return version.isdecimal() and version.isascii() and (version[0] != "0" or version == "0")


def sort_key(version: str) -> tuple[int, str]:
    """Return a sort key for comparable versions of any length, without converting them to numbers."""
    return len(version), version


def reaches(version: str, wanted: str) -> bool | None:
    """Return whether a version is `wanted` or newer; None if they have no order.

    Example:
        >>> reaches("100", "99"), reaches("99", "100"), reaches("a", "a"), reaches("a", "b")
        (True, False, True, None)
    """
    if version == wanted:
        return True
    # `is_number` of both, inlined: this runs twice for every event.
    if not (version.isdecimal() and wanted.isdecimal() and version.isascii() and wanted.isascii()):
        return None
    if (version[0] == "0" and version != "0") or (wanted[0] == "0" and wanted != "0"):
        return None
    return version >= wanted if len(version) == len(wanted) else len(version) > len(wanted)

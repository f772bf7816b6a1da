"""Resource versions: which of two is the newer one, where that can be said.

KEP-5504 says when: the versions of one resource are whole numbers without leading zeros, and grow. An aggregated API
server may still use other texts. Those are equal or not, and nothing else is known of them.

Upstream: k8s.io/apimachinery/pkg/util/resourceversion/resourceversion.go (v0.37).
"""

from __future__ import annotations

__all__ = ["is_number", "reaches", "sort_key"]


def is_number(version: str) -> bool:
    """Return whether a version can be compared: a whole number without leading zeros."""
    # No pattern: this is asked for every event.
    return version.isdecimal() and version.isascii() and (version[0] != "0" or version == "0")


def sort_key(version: str) -> tuple[int, str]:
    """Return what sorts versions that can be compared, of any length, without making numbers of them."""
    return len(version), version


def reaches(version: str, wanted: str) -> bool | None:
    """Return whether a version is `wanted` or newer; None where that can't be said.

    Example:
        >>> reaches("100", "99"), reaches("99", "100"), reaches("a", "a"), reaches("a", "b")
        (True, False, True, None)
    """
    if version == wanted:
        return True
    # `is_number` of both, written out: this is asked twice for every event.
    if not (version.isdecimal() and wanted.isdecimal() and version.isascii() and wanted.isascii()):
        return None
    if (version[0] == "0" and version != "0") or (wanted[0] == "0" and wanted != "0"):
        return None
    return version >= wanted if len(version) == len(wanted) else len(version) > len(wanted)

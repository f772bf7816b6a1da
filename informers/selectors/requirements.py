"""Conditions on labels, and the syntax of label keys and values.

Upstream: k8s.io/apimachinery/pkg/labels/selector.go and pkg/api/validate/content/kube.go (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, final

import attrs

from informers._base.checks import check_string, check_strings
from informers.errors import ConfigurationError

__all__ = ["LabelOperator", "LabelRequirement", "key_problem", "value_problem", "whole_number"]

#: `exists` and `!` ask whether the label exists; they are written `key` and `!key`.
LabelOperator = Literal["=", "!=", "in", "notin", "exists", "!", ">", "<"]

_WORD = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_WORD_RULE = "must be of 1 to 63 letters, digits, '-', '_' or '.', and begin and end with a letter or digit"
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_INTEGER = re.compile(r"[+-]?[0-9]{1,63}")
_MAX_INT64 = 2**63 - 1


def key_problem(key: object) -> str:
    """Return what is wrong with a label's key; empty if it is valid."""
    prefix, slash, name = check_string(key, "a label key").rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        return (
            f"label key {key!r}: what stands before '/' must be a lower-case DNS name of at most 253 characters, "
            "as in 'example.com/name'"
        )
    if len(name) > 63 or not _WORD.fullmatch(name):
        return f"label key {key!r}: the name {_WORD_RULE}"
    return ""


def value_problem(operator: LabelOperator, value: str) -> str:
    """Return what is wrong with a label's value; empty if it is valid."""
    if operator in {">", "<"} and whole_number(value) is None:
        return f"label value {value!r}: '{operator}' compares with a whole number of 64 bits"
    if value and (len(value) > 63 or not _WORD.fullmatch(value)):
        return f"label value {value!r}: it must be empty, or {_WORD_RULE.removeprefix('must ')}"
    return ""


def _operator_problem(operator: object, values: int) -> str:
    """Return what is wrong with an operator, or with its number of values; empty if both are valid."""
    check_string(operator, "operator of a label requirement")
    if operator in {"in", "notin"}:
        return "" if values else f"{operator!r} needs at least one value"
    if operator in {"exists", "!"}:
        return f"{operator!r} takes no values: got {values}" if values else ""
    if operator in {"=", "!=", ">", "<"}:
        return "" if values == 1 else f"{operator!r} takes one value: got {values}"
    return f"operator must be one of =, !=, in, notin, exists, !, >, <: got {operator!r}"


def whole_number(text: str) -> int | None:
    """Return a number as Go's ParseInt reads it, or None: unlike int(), without blanks and underscores, in 64 bits."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -_MAX_INT64 - 1 <= number <= _MAX_INT64 else None


def _values(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(check_strings(given, "values of a label requirement"))))


@final
@attrs.frozen
class LabelRequirement:
    """One condition of a `LabelSelector`.

    Attributes:
        key: the label's key.
        operator: `=`, `!=`, `in`, `notin`, `exists`, `!`, `>` or `<`.
        values: one for `=`, `!=`, `>` and `<` (for these two a whole number); at least one for `in` and
            `notin`; none for `exists` and `!`. Sorted, without duplicates.

    Raises:
        ConfigurationError: a server would refuse the key, the operator or a value.

    Upstream: k8s.io/apimachinery/pkg/labels/selector.go, NewRequirement (v0.37).
    """

    key: str
    operator: LabelOperator
    values: tuple[str, ...] = attrs.field(default=(), converter=_values)

    def __attrs_post_init__(self) -> None:
        problem = (
            key_problem(self.key)
            or _operator_problem(self.operator, len(self.values))
            or next(filter(None, (value_problem(self.operator, value) for value in self.values)), "")
        )
        if problem:
            raise ConfigurationError(f"label requirement on {self.key!r}: {problem}")

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        if self.operator in {"in", "notin"}:
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"

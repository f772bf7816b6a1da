"""Field selectors: parse, match, print.

Upstream: k8s.io/apimachinery/pkg/fields/selector.go (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, final

import attrs

from informers._base.checks import check_instances, check_string, check_string_pairs
from informers.errors import ConfigurationError

__all__ = ["FieldOperator", "FieldRequirement", "FieldSelector"]

FieldOperator = Literal["=", "!="]

_BARRED_IN_NAMES = re.compile(r"[\s=!,\\]")
# A term ends at a comma without a backslash; a backslash escapes the next character.
_TERM = re.compile(r"(?:[^\\,]|\\.|\\\Z)*", re.DOTALL)
_OPERATOR = re.compile(r"!=|==|=")
_VALUE_PART = re.compile(r"\\(.?)|([=,])", re.DOTALL)


def _name_problem(field: object) -> str:
    """Return what is wrong with a field's name; empty if it is valid."""
    name = check_string(field, "a field's name")
    if not name:
        return "there is no field before the operator, for example 'metadata.name'"
    if found := _BARRED_IN_NAMES.search(name):
        return f"field {name!r}: its name holds {found[0]!r}; right is, for example, 'metadata.name', without blanks"
    return ""


@final
@attrs.frozen
class FieldRequirement:
    """One condition of a `FieldSelector`.

    Attributes:
        field: for example `spec.nodeName`.
        operator: `=` or `!=`.
        value: the value to compare with, without escapes: only the text form has them.

    Raises:
        ConfigurationError: the operator or the name is invalid.

    Upstream: k8s.io/apimachinery/pkg/fields/requirements.go (v0.37).
    """

    field: str
    operator: FieldOperator
    value: str

    def __attrs_post_init__(self) -> None:
        if problem := _name_problem(self.field):
            raise ConfigurationError(f"field requirement: {problem}")
        if check_string(self.operator, "operator of a field requirement") not in {"=", "!="}:
            raise ConfigurationError(f"operator of a field requirement must be '=' or '!=': got {self.operator!r}")
        check_string(self.value, f"value of the field requirement on {self.field!r}")

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{_escape(self.value)}"


def _requirements(given: Iterable[FieldRequirement]) -> tuple[FieldRequirement, ...]:
    return tuple(sorted(check_instances(given, FieldRequirement), key=lambda r: (r.field, r.operator, r.value)))


@final
@attrs.frozen(repr=False)
class FieldSelector:
    """Conditions on fields of an object, all of which must hold.

    `str()` returns the text for the API server, always the same for the same conditions. Each resource supports its own
    fields; all support `metadata.name` and `metadata.namespace`.

    Args:
        requirements: the conditions, in any order; none matches everything.

    Example:
        >>> selector = FieldSelector.parse("spec.nodeName=node-1,status.phase!=Failed")
        >>> selector.matches({"spec.nodeName": "node-1", "status.phase": "Running"}.__getitem__)
        True

    Thread safety: a value; may be shared.

    Upstream: k8s.io/apimachinery/pkg/fields/selector.go (v0.37).
    """

    requirements: tuple[FieldRequirement, ...] = attrs.field(default=(), converter=_requirements)

    @classmethod
    def everything(cls) -> FieldSelector:
        """Return the selector without conditions."""
        return _EVERYTHING

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        r"""Read a selector as kubectl and the API server do.

        Args:
            text: conditions joined by commas: `a=b`, `a==b`, `a!=b`. In values, commas, equals signs and backslashes
                are escaped by a backslash. Blanks are significant. Empty text matches everything.

        Raises:
            ConfigurationError: the text is not valid.
        """
        return _parse_fields(check_string(text, "a field selector"))

    @classmethod
    def coerce(cls, value: str | Mapping[str, str] | FieldSelector | None) -> FieldSelector:
        """Return the selector for a value that public arguments accept.

        Args:
            value: text to parse; a mapping of fields to their values; a selector; or None for everything.

        Raises:
            ConfigurationError: it has another type, or is invalid.
        """
        if value is None:
            return _EVERYTHING
        if isinstance(value, FieldSelector):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        return cls(
            FieldRequirement(field, "=", wanted) for field, wanted in check_string_pairs(value, "field_selector")
        )

    @property
    def is_empty(self) -> bool:
        """Whether there are no conditions, so that everything matches."""
        return not self.requirements

    def matches(self, get: Callable[[str], str]) -> bool:
        """Return whether every condition holds.

        Args:
            get: returns the value of a field by its name, empty if the object has none.
        """
        return all((get(r.field) == r.value) is (r.operator == "=") for r in self.requirements)

    def excludes(self, obj: Mapping[str, Any]) -> bool:
        """Return whether an object certainly does not match, as far as its JSON shows.

        A server has other names for some fields (`status.successful` of a Job), and fills in defaults. So an absent
        field excludes an object only if the wanted value is a word that no field has by default.

        Args:
            obj: the object as a JSON mapping.
        """
        return any(_excludes(requirement, obj) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __repr__(self) -> str:
        return f"FieldSelector.parse({str(self)!r})"


def _excludes(requirement: FieldRequirement, obj: Mapping[str, Any]) -> bool:
    wanted, is_equal = requirement.value, requirement.operator == "="
    value: Any = obj
    for part in requirement.field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return is_equal and "." in requirement.field and wanted not in {"", "false"} and not wanted.isdigit()
    if isinstance(value, (bool, int, str)):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return (text == wanted) is not is_equal
    return False


def _escape(value: str) -> str:
    return re.sub(r"[\\,=]", r"\\\g<0>", value)


@lru_cache(maxsize=256)  # the same text is parsed again and again
def _parse_fields(text: str) -> FieldSelector:
    requirements: list[FieldRequirement] = []
    start = 0
    while start <= len(text):
        found = _TERM.match(text, start)
        assert found is not None  # it matches the empty string too
        if found[0]:
            requirements.append(_parse_term(text, start, found[0]))
        start = found.end() + 1
    return FieldSelector(requirements)


def _parse_term(text: str, start: int, term: str) -> FieldRequirement:
    found = _OPERATOR.search(term)
    if found is None:
        raise _wrong(text, start, f"{term!r} has no operator; right is field=value, field==value or field!=value")
    field = term[: found.start()]
    if problem := _name_problem(field):
        raise _wrong(text, start, problem)
    value = term[found.end() :]
    for part in _VALUE_PART.finditer(value):
        position = start + found.end() + part.start()
        if part[2]:
            raise _wrong(text, position, f"{part[2]!r} in a value needs a backslash before it")
        if part[1] not in {"\\", ",", "="}:
            raise _wrong(text, position, "a backslash stands before ',', '=' or another backslash only")
    operator: FieldOperator = "!=" if found[0] == "!=" else "="
    return FieldRequirement(field, operator, re.sub(r"\\(.)", r"\1", value))


def _wrong(text: str, position: int, problem: str) -> ConfigurationError:
    return ConfigurationError(f"field selector {text!r}, position {position}: {problem}")


_EVERYTHING = FieldSelector()

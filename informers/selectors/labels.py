"""Label selectors: parse, match, print.

Upstream: k8s.io/apimachinery/pkg/labels/selector.go (v0.37).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, final

import attrs

from informers._base.checks import check_instances, check_items, check_string, check_string_pairs, fields_of
from informers.errors import ConfigurationError
from informers.selectors.requirements import LabelOperator, LabelRequirement, key_problem, value_problem, whole_number

if TYPE_CHECKING:
    from kubernetes.client import V1LabelSelector

__all__ = ["LabelSelector"]

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+|\Z)")
_SYMBOLS = frozenset(["", "=", "==", "!=", "!", "(", ")", ",", "<", ">"])
_OPERATORS: Mapping[str, LabelOperator] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "in": "in",
    "notin": "notin",
    ">": ">",
    "<": "<",
}
_EXPRESSION_OPERATORS: Mapping[object, LabelOperator] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
}


def _requirements(given: Iterable[LabelRequirement]) -> tuple[LabelRequirement, ...]:
    return tuple(sorted(check_instances(given, LabelRequirement), key=lambda r: (r.key, r.operator, r.values)))


# A label's value, or None if it is missing, is (or is not) one of some values.
_Membership = tuple[str, frozenset[str | None], bool]
# A label's value, as a number, is between two others.
_Bounds = tuple[str, int, int]


def _memberships(selector: LabelSelector) -> tuple[_Membership, ...]:
    return tuple(
        (r.key, frozenset(r.values or (None,)), r.operator in {"=", "in", "!"})
        for r in selector.requirements
        if r.operator not in {">", "<"}
    )


def _bounds(selector: LabelSelector) -> tuple[_Bounds, ...]:
    return tuple(
        (r.key, int(r.values[0]), 2**63) if r.operator == ">" else (r.key, -(2**63) - 1, int(r.values[0]))
        for r in selector.requirements
        if r.operator in {">", "<"}
    )


@final
@attrs.frozen(repr=False)
class LabelSelector:
    """Conditions on labels, all of which must hold.

    `str()` returns the text for the API server, always the same for the same conditions.

    Args:
        requirements: the conditions, in any order; none matches everything.

    Example:
        >>> selector = LabelSelector.parse("tier in (web, api), !canary")
        >>> selector.matches({"tier": "web"})
        True
        >>> str(selector)
        '!canary,tier in (api,web)'

    Thread safety: a value; may be shared.

    Upstream: k8s.io/apimachinery/pkg/labels/selector.go (v0.37).
    """

    requirements: tuple[LabelRequirement, ...] = attrs.field(default=(), converter=_requirements)
    # `matches` reads these two.
    _memberships: tuple[_Membership, ...] = attrs.field(
        init=False, eq=False, default=attrs.Factory(_memberships, takes_self=True)
    )
    _bounds: tuple[_Bounds, ...] = attrs.field(init=False, eq=False, default=attrs.Factory(_bounds, takes_self=True))

    @classmethod
    def everything(cls) -> LabelSelector:
        """Return the selector without conditions."""
        return _EVERYTHING

    @classmethod
    def nothing(cls) -> LabelSelector:
        """Return a selector that no labels match: its two conditions contradict each other."""
        return _NOTHING

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read a selector as kubectl and the API server do.

        Args:
            text: conditions joined by commas: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`,
                `a>1`, `a<1`. Empty text matches everything.

        Raises:
            ConfigurationError: the text, a key or a value is not valid.
        """
        return _parse_labels(check_string(text, "a label selector"))

    @classmethod
    def from_label_selector(cls, selector: V1LabelSelector | Mapping[str, Any] | None) -> LabelSelector:
        """Return the selector for a `LabelSelector` in an object, for example a Deployment's `spec.selector`.

        Args:
            selector: the official client's model or its JSON mapping, with `matchLabels` and
                `matchExpressions`. None matches nothing; one without conditions matches everything.

        Raises:
            ConfigurationError: it is neither, or a condition is invalid.

        Upstream: k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector (v0.37).
        """
        if selector is None:
            return cls.nothing()
        labels, expressions = fields_of(
            selector, "a label selector", matchLabels="match_labels", matchExpressions="match_expressions"
        )
        requirements = [
            LabelRequirement(key, "=", (value,)) for key, value in check_string_pairs(labels or {}, "matchLabels")
        ]
        for expression in check_items(expressions or (), "matchExpressions"):
            key, operator, values = fields_of(
                expression, "a match expression", key="key", operator="operator", values="values"
            )
            if check_string(operator, f"operator of the match expression on {key!r}") not in _EXPRESSION_OPERATORS:
                raise ConfigurationError(
                    f"match expression on {key!r}: operator must be In, NotIn, Exists or DoesNotExist: got {operator!r}"
                )
            requirements.append(LabelRequirement(key, _EXPRESSION_OPERATORS[operator], values or ()))
        return cls(requirements)

    @classmethod
    def coerce(cls, value: str | Mapping[str, str] | LabelSelector | None) -> LabelSelector:
        """Return the selector for a value that public arguments accept.

        Args:
            value: text to parse; a mapping of labels, all required; a selector; or None for everything.

        Raises:
            ConfigurationError: it has another type, or is invalid.
        """
        if value is None:
            return _EVERYTHING
        if isinstance(value, LabelSelector):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        return cls(LabelRequirement(key, "=", (label,)) for key, label in check_string_pairs(value, "label_selector"))

    @property
    def is_empty(self) -> bool:
        """Whether there are no conditions, so that everything matches."""
        return not self.requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether `labels` meet every condition."""
        get = labels.get
        for key, values, wanted in self._memberships:
            if (get(key) in values) is not wanted:
                return False
        for key, low, high in self._bounds:
            number = whole_number(get(key, ""))
            if number is None or not low < number < high:
                return False
        return True

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))

    def __repr__(self) -> str:
        return f"LabelSelector.parse({str(self)!r})"


@final
class _LabelParser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(found.start(1), found[1]) for found in _TOKEN.finditer(text)]
        self._next = 0

    def parse(self) -> Iterator[LabelRequirement]:
        if not self._peek():
            return
        yield self._requirement()
        while self._peek():
            self._take([","], "',' or the end")
            yield self._requirement()

    def _requirement(self) -> LabelRequirement:
        negated = self._accept("!")
        key = self._word("a label key" if negated else "a label key or '!'")
        self._check(key_problem(key), self._tokens[self._next - 1][0])
        if negated:
            return LabelRequirement(key, "!")
        if self._peek() in {"", ","}:
            return LabelRequirement(key, "exists")
        operator = _OPERATORS[self._take(_OPERATORS, "one of =, ==, !=, in, notin, >, <, ',' or the end")]
        return LabelRequirement(key, operator, tuple(self._values(operator)))

    def _values(self, operator: LabelOperator) -> Iterator[str]:
        if operator not in {"in", "notin"}:
            yield self._value(operator, {"", ","}, "a value")
            return
        self._take(["("], "'('")
        yield self._value(operator, {",", ")"}, "a value, ',' or ')'")
        while not self._accept(")"):
            self._take([","], "',' or ')'")
            yield self._value(operator, {",", ")"}, "a value, ',' or ')'")

    def _value(self, operator: LabelOperator, ends: set[str], expected: str) -> str:
        position = self._tokens[self._next][0]
        value = "" if self._peek() in ends else self._word(expected)
        self._check(value_problem(operator, value), position)
        return value

    def _peek(self) -> str:
        return self._tokens[self._next][1]

    def _accept(self, token: str) -> bool:
        found = self._peek() == token
        self._next += found
        return found

    def _take(self, allowed: Container[str], expected: str) -> str:
        if self._peek() not in allowed:
            raise self._unexpected(expected)
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _word(self, expected: str) -> str:
        if self._peek() in _SYMBOLS:
            raise self._unexpected(expected)
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _check(self, problem: str, position: int) -> None:
        if problem:
            raise ConfigurationError(f"label selector {self._text!r}, position {position}: {problem}")

    def _unexpected(self, expected: str) -> ConfigurationError:
        position, token = self._tokens[self._next]
        found = repr(token) if token else "the end"
        return ConfigurationError(
            f"label selector {self._text!r}, position {position}: found {found}, expected {expected}"
        )


@lru_cache(maxsize=256)  # listers are asked with the same text again and again
def _parse_labels(text: str) -> LabelSelector:
    return LabelSelector(_LabelParser(text).parse())


_EVERYTHING = LabelSelector()
_NOTHING = LabelSelector([LabelRequirement("nothing", "exists"), LabelRequirement("nothing", "!")])

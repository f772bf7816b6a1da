"""Label and field selectors, with the tables of k8s.io/apimachinery v0.37.

Comments name the upstream tests: labels and fields in pkg/{labels,fields}/selector_test.go, content in
pkg/api/validate/content/kube_test.go, helpers in pkg/apis/meta/v1/helpers_test.go.
"""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client

from informers.errors import ConfigurationError
from informers.selectors import FieldRequirement, FieldSelector, LabelRequirement, LabelSelector

R = LabelRequirement


# --- labels: parse and print


# labels: TestSelectorParse
@pytest.mark.parametrize(
    "text",
    ["x=a,y=b,z=c", "", "x!=a,y=b", "x=", "x= ", "x=,z= ", "x= ,z= ", "!x", "x>1", "x>1,z<5"],
)
def test_a_good_label_selector_prints_as_it_was_written_without_blanks(text: str) -> None:
    assert str(LabelSelector.parse(text)) == text.replace(" ", "")


# labels: TestSelectorParse
@pytest.mark.parametrize("text", ["x=a||y=b", "x==a==b", "!x=a", "x<a"])
def test_a_bad_label_selector_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        LabelSelector.parse(text)


# labels: TestSetSelectorParser, TestLexer, TestLexerSequence, TestParserLookahead
@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        ("\rx", [R("x", "exists")]),
        ("this-is-a-dns.domain.com/key-with-dash", [R("this-is-a-dns.domain.com/key-with-dash", "exists")]),
        (
            "this-is-another-dns.domain.com/key-with-dash in (so,what)",
            [R("this-is-another-dns.domain.com/key-with-dash", "in", ("so", "what"))],
        ),
        (
            "0.1.2.domain/99 notin (10.10.100.1, tick.tack.clock)",
            [R("0.1.2.domain/99", "notin", ("10.10.100.1", "tick.tack.clock"))],
        ),
        ("foo  in\t (abc)", [R("foo", "in", ("abc",))]),
        ("x notin\n (abc)", [R("x", "notin", ("abc",))]),
        ("x  notin\t\t\t(abc,def)", [R("x", "notin", ("abc", "def"))]),
        ("x in (abc,def)", [R("x", "in", ("abc", "def"))]),
        ("x in (abc,)", [R("x", "in", ("abc", ""))]),
        ("x in (abc,abc)", [R("x", "in", ("abc",))]),
        ("x in ()", [R("x", "in", ("",))]),
        ("x in (a,,)", [R("x", "in", ("a", ""))]),
        ("x in (a,,,)", [R("x", "in", ("a", ""))]),
        ("x in (a,,,,,,)", [R("x", "in", ("a", ""))]),
        ("x in (a,,a,,a,,a,,)", [R("x", "in", ("a", ""))]),
        (
            "x notin (abc,,def),bar,z in (),w",
            [R("bar", "exists"), R("w", "exists"), R("x", "notin", ("abc", "", "def")), R("z", "in", ("",))],
        ),
        ("x,y in (a)", [R("y", "in", ("a",)), R("x", "exists")]),
        ("x=a", [R("x", "=", ("a",))]),
        ("x==a", [R("x", "=", ("a",))]),
        ("x>1", [R("x", ">", ("1",))]),
        ("x<7", [R("x", "<", ("7",))]),
        ("x=a,y!=b", [R("x", "=", ("a",)), R("y", "!=", ("b",))]),
        ("x=a,y!=b,z in (h,i,j)", [R("x", "=", ("a",)), R("y", "!=", ("b",)), R("z", "in", ("h", "i", "j"))]),
        ("x notin ( )", [R("x", "notin", ("",))]),
        ("x notin (, a)", [R("x", "notin", ("", "a"))]),
        ("a ", [R("a", "exists")]),
        ("a in (x,y,notin, z,in)", [R("a", "in", ("in", "notin", "x", "y", "z"))]),
        ("notin=in", [R("notin", "=", ("in",))]),
        ("in in (in)", [R("in", "in", ("in",))]),
        ("x in (),y", [R("x", "in", ("",)), R("y", "exists")]),
        ("! x", [R("x", "!")]),
    ],
)
def test_the_whole_grammar_of_label_selectors_is_read(text: str, requirements: list[LabelRequirement]) -> None:
    selector = LabelSelector.parse(text)

    assert selector == LabelSelector(requirements)
    assert LabelSelector.parse(str(selector)) == selector


# labels: TestSetSelectorParser, TestParseOperator
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=a||y=b", r"position 2: label value 'a\|\|y': it must be empty, or be of 1 to 63 letters"),
        ("x==a==b", "position 4: found '==', expected ',' or the end"),
        ("!x=a", "position 2: found '=', expected ',' or the end"),
        ("x<a", "position 2: label value 'a': '<' compares with a whole number"),
        ("x>-1", "position 2: label value '-1': it must be empty, or be of"),
        ("x>9223372036854775808", "position 2: label value '9223372036854775808': '>' compares with a whole number"),
        ("x>", "position 2: label value '': '>' compares with a whole number"),
        ("x>,y", "position 2: label value '': '>' compares with a whole number"),
        ("x,,y", "position 2: found ',', expected a label key or '!'"),
        (",x,y", "position 0: found ',', expected a label key or '!'"),
        ("x nott in (y)", "position 2: found 'nott', expected one of =, ==, !=, in, notin, >, <, ',' or the end"),
        ("a in (xyz),", "position 11: found the end, expected a label key or '!'"),
        ("a in (xyz)b notin ()", "position 10: found 'b', expected ',' or the end"),
        ("a in (xyz abc)", r"position 10: found 'abc', expected ',' or '\)'"),
        ("a in xyz", r"position 5: found 'xyz', expected '\('"),
        ("a notin(", r"position 8: found the end, expected a value, ',' or '\)'"),
        ("a in (b,", r"position 8: found the end, expected a value, ',' or '\)'"),
        ("a in (b!", r"position 7: found '!', expected ',' or '\)'"),
        ("a (", r"position 2: found '\(', expected one of"),
        ("a !", "position 2: found '!', expected one of"),
        ("a exists", "position 2: found 'exists', expected one of"),
        ("(", r"position 0: found '\(', expected a label key or '!'"),
        ("!", "position 1: found the end, expected a label key"),
        ("!!a", "position 1: found '!', expected a label key"),
        ("a=(", r"position 2: found '\(', expected a value"),
        ("  -a = b", "position 2: label key '-a': the name must be of 1 to 63"),
        ("a/b/c", "position 0: label key 'a/b/c': what stands before '/' must be a lower-case DNS name"),
        ("a=b\x00c", "position 2: label value"),
        ("a\u00a0=b", "position 0: label key"),
    ],
)
def test_a_bad_label_selector_is_refused_with_its_position_and_what_is_right(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LabelSelector.parse(text)


# labels: TestDeterministicParse, TestRequirementEqual
def test_the_order_of_conditions_does_not_matter() -> None:
    assert LabelSelector.parse("x=a,a=x") == LabelSelector.parse("a==x,x=a")
    assert str(LabelSelector.parse("x=a,a=x")) == str(LabelSelector.parse("a==x,x=a")) == "a=x,x=a"
    assert hash(LabelSelector.parse("x in (b,a)")) == hash(LabelSelector.parse("x in (a,b,a)"))
    assert R("key", "=", ("foo",)) != R("key", "in", ("foo",)) != R("key1", "in", ("foo",))


# labels: TestToString, TestSafeSort, TestAdd
@pytest.mark.parametrize(
    ("requirements", "text"),
    [
        (
            [R("x", "in", ("abc", "def")), R("y", "notin", ("jkl",)), R("z", "exists")],
            "x in (abc,def),y notin (jkl),z",
        ),
        ([R("x", "notin", ("def", "abc")), R("y", "!=", ("jkl",)), R("z", "!")], "x notin (abc,def),y!=jkl,!z"),
        (
            [R("x", "notin", ("abc",)), R("y", "in", ("jkl", "mno")), R("z", "notin", ("",))],
            "x notin (abc),y in (jkl,mno),z notin ()",
        ),
        ([R("x", "=", ("abc",)), R("z", "!=", ("a",)), R("z", "exists")], "x=abc,z!=a,z"),
        ([R("x", ">", ("2",)), R("y", "<", ("8",)), R("z", "exists")], "x>2,y<8,z"),
        ([R("x", "in", ("", "a"))], "x in (,a)"),
    ],
)
def test_a_label_selector_prints_what_a_server_takes(requirements: list[LabelRequirement], text: str) -> None:
    assert str(LabelSelector(requirements)) == text
    assert LabelSelector.parse(text) == LabelSelector(requirements)


# --- labels: requirements


# labels: TestRequirementConstructor
@pytest.mark.parametrize(
    ("key", "operator", "values", "message"),
    [
        ("x1", "in", (), "'in' needs at least one value"),
        ("x2", "notin", (), "'notin' needs at least one value"),
        ("x5", "=", ("foo", "bar"), "'=' takes one value: got 2"),
        ("x8", "exists", ("foo",), "'exists' takes no values: got 1"),
        ("x13", ">", (), "'>' takes one value: got 0"),
        ("x14", ">", ("bar",), "label value 'bar': '>' compares with a whole number"),
        ("x15", "<", ("bar",), "label value 'bar': '<' compares with a whole number"),
        ("a" * 254, "exists", (), "the name must be of 1 to 63"),
        ("x16", "=", ("a" * 254,), "it must be empty, or be of 1 to 63"),
        ("x17", "=", ("a b",), "it must be empty, or be of 1 to 63"),
        ("x18", "unsupportedOp", (), "operator must be one of =, !=, in, notin, exists, !, >, <: got 'unsupportedOp'"),
        ("x19", "in", "abc", "must be several str, for example .*: got 'abc'"),
        ("x20", "in", (1,), "each of values of a label requirement must be a str: got 1, a int"),
        ("x21", None, (), "operator of a label requirement must be a str"),
        (None, "exists", (), "a label key must be a str: got None"),
    ],
)
def test_a_wrong_label_requirement_is_refused(key: str, operator: str, values: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LabelRequirement(key, operator, values)  # type: ignore[arg-type]  # what is wrong is the point


# content: TestIsLabelKey
@pytest.mark.parametrize(
    "key",
    [
        "simple",
        "now-with-dashes",
        "1-starts-with-num",
        "1234",
        "simple/simple",
        "now-with-dashes/simple",
        "now.with.dots/simple",
        "now-with.dashes-and.dots/simple",
        "1-num.2-num/3-num",
        "1.2.3.4/5678",
        "Uppercase_Is_OK_123",
        "example.com/Uppercase_Is_OK_123",
        "requests.storage-foo",
        "a" * 63,
        "a" * 253 + "/" + "b" * 63,
    ],
)
def test_a_valid_label_key_is_taken(key: str) -> None:
    assert LabelSelector.parse(key).matches({key: ""})


# content: TestIsLabelKey
@pytest.mark.parametrize(
    "key",
    [
        "nospecialchars%^=@",
        "cantendwithadash-",
        "-cantstartwithadash-",
        "only/one/slash",
        "Example.com/abc",
        "example_com/abc",
        "example.com/",
        "/simple",
        "trailing-newline\n",
        "a" * 64,
        "a" * 254 + "/abc",
    ],
)
def test_an_invalid_label_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="label key"):
        LabelRequirement(key, "exists")


# content: TestIsLabelValue
@pytest.mark.parametrize(
    "value",
    [
        "nospecialchars%^=@",
        "Tama-nui-te-r\u0101.is.M\u0101ori.sun",
        "\\backslashes\\are\\bad",
        "-starts-with-dash",
        "ends-with-dash-",
        ".starts.with.dot",
        "ends.with.dot.",
        "trailing-newline\n",
        "a" * 64,
    ],
)
def test_an_invalid_label_value_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="label value"):
        LabelRequirement("x", "in", ["fine", value])


# content: TestIsLabelValue
@pytest.mark.parametrize("value", ["simple", "now-with-dashes", "1-starts-with-num", "1234", "a" * 63, ""])
def test_a_valid_label_value_is_taken(value: str) -> None:
    assert LabelSelector.parse(f"x={value}").matches({"x": value})


# --- labels: match


# labels: TestSelectorMatches, TestRequirementSelectorMatching
@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {"x": "y"}, True),
        ("x=y", {"x": "y"}, True),
        ("x=y,z=w", {"x": "y", "z": "w"}, True),
        ("x!=y,z!=w", {"x": "z", "z": "a"}, True),
        ("x!=y", {}, True),
        ("notin=in", {"notin": "in"}, True),
        ("x", {"x": "z"}, True),
        ("!x", {"y": "z"}, True),
        ("x>1", {"x": "2"}, True),
        ("x<1", {"x": "0"}, True),
        ("x=z", {}, False),
        ("x=y", {"x": "z"}, False),
        ("x=y,z=w", {"x": "w", "z": "w"}, False),
        ("x!=y,z!=w", {"x": "z", "z": "w"}, False),
        ("x", {"y": "z"}, False),
        ("!x", {"x": "z"}, False),
        ("x>1", {"x": "0"}, False),
        ("x<1", {"x": "2"}, False),
        ("foo=bar", {"foo": "bar", "baz": "blah"}, True),
        ("foo=bar,baz=blah", {"foo": "bar", "baz": "blah"}, True),
        ("foo=blah", {"foo": "bar", "baz": "blah"}, False),
        ("foo=bar,foobar=bar,baz=blah", {"foo": "bar", "baz": "blah"}, False),
        ("x in (foo),y notin (alpha)", {"x": "foo", "y": "baz"}, True),
        ("x in (foo),y in (alpha)", {"x": "foo", "y": "baz"}, False),
        ("x notin (),y", {"y": ""}, True),
        ("!x,y", {"y": ""}, True),
        ("x notin (),!y", {"y": ""}, False),
        ("x in ()", {"y": "baz"}, False),
        ("x=", {}, False),
        ("z>1", {"z": "2"}, True),
        ("z>1", {"z": "1"}, False),
        ("z<1", {"z": "1"}, False),
        ("z>1", {}, False),
        ("z<1", {}, False),
        ("z>1", {"z": "v2"}, False),
        ("z>1", {"z": " 2"}, False),
        ("z>1", {"z": "1_0"}, False),
        ("z>1", {"z": "\u0662"}, False),
        ("z>1", {"z": "9223372036854775807"}, True),
        ("z>1", {"z": "9223372036854775808"}, False),
        ("z<1", {"z": "-9223372036854775808"}, True),
        ("z<1", {"z": "-9223372036854775809"}, False),
        ("z<5,z>1", {"z": "3"}, True),
        ("z<5,z>1", {"z": "7"}, False),
    ],
)
def test_labels_match_when_every_condition_holds(text: str, labels: dict[str, str], matches: bool) -> None:
    assert LabelSelector.parse(text).matches(labels) is matches


# labels: TestEverything, TestNilMapIsValid, TestSetIsEmpty, TestMatchesNothing
def test_everything_and_nothing_are_what_they_say() -> None:
    assert LabelSelector.everything().is_empty
    assert LabelSelector.everything() == LabelSelector.parse(" ") == LabelSelector.coerce({})
    assert LabelSelector.everything().matches({})
    assert not LabelSelector.nothing().is_empty
    assert not any(LabelSelector.nothing().matches(labels) for labels in ({}, {"nothing": ""}, {"x": "y"}))


def test_nothing_prints_as_something_that_a_server_matches_with_nothing() -> None:
    assert LabelSelector.parse(str(LabelSelector.nothing())) == LabelSelector.nothing() != LabelSelector.everything()


# --- labels: from other forms


# labels: TestSetMatches, TestSetSelectorString, TestValidatedSelectorFromSet
def test_a_mapping_of_labels_wants_each_of_them() -> None:
    selector = LabelSelector.coerce({"app": "foo", "a": "b"})

    assert str(selector) == "a=b,app=foo"
    assert selector.matches({"app": "foo", "a": "b", "more": "c"})
    assert not selector.matches({"app": "foo"})


def test_public_arguments_take_text_a_selector_or_none() -> None:
    selector = LabelSelector.parse("a=b")

    assert LabelSelector.coerce(selector) is selector
    assert LabelSelector.coerce("a=b") == selector
    assert LabelSelector.coerce(None) == LabelSelector.everything()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "label_selector must be a text, for example 'app=web', a mapping .*: got 5, a int"),
        (b"a=b", "label_selector must be a text"),
        ({"a": 1}, r"label_selector\['a'\] must be a str: got 1, a int"),
        ({1: "a"}, "a key of label_selector must be a str: got 1"),
        ({"Key": "axahm2EJ8Phiephe2eixohbee9eGeiyees1thuozi1xoh0GiuH3diewi8iem7Nui"}, "of 1 to 63 letters"),
    ],
)
def test_other_arguments_are_refused(value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LabelSelector.coerce(value)  # type: ignore[arg-type]  # what is wrong is the point


def test_parse_takes_text_alone() -> None:
    with pytest.raises(ConfigurationError, match="a label selector must be a str: got None"):
        LabelSelector.parse(None)  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match=r"several LabelRequirement: got 'a=b'; text is read by parse\(\)"):
        LabelSelector("a=b")  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="one is 'a=b', a str"):
        LabelSelector(["a=b"])  # type: ignore[list-item]  # what is wrong is the point


def _model(
    labels: dict[str, str] | None = None, *expressions: tuple[str, str, list[str] | None]
) -> client.V1LabelSelector:
    return client.V1LabelSelector(
        match_labels=labels,
        match_expressions=[
            client.V1LabelSelectorRequirement(key=key, operator=operator, values=values)
            for key, operator, values in expressions
        ]
        or None,
    )


# helpers: TestLabelSelectorAsSelector
@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (_model(), ""),
        (_model({"foo": "bar"}), "foo=bar"),
        (_model(None, ("baz", "In", ["qux", "norf"])), "baz in (norf,qux)"),
        (_model({"foo": "bar"}, ("baz", "In", ["qux", "norf"])), "baz in (norf,qux),foo=bar"),
        (_model(None, ("a", "NotIn", ["x"]), ("b", "Exists", None), ("c", "DoesNotExist", [])), "a notin (x),b,!c"),
        ({}, ""),
        ({"matchLabels": None, "matchExpressions": None}, ""),
        ({"matchLabels": {"foo": "bar"}}, "foo=bar"),
        (
            {"matchLabels": {"foo": "bar"}, "matchExpressions": [{"key": "baz", "operator": "In", "values": ["q"]}]},
            "baz in (q),foo=bar",
        ),
        ({"matchExpressions": [{"key": "baz", "operator": "Exists"}]}, "baz"),
    ],
)
def test_the_selector_of_an_object_is_read_from_model_or_json(selector: object, text: str) -> None:
    assert LabelSelector.from_label_selector(selector) == LabelSelector.parse(text)  # type: ignore[arg-type]  # both


# helpers: TestLabelSelectorAsSelector
def test_no_selector_in_an_object_selects_nothing() -> None:
    assert LabelSelector.from_label_selector(None) == LabelSelector.nothing()


# helpers: TestLabelSelectorAsSelector
@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (_model(None, ("baz", "Exists", ["qux", "norf"])), "on 'baz': 'exists' takes no values: got 2"),
        (
            _model(None, ("baz", "in", ["qux"])),
            "on 'baz': operator must be In, NotIn, Exists or DoesNotExist: got 'in'",
        ),
        (_model(None, ("baz", "In", None)), "on 'baz': 'in' needs at least one value"),
        ({"match_labels": {"a": "b"}}, "has the fields matchLabels, matchExpressions, not 'match_labels'"),
        ({"matchLabels": {"a": None}}, r"matchLabels\['a'\] must be a str: got None"),
        ({"matchLabels": {"a": "b c"}}, "label value 'b c'"),
        ({"matchExpressions": 5}, "matchExpressions must be a list: got 5, a int"),
        ({"matchExpressions": [{"key": "a", "op": "In"}]}, "a match expression has the fields key, operator, values"),
        ({"matchExpressions": [{"key": "a"}]}, "operator of the match expression on 'a' must be a str: got None"),
        ("a=b", "a label selector must be the official client's model or its JSON mapping .*: got 'a=b', a str"),
    ],
)
def test_a_wrong_selector_of_an_object_is_refused(selector: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LabelSelector.from_label_selector(selector)  # type: ignore[arg-type]  # what is wrong is the point


# --- fields


# fields: TestSelectorParse, TestSplitTerms, TestSplitTerm
@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        ("x=a,y=b,z=c", [("x", "=", "a"), ("y", "=", "b"), ("z", "=", "c")]),
        ("x!=a,y=b", [("x", "!=", "a"), ("y", "=", "b")]),
        (r"x=a||y\=b", [("x", "=", "a||y=b")]),
        (r"x=a\=\=b", [("x", "=", "a==b")]),
        ("a=a,", [("a", "=", "a")]),
        (",a=a", [("a", "=", "a")]),
        ("a==a", [("a", "=", "a")]),
        ("a=", [("a", "=", "")]),
        ("a!=", [("a", "!=", "")]),
        (r"k=\,,k2=v2", [("k", "=", ","), ("k2", "=", "v2")]),
        (r"k=\\,k2=v2", [("k", "=", "\\"), ("k2", "=", "v2")]),
        (r"k=\\\,,k2=v2", [("k", "=", "\\,"), ("k2", "=", "v2")]),
        ("\ud568=\uc218,\ubaa9=\ub85d", [("\ud568", "=", "\uc218"), ("\ubaa9", "=", "\ub85d")]),
        ("a= b c ", [("a", "=", " b c ")]),
    ],
)
def test_field_selectors_are_read(text: str, requirements: list[tuple[str, str, str]]) -> None:
    selector = FieldSelector.parse(text)

    assert {(r.field, r.operator, r.value) for r in selector.requirements} == set(requirements)
    assert FieldSelector.parse(str(selector)) == selector


# fields: TestSelectorParse
@pytest.mark.parametrize("text", ["x=a,y=b,z=c", "", "x!=a,y=b", r"x=a||y\=b", r"x=a\=\=b"])
def test_a_good_field_selector_prints_as_it_was_written(text: str) -> None:
    assert str(FieldSelector.parse(text)) == text


# fields: TestSelectorParse, TestEscapeValue
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=a||y=b", "position 6: '=' in a value needs a backslash before it"),
        ("x==a==b", "position 4: '=' in a value needs a backslash before it"),
        ("x=a,b", "position 4: 'b' has no operator; right is field=value, field==value or field!=value"),
        ("x in (a)", r"position 0: 'x in \(a\)' has no operator"),
        ("x in (a,b,c)", r"position 0: 'x in \(a' has no operator"),
        ("x", "position 0: 'x' has no operator"),
        ("x=\\", "position 2: a backslash stands before"),
        ("x=\\\\\\", "position 4: a backslash stands before"),
        ("x=a\\a", "position 3: a backslash stands before ',', '=' or another backslash only"),
        ("=x", "position 0: there is no field before the operator"),
        ("a=b,c d=e", "position 4: field 'c d': its name holds ' '"),
        ("metadata.name = x", "position 0: field 'metadata.name ': its name holds ' '; right is, for example"),
        ("a\\,b=c", "position 0: field .*: its name holds"),
    ],
)
def test_a_bad_field_selector_is_refused_with_its_position_and_what_is_right(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FieldSelector.parse(text)


# fields: TestEscapeValue
@pytest.mark.parametrize(
    ("value", "escaped"),
    [("", ""), ("a", "a"), ("=", r"\="), (",", r"\,"), ("\\", r"\\"), ("\\=\\,\\", "\\\\\\=\\\\\\,\\\\")],
)
def test_values_of_fields_are_escaped(value: str, escaped: str) -> None:
    assert str(FieldRequirement("x", "=", value)) == f"x={escaped}"
    assert FieldSelector.parse(f"x={escaped}").requirements[0].value == value


# fields: TestDeterministicParse
def test_the_order_of_conditions_on_fields_does_not_matter() -> None:
    assert FieldSelector.parse("x=a,a=x") == FieldSelector.parse("a==x,x=a")
    assert str(FieldSelector.parse("x=a,a=x")) == "a=x,x=a"


# fields: TestSelectorMatches, TestSetMatches, TestOneTermEqualSelector, TestEverything
@pytest.mark.parametrize(
    ("text", "fields", "matches"),
    [
        ("", {"x": "y"}, True),
        ("x=y", {"x": "y"}, True),
        ("x=y,z=w", {"x": "y", "z": "w"}, True),
        ("x!=y,z!=w", {"x": "z", "z": "a"}, True),
        ("notin=in", {"notin": "in"}, True),
        ("x=y", {"x": "z"}, False),
        ("x=y,z=w", {"x": "w", "z": "w"}, False),
        ("x!=y,z!=w", {"x": "z", "z": "w"}, False),
        (r"foo=bar,complex=\=value\\\,\\", {"foo": "bar", "complex": "=value\\,\\"}, True),
        ("foo=bar,foobar=bar", {"foo": "bar"}, False),
        ("spec.nodeName=", {}, True),
        ("spec.nodeName!=", {}, False),
    ],
)
def test_fields_match_when_every_condition_holds(text: str, fields: dict[str, str], matches: bool) -> None:
    assert FieldSelector.parse(text).matches(lambda field: fields.get(field, "")) is matches


def test_field_selectors_are_made_of_what_public_arguments_accept() -> None:
    selector = FieldSelector.parse(r"metadata.name=a\,b")

    assert FieldSelector.coerce(selector) is selector
    assert FieldSelector.coerce(r"metadata.name=a\,b") == selector
    assert FieldSelector.coerce({"metadata.name": "a,b"}) == selector
    assert FieldSelector.coerce(None) == FieldSelector.everything()
    assert FieldSelector.everything().is_empty
    assert not selector.is_empty


def test_other_arguments_for_fields_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="field_selector must be a text"):
        FieldSelector.coerce(5)  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="a field selector must be a str: got None"):
        FieldSelector.parse(None)  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="operator of a field requirement must be '=' or '!=': got 'in'"):
        FieldRequirement("a", "in", "b")  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="operator of a field requirement must be a str"):
        FieldRequirement("a", [], "b")  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="field requirement: field 'a!': its name holds '!'"):
        FieldRequirement("a!", "=", "b")
    with pytest.raises(ConfigurationError, match="value of the field requirement on 'a' must be a str: got 1"):
        FieldRequirement("a", "=", 1)  # type: ignore[arg-type]  # what is wrong is the point
    with pytest.raises(ConfigurationError, match="several FieldRequirement"):
        FieldSelector("a=b")  # type: ignore[arg-type]  # what is wrong is the point


# --- both


@pytest.mark.parametrize("selector", [LabelSelector.parse("a>1,b in (c,d),!e"), FieldSelector.parse(r"a=\,,b!=c")])
def test_selectors_are_values_that_pickle_and_print_as_code(selector: LabelSelector | FieldSelector) -> None:
    assert pickle.loads(pickle.dumps(selector)) == selector
    assert eval(repr(selector)) == selector
    with pytest.raises(AttributeError):
        selector.requirements = ()  # type: ignore[misc]  # frozen


WORDS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,8}[A-Za-z0-9])?", fullmatch=True)
VALUES = st.just("") | WORDS
REQUIREMENTS = st.one_of(
    st.builds(lambda key, op, value: R(key, op, (value,)), WORDS, st.sampled_from(["=", "!="]), VALUES),
    st.builds(R, WORDS, st.sampled_from(["in", "notin"]), st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(R, WORDS, st.sampled_from(["exists", "!"])),
    st.builds(
        lambda key, op, value: R(key, op, (str(value),)), WORDS, st.sampled_from([">", "<"]), st.integers(0, 2**63 - 1)
    ),
)


@given(st.lists(REQUIREMENTS, max_size=4))
def test_any_label_selector_survives_being_printed_and_parsed(requirements: list[LabelRequirement]) -> None:
    selector = LabelSelector(requirements)

    assert LabelSelector.parse(str(selector)) == selector


@given(st.text(alphabet="ab=!<>(), notin1/-", max_size=12))
def test_any_text_is_a_label_selector_or_refused_in_words(text: str) -> None:
    try:
        selector = LabelSelector.parse(text)
    except ConfigurationError as error:
        problem = str(error)
    else:
        problem = ""
        assert LabelSelector.parse(str(selector)) == selector
    assert not problem or "position" in problem


@given(st.text(max_size=20))
def test_any_value_of_a_field_survives_being_printed_and_parsed(value: str) -> None:
    selector = FieldSelector([FieldRequirement("a", "!=", value), FieldRequirement("b", "=", value)])

    assert FieldSelector.parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("selector", "excluded"),
    [
        ("metadata.name=web", False),
        ("metadata.name=other", True),
        ("metadata.name!=web", True),
        ("metadata.name!=other", False),
        ("spec.hostNetwork=true", False),
        ("spec.hostNetwork=false", True),
        ("status.replicas=3", False),
        ("status.replicas=2", True),
        ("spec.nodeName=node-1", True),
        ("spec.nodeName!=node-1", False),
        # Perhaps a default, another name for the field, or not a text.
        ("spec.nodeName=", False),
        ("spec.unschedulable=false", False),
        ("status.successful=1", False),
        ("name=other", False),
        ("spec=x", False),
        ("metadata.name=web,spec.nodeName=node-1", True),
    ],
)
def test_an_object_is_excluded_only_where_its_json_says_so(selector: str, excluded: bool) -> None:
    obj = {"metadata": {"name": "web"}, "spec": {"hostNetwork": True}, "status": {"replicas": 3}}
    assert FieldSelector.parse(selector).excludes(obj) is excluded

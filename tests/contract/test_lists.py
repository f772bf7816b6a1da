"""Lists: shape, order, pages, versions, and the wording of what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from tests.contract.conftest import Namespace
from tests.contract.server import Server, decode_pairs

TOO_OLD_LIST = "The resourceVersion for the provided list is too old."


def names(answer: dict[str, object]) -> list[str]:
    items = answer["items"]
    assert isinstance(items, list)
    return [item["metadata"]["name"] for item in items]


@pytest.fixture
def abc(space: Namespace) -> Namespace:
    for name in "bca":
        space.config_map(name, letter=name)
    return space


def test_items_come_in_order_of_name_without_kind_and_version(server: Server, abc: Namespace) -> None:
    answer = server.get(abc.path("configmaps"))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.raw.endswith(b"}\n")
    assert names(answer.json()) == ["a", "b", "c"]
    pairs = dict(decode_pairs(answer.raw))
    assert list(pairs) == ["kind", "apiVersion", "metadata", "items"]
    assert pairs["kind"] == "ConfigMapList"
    assert [field for field, _ in pairs["metadata"]] == ["resourceVersion"]
    assert [field for field, _ in pairs["items"][0]] == ["metadata"]


def test_an_empty_list_has_an_empty_array(server: Server, path: str) -> None:
    answer = server.get(path)
    version = answer.json()["metadata"]["resourceVersion"]
    expected = {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": []}
    assert answer.raw == json.dumps(expected, separators=(",", ":")).encode() + b"\n"


def test_a_namespace_that_does_not_exist_lists_as_empty(server: Server) -> None:
    assert server.get("/api/v1/namespaces/nowhere/configmaps").ok()["items"] == []


def test_a_list_is_at_least_as_new_as_the_writes_before_it(server: Server, space: Namespace) -> None:
    made = space.config_map("a")
    listed = server.get(space.path("configmaps")).ok()
    assert int(listed["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])


def test_a_list_of_all_namespaces_is_in_order_of_the_stored_keys(
    server: Server, make_namespace: Callable[[str], Namespace]
) -> None:
    # The key is namespace/name, and "-" comes before "/".
    for name in ("order", "order-a", "order0"):
        make_namespace(name).config_map("x", order="keys")
    listed = server.get("/api/v1/configmaps", labelSelector="order=keys").ok()
    assert [item["metadata"]["namespace"] for item in listed["items"]] == ["order-a", "order", "order0"]


def test_pages_add_up_to_the_list_at_one_version(server: Server, abc: Namespace) -> None:
    path = abc.path("configmaps")
    first = server.get(path, limit=2)
    metadata = first.ok()["metadata"]
    assert list(metadata) == ["resourceVersion", "continue", "remainingItemCount"]
    assert names(first.json()) == ["a", "b"]
    assert metadata["remainingItemCount"] == 1
    second = server.get(path, limit=2, **{"continue": metadata["continue"]}).ok()
    assert names(second) == ["c"]
    assert second["metadata"] == {"resourceVersion": metadata["resourceVersion"]}


def test_pages_show_the_state_of_the_first_whatever_is_written_meanwhile(server: Server, abc: Namespace) -> None:
    path = abc.path("configmaps")
    first = server.get(path, limit=1).ok()["metadata"]
    server.send("DELETE", f"{path}/b").ok()
    server.patch(f"{path}/c", {"data": {"new": "1"}}).ok()
    abc.config_map("d")
    second = server.get(path, limit=5, **{"continue": first["continue"]}).ok()
    assert names(second) == ["b", "c"]
    assert "data" not in second["items"][1]
    assert second["metadata"]["resourceVersion"] == first["resourceVersion"]


def test_a_continue_token_holds_the_version_and_the_next_key(server: Server, abc: Namespace) -> None:
    metadata = server.get(abc.path("configmaps"), limit=2).ok()["metadata"]
    token = metadata["continue"]
    decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert decoded["v"] == "meta.k8s.io/v1"
    assert decoded["rv"] == int(metadata["resourceVersion"])
    assert decoded["start"].endswith("b\0")


def test_a_page_of_a_selection_does_not_count_what_remains(server: Server, abc: Namespace) -> None:
    page = server.get(abc.path("configmaps"), limit=1, labelSelector="letter!=b").ok()
    assert list(page["metadata"]) == ["resourceVersion", "continue"]
    rest = server.get(
        abc.path("configmaps"), limit=5, labelSelector="letter!=b", **{"continue": page["metadata"]["continue"]}
    ).ok()
    assert (names(page), names(rest)) == (["a"], ["c"])


def test_a_limit_that_holds_all_gives_no_token(server: Server, abc: Namespace) -> None:
    assert list(server.get(abc.path("configmaps"), limit=3).ok()["metadata"]) == ["resourceVersion"]


def test_a_limit_below_0_is_none(server: Server, abc: Namespace) -> None:
    assert names(server.get(abc.path("configmaps"), limit=-1).ok()) == ["a", "b", "c"]


def test_version_0_with_a_limit_gives_all_from_the_cache(server: Server, abc: Namespace) -> None:
    newest = server.get(abc.path("configmaps")).ok()  # the cache is as new as this from here on
    listed = server.get(abc.path("configmaps"), limit=1, resourceVersion="0").ok()
    assert names(listed) == names(newest)
    assert list(listed["metadata"]) == ["resourceVersion"]


def test_an_exact_version_gives_the_state_of_then(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    space.config_map("a")
    then = server.get(path).ok()["metadata"]["resourceVersion"]
    space.config_map("b")
    server.send("DELETE", f"{path}/a").ok()
    listed = server.get(path, resourceVersion=then, resourceVersionMatch="Exact").ok()
    assert names(listed) == ["a"]
    assert listed["metadata"]["resourceVersion"] == then


def test_a_version_without_a_match_means_not_older_than(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    then = server.get(path).ok()["metadata"]["resourceVersion"]
    made = space.config_map("a")
    for match in ({}, {"resourceVersionMatch": "NotOlderThan"}):
        newest = made["metadata"]["resourceVersion"]
        listed = server.get(path, resourceVersion=newest, **match).ok()
        assert names(listed) == ["a"]
        assert int(server.get(path, resourceVersion=then, **match).ok()["metadata"]["resourceVersion"]) >= int(then)


def test_a_version_that_is_yet_to_come_times_out(server: Server, path: str) -> None:
    answer = server.get(path, resourceVersion="99999999")
    status = answer.json()
    assert answer.status == 504
    assert status["message"].startswith("Timeout: Too large resource version: 99999999, current: ")
    assert status["reason"] == "Timeout"
    assert status["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }


FORBIDDEN = "FieldValueForbidden"
REFUSED = [
    (
        {"resourceVersionMatch": "Exact"},
        FORBIDDEN,
        "resourceVersionMatch",
        "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    ),
    (
        {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
        FORBIDDEN,
        "resourceVersionMatch",
        'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ),
    (
        {"resourceVersionMatch": "Newest", "resourceVersion": "1"},
        "FieldValueNotSupported",
        "resourceVersionMatch",
        'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ),
    (
        {"sendInitialEvents": True},
        FORBIDDEN,
        "sendInitialEvents",
        "Forbidden: sendInitialEvents is forbidden for list",
    ),
]


@pytest.mark.parametrize(("params", "reason", "field", "message"), REFUSED)
def test_options_that_do_not_go_together_are_refused(
    server: Server, path: str, params: dict[str, str], reason: str, field: str, message: str
) -> None:
    answer = server.get(path, **params)
    assert answer.status == 422
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'ListOptions.meta.k8s.io "" is invalid: {field}: {message}',
        "reason": "Invalid",
        "details": {
            "group": "meta.k8s.io",
            "kind": "ListOptions",
            "causes": [{"reason": reason, "message": message, "field": field}],
        },
        "code": 422,
    }


def test_several_wrong_options_are_named_together(server: Server, path: str) -> None:
    status = server.get(path, resourceVersionMatch="Newest").json()
    assert status["message"] == (
        'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden '
        'unless resourceVersion is provided, resourceVersionMatch: Unsupported value: "Newest": supported values: '
        '"Exact", "NotOlderThan", ""]'
    )
    assert len(status["details"]["causes"]) == 2


UNREADABLE = [
    (
        {"resourceVersion": "x"},
        'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    ),
    ({"limit": "x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
    ({"timeoutSeconds": "x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
    (
        {"continue": "bad"},
        "invalid continue token: continue key is not valid: ",
    ),
    ({"limit": "1_0"}, 'strconv.ParseInt: parsing "1_0": invalid syntax'),
    ({"limit": " 1"}, 'strconv.ParseInt: parsing " 1": invalid syntax'),
    ({"limit": "9" * 19}, f'strconv.ParseInt: parsing "{"9" * 19}": value out of range'),
    ({"limit": "9" * 5000}, 'strconv.ParseInt: parsing "999'),
    (
        {"resourceVersion": "9" * 20},
        f'invalid resource version: resourceVersion: Invalid value: "{"9" * 20}": strconv.ParseUint: parsing "99999',
    ),
    ({"labelSelector": "a b"}, "unable to parse requirement: "),
    ({"labelSelector": "l in (a,b"}, "unable to parse requirement: "),
    ({"fieldSelector": "name"}, "invalid selector: "),
    (
        {"fieldSelector": "data.k=v"},
        '"data.k" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ),
]


@pytest.mark.parametrize(("params", "message"), UNREADABLE)
def test_options_that_cannot_be_read_are_bad_requests(
    server: Server, path: str, params: dict[str, str], message: str
) -> None:
    answer = server.get(path, **params)
    assert answer.status == 400
    assert answer.json()["message"].startswith(message)  # the rest is the parser's
    assert list(answer.json()) == ["kind", "apiVersion", "metadata", "status", "message", "reason", "code"]
    assert answer.json()["reason"] == "BadRequest"


def test_a_token_and_a_version_do_not_go_together(server: Server, abc: Namespace) -> None:
    metadata = server.get(abc.path("configmaps"), limit=1).ok()["metadata"]
    answer = server.get(abc.path("configmaps"), resourceVersion="1", **{"continue": metadata["continue"]})
    assert answer.status == 400
    assert answer.json()["message"] == "specifying resource version is not allowed when using continue"


def test_a_long_list_is_compressed_if_asked_for(server: Server, space: Namespace) -> None:
    path = space.path("configmaps")
    for number in range(20):
        server.create(path, {"metadata": {"name": f"big-{number}"}, "data": {"text": "x" * 10_000}})
    plain = server.get(path)
    packed = server.send("GET", path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.ok()["items"] == plain.ok()["items"]
    assert "Content-Encoding" not in server.send("GET", path, None, {"limit": 1}, {"Accept-Encoding": "gzip"}).headers

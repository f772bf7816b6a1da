"""The table of kinds against the official client that is installed, in both directions."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import attrs
import kubernetes
import pytest
from kubernetes import client

from informers.kinds import GROUPS, GroupVersion, KindGroups, all_resources, cluster, namespaced
from informers.resources import ClusterResource, NamespacedResource

CLIENT_MAJOR = int(kubernetes.__version__.split(".")[0])
#: The client that the table was written for.
TABLE_MAJOR = 37

exactly = pytest.mark.skipif(CLIENT_MAJOR != TABLE_MAJOR, reason=f"the table is that of kubernetes {TABLE_MAJOR}")

RESOURCES = list(all_resources())
GROUP_VERSIONS = [group_version for group in GROUPS.values() for group_version in group.versions()]


@attrs.frozen
class Known:
    """A kind that the client can list and watch."""

    group: str
    version: str
    plural: str
    model: str
    is_namespaced: bool


def _list_methods() -> Iterator[str]:
    """Yield the source of every method that lists, whose shape changed with the clients' generator."""
    for name in dir(client):  # not vars(): 37 imports its classes when they are asked for
        api: object = getattr(client, name) if name.endswith("Api") else None
        if not inspect.isclass(api):
            continue
        for method in vars(api):
            if method.startswith("list_") and f"{method}_with_http_info" in vars(api):
                inner = [f"{method}_with_http_info", f"_{method}_serialize"]
                yield "".join(inspect.getsource(vars(api)[part]) for part in inner if part in vars(api))


def _item_model(list_model: str) -> str:
    cls: Any = getattr(client, list_model)
    if hasattr(cls, "model_fields"):
        (item,) = get_args(cls.model_fields["items"].annotation)
        return str(item.__name__)
    return str(cls.openapi_types["items"]).removeprefix("list[").removesuffix("]")


@cache
def known() -> dict[tuple[str, str, str], Known]:
    """Return what the installed client can list and watch, by group, version and plural."""
    kinds: dict[tuple[str, str, str], Known] = {}
    for source in _list_methods():
        path = re.search(r"'/(?:api|apis/([a-z0-9.]+))/(v\w+)/(namespaces/{namespace}/)?([a-z]+)'", source)
        model = re.search(r"(?:'?200'?: |response_type=)['\"](\w+List)['\"]", source)
        if not (path and model and "'watch'" in source):
            continue  # CustomObjectsApi, which knows no kinds, and APIResourceList
        key = (path[1] or "", path[2], path[4])
        is_namespaced = path[3] is not None or (key in kinds and kinds[key].is_namespaced)
        kinds[key] = Known(*key, _item_model(model[1]), is_namespaced)
    return kinds


def key_of(resource: NamespacedResource[Any] | ClusterResource[Any]) -> tuple[str, str, str]:
    return (resource.group, resource.version, resource.plural)


@exactly
def test_on_kubernetes_37_the_table_is_the_client_exactly() -> None:
    rows = {Known(*key_of(r), r.model, r.is_namespaced) for r in RESOURCES}

    assert rows == set(known().values())
    assert len(RESOURCES) == len(rows) == 93


@pytest.mark.skipif(CLIENT_MAJOR == TABLE_MAJOR, reason="the exact test holds more")
def test_on_other_clients_the_stable_kinds_are_in_the_table_and_shared_ones_agree() -> None:
    rows = {key_of(r): Known(*key_of(r), r.model, r.is_namespaced) for r in RESOURCES}
    stable = {key for key in known() if re.fullmatch(r"v[0-9]+", key[1])}

    assert len(stable) > 50
    if CLIENT_MAJOR < TABLE_MAJOR:
        assert stable <= rows.keys()
    shared = rows.keys() & known().keys()
    assert {key: rows[key] for key in shared} == {key: known()[key] for key in shared}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r}.{r.version}")
def test_a_rows_model_exists_and_is_named_after_its_version_and_kind(
    resource: NamespacedResource[Any] | ClusterResource[Any],
) -> None:
    assert resource.model.endswith(f"{resource.version.capitalize()}{resource.kind}")
    if key_of(resource) in known():
        model = getattr(client, resource.model)
        fields = model.model_fields if hasattr(model, "model_fields") else model.openapi_types
        assert {"api_version", "kind", "metadata"} <= set(fields)


@pytest.mark.parametrize("group_version", GROUP_VERSIONS, ids=lambda v: f"{v.group or 'core'}-{v.version}")
def test_a_rows_annotation_says_what_the_row_is(group_version: type[GroupVersion]) -> None:
    rows = {name: row for name, row in vars(group_version).items() if isinstance(row, (namespaced, cluster))}

    assert group_version.__annotations__ == {
        name: f"{type(row).__name__}[client.{row.resource.model}]" for name, row in rows.items()
    }
    assert list(rows) == sorted(rows)
    assert [name.replace("_", "") for name in rows] == [row.resource.plural for row in rows.values()]


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_read_by_the_name_of_its_module_and_its_versions_by_theirs(name: str) -> None:
    group = GROUPS[name]

    assert group.__module__ == f"informers.kinds.{name}"
    assert getattr(KindGroups, name) is group
    for group_version in group.versions():
        assert getattr(group, group_version.version) is group_version
        assert group_version.group.split(".")[0] == ("" if name == "core" else name)


def test_a_version_comes_before_those_less_stable() -> None:
    def instability(name: str) -> tuple[int, int, int]:
        found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", name)
        assert found
        return ([None, "beta", "alpha"].index(found[2]), int(found[1]), -int(found[3] or 0))

    for group in GROUPS.values():
        names = [group_version.version for group_version in group.versions()]
        assert names == sorted(names, key=instability)


def test_the_table_imports_no_models() -> None:
    program = "import sys, informers.kinds; list(informers.kinds.all_resources()); print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout == "False\n"

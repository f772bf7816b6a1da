"""Resources, and the rows of a table of kinds."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from informers.errors import ConfigurationError
from informers.kinds import Group, GroupVersion, cluster, group, namespaced, version
from informers.resources import ClusterResource, NamespacedResource, Resource


@attrs.frozen
class Widget:
    name: str

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Widget:
        return cls(data["metadata"]["name"])


class V1(GroupVersion, group="example.com", version="v1"):
    """Kinds of `example.com/v1`."""

    big_widgets: namespaced[Widget] = namespaced("BigWidget", decode=Widget.from_json)
    factories: cluster[dict[str, Any]] = cluster("Factory", model="")
    oxen: cluster[Any] = cluster("Ox", plural="oxes", model="SpecialV1Ox")
    typed: namespaced[Any] = namespaced("Typed")


class V2beta1(GroupVersion, group="example.com", version="v2beta1"):
    """Kinds of `example.com/v2beta1`."""

    typed: namespaced[Any] = namespaced("Typed")


class CoreV1(GroupVersion, group="", version="v1"):
    """Kinds of the core group."""

    pods: namespaced[Any] = namespaced("Pod")


class ExampleGroup(Group):
    """The versions of `example.com`."""

    v1: version[V1] = version(V1)
    v2beta1: version[V2beta1] = version(V2beta1)


class RecordingSource:
    """An `InformerSource` that says what it was asked for."""

    example: group[ExampleGroup] = group(ExampleGroup)

    def namespaced_kind(self, resource: NamespacedResource[Any], /) -> Any:
        return ("namespaced", resource)

    def cluster_kind(self, resource: ClusterResource[Any], /) -> Any:
        return ("cluster", resource)


# --- rows


def test_a_row_read_from_its_class_is_the_resource() -> None:
    resource = V1.big_widgets

    assert resource == NamespacedResource("example.com", "v1", "bigwidgets", "BigWidget")
    assert resource.decode is not None
    assert resource.decode({"metadata": {"name": "w"}}) == Widget("w")


def test_a_row_gives_the_same_resource_each_time() -> None:
    assert V1.big_widgets is V1.big_widgets


def test_a_row_read_from_an_instance_asks_the_source() -> None:
    source = RecordingSource()

    assert V1(source).big_widgets == ("namespaced", V1.big_widgets)
    assert V1(source).factories == ("cluster", V1.factories)


def test_group_version_and_kind_are_read_one_after_the_other_from_the_source() -> None:
    source = RecordingSource()

    assert source.example.v1.oxen == ("cluster", V1.oxen)
    assert source.example.v2beta1.typed == ("namespaced", V2beta1.typed)


def test_groups_and_versions_read_from_their_classes_are_classes() -> None:
    assert RecordingSource.example is ExampleGroup
    assert ExampleGroup.v1 is V1
    assert RecordingSource.example.v1.oxen is V1.oxen


def test_a_rows_plural_is_its_name_without_underscores_unless_given() -> None:
    assert V1.big_widgets.plural == "bigwidgets"
    assert V1.oxen.plural == "oxes"


def test_a_rows_model_is_named_after_version_and_kind_unless_given_or_decoded() -> None:
    assert V1.typed.model == "V1Typed"
    assert V2beta1.typed.model == "V2beta1Typed"
    assert V1.oxen.model == "SpecialV1Ox"
    assert V1.factories.model == ""
    assert V1.big_widgets.model == ""


def test_the_same_row_name_in_two_versions_is_two_resources() -> None:
    assert V1.typed != V2beta1.typed
    assert (V1.typed.version, V2beta1.typed.version) == ("v1", "v2beta1")


def test_resources_and_versions_are_listed_in_their_order() -> None:
    assert list(V1.resources()) == [V1.big_widgets, V1.factories, V1.oxen, V1.typed]
    assert list(ExampleGroup.versions()) == [V1, V2beta1]


def test_a_version_without_its_group_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="group"):

        class _V1(GroupVersion, version="v1"):  # type: ignore[call-arg]  # what is wrong is the point
            pass


def test_a_wrong_row_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigurationError, match="plural must be the name used in the URL, for example 'deployments'"):

        class _V1(GroupVersion, group="example.com", version="v1"):
            widgets: namespaced[Any] = namespaced("Widget", plural="Widgets")


# --- resources


@pytest.mark.parametrize(
    ("resource", "text", "api_version", "everywhere", "in_one"),
    [
        (CoreV1.pods, "pods", "v1", "/api/v1/pods", "/api/v1/namespaces/default/pods"),
        (
            V1.big_widgets,
            "bigwidgets.example.com",
            "example.com/v1",
            "/apis/example.com/v1/bigwidgets",
            "/apis/example.com/v1/namespaces/default/bigwidgets",
        ),
    ],
)
def test_a_resource_knows_its_names_and_paths(
    resource: Resource[Any], text: str, api_version: str, everywhere: str, in_one: str
) -> None:
    assert str(resource) == text
    assert resource.api_version == api_version
    assert resource.path() == resource.path(None) == everywhere
    assert resource.path("default") == in_one


def test_a_resource_is_of_one_scope_or_the_other() -> None:
    in_namespaces: Resource[Any] = NamespacedResource("", "v1", "things")
    of_the_cluster: Resource[Any] = ClusterResource("", "v1", "things")

    assert in_namespaces.is_namespaced
    assert not of_the_cluster.is_namespaced
    with pytest.raises(ConfigurationError, match="use NamespacedResource or ClusterResource"):
        Resource("", "v1", "pods")


@pytest.mark.parametrize(("api_version", "plural"), [("", "pods"), ("v1", "")])
def test_a_resource_without_version_or_plural_is_refused(api_version: str, plural: str) -> None:
    with pytest.raises(ConfigurationError, match="a resource needs a version and a plural name, for example 'v1' and"):
        NamespacedResource("", api_version, plural)


def test_a_resource_is_a_value() -> None:
    plain = NamespacedResource[Any]("example.com", "v1", "widgets", "Widget")
    decoded = NamespacedResource("example.com", "v1", "widgets", "Widget", decode=Widget.from_json)

    # How objects are made of their bytes does not make it another resource.
    assert plain == decoded
    assert len({plain, decoded}) == 1
    assert pickle.loads(pickle.dumps(decoded)) == plain
    with pytest.raises(AttributeError):
        plain.plural = "others"  # type: ignore[misc]  # frozen


@pytest.mark.parametrize("names", [(None, "v1", "pods"), ("", "v1", 5)])
def test_names_that_are_no_text_are_refused(names: tuple[Any, Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must be the name used in the URL, for example '"):
        NamespacedResource(*names)

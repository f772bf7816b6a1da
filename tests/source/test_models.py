"""From bytes to what users see and back: models, mappings, and kinds that the client does not know."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from kubernetes import client

from informers.errors import ConfigurationError, DecodeError
from informers.resources import NamespacedResource
from informers.source._bytes.sources import OpenSource
from informers.source._models.object_makers import load_model, maker
from tests.source import samples

RAW = samples.encode(samples.pod())


def test_a_model_is_loaded_by_name() -> None:
    assert load_model("V1Pod") is client.V1Pod


@pytest.mark.parametrize("name", ["V1Nonsense", "CoreV1Api", "ApiClient", "models", "V1Pod.metadata", ""])
def test_a_name_that_is_not_a_model_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigurationError, match="has no model"):
        load_model(name)
    if name:
        with pytest.raises(ConfigurationError, match=f"{name}.*install a version that has it"):
            maker(NamespacedResource[Any]("", "v1", "things", model=name))


def test_the_official_client_is_imported_when_a_model_is_first_asked_for() -> None:
    code = (
        "import sys; from informers.source._models.object_makers import maker\n"
        "from informers.resources import NamespacedResource as N\n"
        "maker(N('', 'v1', 'widgets')); assert not {'kubernetes', 'pydantic'} & set(sys.modules);"
        "maker(N('', 'v1', 'pods', model='V1Pod')); assert 'kubernetes' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_resource_without_a_model_gives_a_mapping_of_its_own_to_each_reader() -> None:
    make = maker(NamespacedResource[dict[str, Any]]("example.com", "v1", "widgets"))
    one, other = make(OpenSource(RAW, "default/web-0")), make(OpenSource(RAW, "default/web-0"))
    assert one == other == samples.pod()
    one["metadata"]["labels"].clear()
    assert other == samples.pod()


def test_a_resource_with_a_decoder_gives_what_that_makes_of_the_mapping() -> None:
    make = maker(NamespacedResource[str]("example.com", "v1", "widgets", decode=lambda obj: obj["metadata"]["name"]))
    assert make(OpenSource(RAW, "default/web-0")) == "web-0"


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff"])
def test_a_mapping_that_is_none_raises_an_error_with_its_key(raw: bytes) -> None:
    make = maker(NamespacedResource[Any]("example.com", "v1", "widgets"))
    with pytest.raises(DecodeError, match="object default/web-0: is not") as caught:
        make(OpenSource(raw, "default/web-0"))
    assert (caught.value.key, caught.value.raw) == ("default/web-0", raw)


def test_what_a_decode_function_raises_is_reported_with_the_key_and_the_object() -> None:
    def decode(mapping: dict[str, Any]) -> Any:
        return mapping["spec"]

    make = maker(NamespacedResource[Any]("example.com", "v1", "widgets", "Widget", decode=decode))
    with pytest.raises(DecodeError, match=r"^Widget default/a: decode raised KeyError\('spec'\)$") as caught:
        make(OpenSource(b'{"kind":"Widget"}', "default/a"))
    assert (caught.value.key, caught.value.mapping) == ("default/a", {"kind": "Widget"})
    assert isinstance(caught.value.__cause__, KeyError)

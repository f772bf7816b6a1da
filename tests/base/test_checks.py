"""A function that could never be called rightly is refused where it is given, with what would be right."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes.client
import pytest

from informers import (
    ConfigurationError,
    FilteringResourceEventHandler,
    KindOptions,
    ListWatch,
    NamespacedResource,
    ResourceEventHandlerFuncs,
    SharedInformer,
    SharedInformerFactory,
)
from informers._base.checks import check_function, check_period, check_seconds, check_time_limit, check_timeout
from informers.testing import FakeSource

CLIENT = kubernetes.client.ApiClient(kubernetes.client.Configuration(host="http://127.0.0.1:9"))
PODS: Any = NamespacedResource("", "v1", "pods")


def indexed(function: Any) -> object:
    informer: SharedInformer[Any] = SharedInformer(FakeSource(), resource="pods")
    informer.add_indexers({"node": function})
    return informer


PLACES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "watch_error_handler": ("failure", lambda given: SharedInformerFactory(CLIENT, watch_error_handler=given)),
    "transform": ("obj", lambda given: SharedInformerFactory(CLIENT, transform=given)),
    "tweak": ("options", lambda given: SharedInformerFactory(CLIENT, tweak=given)),
    "the index function 'node'": ("obj", indexed),
    "decode": ("mapping", lambda given: NamespacedResource("example.com", "v1", "widgets", decode=given)),
    "filter": (
        "obj",
        lambda given: FilteringResourceEventHandler(filter=given, handler=ResourceEventHandlerFuncs()),
    ),
}
MORE: dict[str, tuple[str, Callable[[Any], object]]] = {
    "transform of a kind": ("obj", lambda given: KindOptions(transform=given)),
    "tweak of a kind": ("options", lambda given: KindOptions(tweak=given)),
    "tweak of a source": ("options", lambda given: ListWatch(CLIENT, PODS, tweak=given)),
    "transform of an informer": ("obj", lambda given: SharedInformer(FakeSource(), transform=given)),
}
ALL = {**PLACES, **MORE}


@pytest.mark.parametrize("where", ALL)
def test_what_takes_another_number_of_arguments_is_refused_with_those_that_are_given(where: str) -> None:
    expected, give = ALL[where]
    name = where.partition(" of ")[0]
    with pytest.raises(ConfigurationError, match=rf"^{name} must be a function of \({expected}\): got .*<lambda>\(\)$"):
        give(lambda: None)


@pytest.mark.parametrize("where", ALL)
def test_a_coroutine_function_is_refused_since_nobody_would_await_it(where: str) -> None:
    async def later(_given: object) -> None: ...

    with pytest.raises(ConfigurationError, match=r"must be a plain function: got a coroutine function"):
        ALL[where][1](later)


@pytest.mark.parametrize("where", sorted(ALL.keys() - {"the index function 'node'"}))
def test_a_function_with_a_yield_is_refused_since_nothing_of_it_would_run(where: str) -> None:
    def one_by_one(given: object) -> Any:
        yield given

    with pytest.raises(ConfigurationError, match=r"must be a plain function: got one with a yield"):
        ALL[where][1](one_by_one)


def test_an_index_function_may_yield_its_values() -> None:
    def values(obj: Any) -> Iterator[str]:
        yield obj["metadata"]["name"]

    assert indexed(values) is not None


@pytest.mark.parametrize("where", ALL)
def test_an_asynchronous_generator_is_refused_everywhere(where: str) -> None:
    async def later(given: object) -> Any:
        yield given

    with pytest.raises(ConfigurationError, match=r"must be a plain function: got a coroutine function"):
        ALL[where][1](later)


@pytest.mark.parametrize("check", [check_period, check_seconds, check_time_limit])
def test_a_number_that_no_clock_can_add_is_refused(check: Any) -> None:
    with pytest.raises(ConfigurationError, match="after must be a"):
        check("after", 10**400)


def test_a_timeout_that_no_clock_can_add_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="timeout must be None or not negative"):
        check_timeout(10**400)


@pytest.mark.parametrize("where", PLACES)
def test_what_can_be_called_so_is_taken(where: str) -> None:
    assert PLACES[where][1](lambda given, *, more=None: (given, more)) is not None


def test_a_missing_filter_is_not_a_function() -> None:
    nothing: Any = None
    with pytest.raises(ConfigurationError, match=r"^give a filter, which is a function"):
        FilteringResourceEventHandler(filter=nothing, handler=ResourceEventHandlerFuncs())


def test_what_has_a_coroutine_for_its_call_is_refused_too() -> None:
    class Later:
        async def __call__(self, obj: object) -> None: ...

    for given in (Later(), functools.partial(Later.__call__, Later())):
        with pytest.raises(ConfigurationError, match=r"^f must be a plain function"):
            check_function("f", given, "obj")


@pytest.mark.parametrize("given", [None, print, str, functools.partial(max, 1), {}.get])
def test_builtins_classes_and_partials_are_functions(given: object) -> None:
    check_function("f", given, "obj")

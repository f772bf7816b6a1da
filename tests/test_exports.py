"""What is public is what `__all__` says: it is there, documented, and says of itself where it comes from."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from types import GenericAlias, ModuleType

import pytest

import informers

#: The packages and modules that users import from.
PUBLIC = [
    "informers",
    "informers.aio",
    "informers.controllers",
    "informers.errors",
    "informers.kinds",
    "informers.metrics",
    "informers.objects",
    "informers.probes",
    "informers.resources",
    "informers.selectors",
    "informers.testing",
    "informers.workqueue",
]

#: The names that the design promises. They stay.
CONTRACT = {
    "DeletedFinalStateUnknown",
    "FilteringResourceEventHandler",
    "Indexer",
    "NotFoundError",
    "ObjectName",
    "Reflector",
    "ResourceEventHandler",
    "ResourceEventHandlerFuncs",
    "SharedInformer",
    "SharedInformerFactory",
    "Store",
    "object_name",
    "wait_for_cache_sync",
}


def is_class(item: object) -> bool:
    """Return whether this is a class; Python 3.10 says so of an alias such as `Callable[[int], str]` too."""
    return inspect.isclass(item) and not isinstance(item, GenericAlias)


def all_modules() -> list[str]:
    found = (module.name for module in pkgutil.walk_packages(informers.__path__, "informers."))
    return ["informers", *sorted(name for name in found if not name.endswith("__main__"))]


@pytest.mark.parametrize("module", all_modules())
def test_every_module_imports_alone_and_says_what_it_is(module: str) -> None:
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == "pydantic" and module.startswith("informers.source."):
            pytest.skip("this client's models are not pydantic's")
        raise
    assert (loaded.__doc__ or "").strip()


@pytest.mark.parametrize("module", PUBLIC)
def test_every_exported_name_is_there_and_named_once(module: str) -> None:
    loaded = importlib.import_module(module)
    names = loaded.__all__
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_every_exported_class_and_function_has_a_docstring(module: str) -> None:
    loaded = importlib.import_module(module)
    bare = [
        name
        for name in loaded.__all__
        if (is_class(item := getattr(loaded, name)) or inspect.isfunction(item)) and not item.__doc__
    ]
    assert bare == []


@pytest.mark.parametrize("module", PUBLIC)
def test_public_methods_of_exported_classes_have_docstrings(module: str) -> None:
    loaded = importlib.import_module(module)
    bare = [
        f"{name}.{method}"
        for name in loaded.__all__
        if is_class(item := getattr(loaded, name)) and item.__module__.startswith("informers")
        for method, function in vars(item).items()
        if inspect.isfunction(function) and not method.startswith("_") and not inspect.getdoc(getattr(item, method))
    ]
    assert bare == []


def test_the_names_that_the_design_promises_are_exported() -> None:
    assert set(informers.__all__) >= CONTRACT


def test_a_name_is_the_same_object_wherever_it_is_exported() -> None:
    places: dict[str, set[int]] = {}
    for module in PUBLIC:
        loaded: ModuleType = importlib.import_module(module)
        for name in loaded.__all__:
            places.setdefault(name, set()).add(id(getattr(loaded, name)))
    # The design has two of this name: that of `informers.aio` is the same for an event loop.
    assert {name for name, objects in places.items() if len(objects) > 1} == {"Controller"}


def test_the_version_is_that_of_the_installed_package() -> None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        installed = distribution("informers")
    except PackageNotFoundError:
        pytest.skip("informers is not installed, but run from the checkout")
    if '"editable": true' in (installed.read_text("direct_url.json") or ""):
        pytest.skip("an editable install keeps its version until `make` installs it again")
    assert informers.__version__ == installed.version


def test_the_names_that_this_package_exports_come_with_their_first_use() -> None:
    code = (
        "import sys, informers; "
        "assert [name for name in sys.modules if name.startswith('informers')] == ['informers']; "
        "assert set(informers.__all__) <= set(dir(informers)); "
        "assert informers.ConfigurationError is informers.errors.ConfigurationError; "
        "assert 'informers.cache' not in sys.modules; "
        "from informers import *; assert SharedInformerFactory is informers.SharedInformerFactory"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="module 'informers' has no attribute 'Nothing'"):
        informers.Nothing  # type: ignore[attr-defined] # noqa: B018


def test_a_name_comes_from_the_module_that_type_checkers_read() -> None:
    tree = ast.parse(inspect.getsource(informers))
    (told,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    homes = {
        alias.name: str(node.module).removeprefix("informers.")
        for node in told.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == informers._HOMES
    assert set(homes) == set(informers.__all__)

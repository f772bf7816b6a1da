"""Makes docs/reference/kinds.md from the table of kinds: autodoc can't show rows, which are descriptors."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import attrs

import informers.kinds
from informers.resources import Group, GroupVersion, Resource, cluster, namespaced, version


@attrs.frozen
class Row:
    """A row of the table of kinds, and the path to it from a factory."""

    path: str
    resource: Resource[object]


def modules() -> Iterator[ModuleType]:
    """Iterate over the modules of kinds that hold a group."""
    for found in pkgutil.iter_modules(informers.kinds.__path__):
        yield importlib.import_module(f"informers.kinds.{found.name}")


def groups() -> Iterator[tuple[str, type[Group]]]:
    """Iterate over the groups, with the names of their modules, which factories use too."""
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Group) and value.__module__ == module.__name__:
                yield module.__name__.rpartition(".")[2], value


def rows(name: str, group: type[Group]) -> Iterator[Row]:
    """Iterate over the rows of a group."""
    for version_name, version_row in vars(group).items():
        if isinstance(version_row, version):
            table: type[GroupVersion] = version_row.group_version
            for row_name, row in vars(table).items():
                if isinstance(row, (namespaced, cluster)):
                    yield Row(f"{name}.{version_name}.{row_name}", row.resource)


def page() -> str:
    """Return docs/reference/kinds.md."""
    tables = [(name, list(rows(name, group))) for name, group in sorted(groups())]
    count = sum(len(table) for _, table in tables)
    lines = [
        "<!-- Written by `make pages` from informers/kinds. Don't edit. -->",
        "",
        "# Kinds",
        "",
        f"The {count} kinds that the official client can list and watch. Each is a typed attribute of a",
        "{class}`~informers.SharedInformerFactory`: `factory.core.v1.pods`. Kinds marked *cluster* have no namespaces,",
        "and their listers no `namespace()`.",
    ]
    for name, table in tables:
        lines += [
            "",
            f"## {table[0].resource.group or name}",
            "",
            "| `factory.` | kind | objects | URL |",
            "|---|---|---|---|",
        ]
        for row in table:
            resource = row.resource
            scope = "" if resource.is_namespaced else " *(cluster)*"
            lines.append(f"| `{row.path}` | {resource.kind}{scope} | `{resource.model}` | `{resource.path()}` |")
    return "\n".join(lines) + "\n"

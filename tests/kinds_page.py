"""Makes docs/reference/kinds.md from the table of kinds: autodoc can't show rows, which are descriptors."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from informers.kinds import GROUPS, Group, cluster, namespaced, version
from informers.resources import Resource


@attrs.frozen
class Row:
    """A row of the table of kinds, and the path to it from a factory."""

    path: str
    resource: Resource[object]


def rows(name: str, group: type[Group]) -> Iterator[Row]:
    """Iterate over the rows of a group."""
    for version_name, version_row in vars(group).items():
        if isinstance(version_row, version):
            for row_name, row in vars(version_row.group_version).items():
                if isinstance(row, (namespaced, cluster)):
                    yield Row(f"{name}.{version_name}.{row_name}", row.resource)


def page() -> str:
    """Return docs/reference/kinds.md."""
    tables = {name: list(rows(name, group)) for name, group in GROUPS.items()}
    count = sum(len(table) for table in tables.values())
    lines = [
        "<!-- Written by `make pages` from informers/kinds. Don't edit. -->",
        "",
        "# Kinds",
        "",
        f"The {count} kinds that the official client can list and watch. Each is a typed attribute of a",
        "{class}`~informers.SharedInformerFactory`: `factory.core.v1.pods`. Kinds marked *cluster* have no namespaces,",
        "and their listers no `namespace()`.",
    ]
    for name, table in tables.items():
        lines += ["", f"## {table[0].resource.group or name}", ""]
        lines += ["| `factory.` | kind | objects |", "|---|---|---|"]
        for row in table:
            resource = row.resource
            scope = "" if resource.is_namespaced else " *(cluster)*"
            lines.append(f"| `{row.path}` | {resource.kind}{scope} | `{resource.model}` |")
    return "\n".join(lines) + "\n"

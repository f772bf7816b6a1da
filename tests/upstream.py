"""Which test here holds which test of client-go: reads the markers, compares them with upstream.toml, makes the page.

A test says what it holds with `@pytest.mark.upstream("reflector_test.go", "TestWatchList", …)`: on a function, on a
class, in `pytestmark`, or on a parameter. Names must be literal strings, since they are read without running anything.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest depends on it there
    import tomli as tomllib

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SOURCE = "https://github.com/kubernetes/client-go/blob/v0.37.2/"
#: Others, by the beginning of a file's path: what client-go has no tests for, since it has no such layer.
OTHERS = {
    "controller-runtime/": "https://github.com/kubernetes-sigs/controller-runtime/blob/v0.25.0/",
    "kubernetes/": "https://github.com/kubernetes/kubernetes/blob/v1.37.2/",
    "kube-rs/": "https://github.com/kube-rs/kube/blob/main/",
    "java-operator-sdk/": "https://github.com/operator-framework/java-operator-sdk/blob/main/",
    "kopf/": "https://github.com/nolar/kopf/blob/main/",
}


@attrs.frozen
class Marker:
    """A test here, and the upstream test that it says it holds."""

    file: str
    name: str
    test: str


@attrs.frozen
class Table:
    """The upstream tests by file and name, each with its reason for having no test here, and the tests that hold it.

    Attributes:
        reasons: file → name → reason; empty where a test must hold it.
        held: (file, name) → tests here.
        unknown: markers that name no upstream test.
    """

    reasons: dict[str, dict[str, str]]
    held: dict[tuple[str, str], list[str]]
    unknown: list[Marker]

    def problems(self) -> list[str]:
        """Return what is wrong with the table, a line each."""
        lines = [f"{m.test}: upstream has no test {m.name!r} in {m.file!r}" for m in self.unknown]
        for file, names in self.reasons.items():
            for name, reason in names.items():
                tests = self.held.get((file, name), [])
                if not reason and not tests:
                    lines.append(f"{file} {name}: no test is marked with it, and upstream.toml has no reason why")
                elif reason and tests:
                    lines.append(f"{file} {name}: {tests[0]} holds it, yet upstream.toml has a reason why none does")
        return lines


def markers(folder: Path = TESTS) -> Iterator[Marker]:
    """Find all markers below a folder."""
    for path in sorted(folder.rglob("test_*.py")):
        where = path.relative_to(folder.parent).as_posix()
        yield from _markers_in(ast.parse(path.read_text(encoding="utf-8")), where, where)


def _markers_in(node: ast.AST, module: str, place: str) -> Iterator[Marker]:
    for child in ast.iter_child_nodes(node):
        inside = place
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inside = f"{place}::{child.name}"
        elif isinstance(child, ast.Call) and ast.unparse(child.func).endswith("mark.upstream"):
            try:
                file, *names = [ast.literal_eval(arg) for arg in child.args]
            except ValueError:
                message = f"{module}:{child.lineno}: upstream(file, *names) takes literal strings"
                raise ValueError(message) from None
            yield from (Marker(file, name, place) for name in names)
            continue
        yield from _markers_in(child, module, inside)


def read() -> Table:
    """Read upstream.toml and all markers."""
    reasons: dict[str, dict[str, str]] = tomllib.loads((TESTS / "upstream.toml").read_text(encoding="utf-8"))
    return compare(reasons, markers())


def compare(reasons: dict[str, dict[str, str]], found: Iterator[Marker]) -> Table:
    """Sort markers to the upstream tests that they name."""
    held: dict[tuple[str, str], list[str]] = {}
    unknown = []
    for marker in found:
        key = _resolve(reasons, marker)
        if key is None:
            unknown.append(marker)
        elif marker.test not in held.setdefault(key, []):
            held[key].append(marker.test)
    return Table(reasons, held, unknown)


def _resolve(reasons: dict[str, dict[str, str]], marker: Marker) -> tuple[str, str] | None:
    """Find the upstream test: a file by the end of its path, a name exactly or, if only one fits, by its end."""
    files = [file for file in reasons if f"/{file}".endswith(f"/{marker.file}")]
    for file in files:
        if marker.name in reasons[file]:
            return file, marker.name
    ends = [(file, name) for file in files for name in reasons[file] if name.endswith(marker.name)]
    return ends[0] if len(ends) == 1 else None


def page() -> str:
    """Return docs/reference/upstream-tests.md."""
    table = read()
    own = {file: names for file, names in table.reasons.items() if not file.startswith(tuple(OTHERS))}
    count = sum(len(names) for names in own.values())
    held = sum(file in own for file, _ in table.held)
    lines = [
        "<!-- Written by `make pages` from tests/upstream.toml and the tests' markers. Don't edit. -->",
        "",
        "# Upstream's tests",
        "",
        f"client-go v0.37 tests its informers and work queues with the {count} test functions below. For {held} of",
        "them, tests here check the same property. For the others there is the reason why not. Then there are tests of",
        "controller-runtime, Kubernetes' own controllers, kube-rs, the Java operator SDK and kopf, as far as they",
        "concern `informers.controllers`.",
        "",
        "| upstream | here |",
        "|---|---|",
    ]
    for file, names in table.reasons.items():
        lines.append(f"| [`{file}`]({_url(file)}) | |")
        rows: dict[str, list[str]] = {}
        for name, reason in names.items():
            tests = table.held.get((file, name), [])
            here = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests)
            rows.setdefault(here or reason or "(not yet)", []).append(f"`{name}`")
        lines += [f"| {'<br>'.join(same)} | {here} |" for here, same in rows.items()]
    return "\n".join(lines) + "\n"


def _url(file: str) -> str:
    for beginning, source in OTHERS.items():
        if file.startswith(beginning):
            return f"{source}{file.removeprefix(beginning)}"
    return f"{SOURCE}{file}"

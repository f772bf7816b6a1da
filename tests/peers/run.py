"""Run the suites of other clients on both API servers, and count: `python -m tests.peers.run --sources FOLDER`.

The folder has checkouts of the peers' repositories, `python` (the official client), `kr8s`, `lightkube` and `kopf`.
None of their code is part of this project. The environment needs what `requirements.txt` of this folder lists, this
package, and `kubectl` on the path.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET  # of a file that pytest wrote

import attrs

from informers.testing import APIServer, ControlPlane, KubernetesAPI

HERE = Path(__file__).parent


@attrs.frozen
class Suite:
    """One peer's tests.

    Attributes:
        name: for the table.
        checkout: folder of its repository.
        tests: what pytest is given.
        options: further ones.
    """

    name: str
    checkout: str
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()


SUITES = (
    Suite(
        "official client, end to end",
        "python",
        tuple(
            f"kubernetes/{file}.py"
            for file in (
                *(f"e2e_test/test_{name}" for name in ("apps", "batch", "client", "informer", "utils", "watch")),
                *("base/dynamic/test_client", "base/dynamic/test_discovery"),
            )
        ),
    ),
    Suite(
        "official client, watch and leader election",
        "python",
        ("kubernetes/base/watch/watch_test.py", "kubernetes/base/leaderelection/leaderelection_test.py"),
    ),
    Suite("kr8s", "kr8s", ("kr8s/tests",), ("-o", "asyncio_mode=auto", "--timeout=20")),
    Suite("lightkube", "lightkube", ("e2e-tests",), ("-o", "asyncio_mode=auto")),
    Suite("kopf's examples", "kopf", ("tests/e2e", "examples"), ("-o", "asyncio_mode=auto", "--only-e2e")),
)


def run(suite: Suite, server: KubernetesAPI, sources: Path, log: Path, extra: list[str]) -> dict[str, str]:
    """Return what became of each test of a suite."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        kubeconfig = server.write_kubeconfig(Path(folder) / "kubeconfig")
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(HERE)}
        environment |= {"PEERS_KUBERNETES": str(sources / "python/kubernetes")} if suite.checkout == "python" else {}
        with log.open("wb") as output:
            subprocess.run(
                (Path(sys.executable).parent / "pytest", "-p", "cluster", f"--junitxml={report}", "-o", "addopts=",
                 "--import-mode=importlib", "--tb=native", "--timeout=40", *suite.options, *extra, *suite.tests),
                cwd=sources / suite.checkout, env=environment, stdout=output, stderr=output, check=False,
            )  # fmt: skip
        cases = ET.parse(report).iter("testcase") if report.exists() else ()
        return {f"{case.get('classname')}::{case.get('name')}": _outcome(case) for case in cases}


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


@contextlib.contextmanager
def embedded_or_real(kind: str) -> Iterator[KubernetesAPI]:
    """Run a server."""
    with APIServer() if kind == "embedded" else ControlPlane() as server:
        yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the checkouts")
    parser.add_argument("--logs", type=Path, default=Path(), help="folder for what each suite prints")
    parser.add_argument("--suite", default="", help="only those whose name has this in it")
    parser.add_argument("--server", choices=("embedded", "real"), action="append", help="only this one")
    parser.add_argument("-k", default="", help="pytest's own")
    arguments = parser.parse_args()
    extra = ["-k", arguments.k] if arguments.k else []
    for suite in (each for each in SUITES if arguments.suite in each.name):
        found: dict[str, dict[str, str]] = {}
        for kind in arguments.server or ("embedded", "real"):
            log = arguments.logs / f"{suite.name.replace(' ', '-')}-{kind}.log"
            with embedded_or_real(kind) as server:
                outcomes = found[kind] = run(suite, server, arguments.sources.resolve(), log, extra)
            counted = {each: list(outcomes.values()).count(each) for each in ("passed", "failed", "skipped")}
            print(suite.name, kind, *(f"{count} {outcome}" for outcome, count in counted.items()), flush=True)
        for test in sorted({test for outcomes in found.values() for test in outcomes}):
            said = {kind: outcomes.get(test, "absent") for kind, outcomes in found.items()}
            if set(said.values()) - {"passed", "skipped"}:
                print("  ", test, said, flush=True)


if __name__ == "__main__":
    main()

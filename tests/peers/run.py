"""Run the suites of other clients on both API servers at once: `python -m tests.peers.run --sources FOLDER`.

It prints the table of `docs/explanation/two-api-servers.md`, then the tests that did not pass on both. The folder has
the sources: `kr8s` and `kopf` of the versions in `requirements.txt` (`pip download --no-deps --no-binary`), `python`
(the official client) and `lightkube` from their repositories: their distributions have no such tests. None of their
code is part of this project. The environment needs what `requirements.txt` lists and this package; `KUBEBUILDER_ASSETS`
names the folder of etcd, kube-apiserver and kubectl.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # of a file that pytest wrote

import attrs
from kubernetes.client import V1NodeSystemInfo

from informers import DynamicSharedInformerFactory, ResourceEventHandlerFuncs
from informers.errors import StatusError
from informers.kinds import apps, core
from informers.testing import APIServer, ControlPlane, KubernetesAPI

HERE = Path(__file__).parent


@attrs.frozen
class Suite:
    """One peer's tests.

    Attributes:
        package: distribution whose tests they are, and whose version stands in the table.
        of: what of it is tested, for the table.
        checkout: folder of its repository.
        tests: what pytest is given.
        options: further ones.
    """

    package: str
    of: str
    checkout: str
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()


SUITES = (
    Suite(
        "kubernetes",
        "end to end",
        "python",
        tuple(
            f"kubernetes/{file}.py"
            for file in (
                *(f"e2e_test/test_{name}" for name in ("apps", "batch", "client", "informer", "utils", "watch")),
                *("base/dynamic/test_client", "base/dynamic/test_discovery"),
            )
        ),
    ),
    Suite("lightkube", "end to end", "lightkube", ("e2e-tests",), ("-o", "asyncio_mode=auto")),
    Suite(
        "kopf", "examples", "kopf", ("tests/e2e", "examples"), ("-o", "asyncio_mode=auto", "--timeout=60", "--only-e2e")
    ),
    Suite("kr8s", "all tests", "kr8s", ("kr8s/tests",), ("-o", "asyncio_mode=auto", "--timeout=20")),
)


@contextlib.contextmanager
def nodes_and_controllers(server: KubernetesAPI) -> Generator[None]:
    """Report each new pod and deployment as ready, as a node and a controller would. Nothing runs."""
    types = V1NodeSystemInfo.openapi_types
    info = {V1NodeSystemInfo.attribute_map[field]: "linux" for field, kind in types.items() if kind == "str"}
    status = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]}
    node = {"metadata": {"name": "node", "labels": {"kubernetes.io/os": "linux"}}, "status": status}
    server.create({"apiVersion": "v1", "kind": "Node", **node})
    pod = {"metadata": {"name": "a", "namespace": "kube-system"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    server.create({"apiVersion": "v1", "kind": "Pod", **pod})
    factory = DynamicSharedInformerFactory(server.client())
    for resource, status_of in ((core.V1.pods, _pod_status), (apps.V1.deployments, _deployment_status)):

        def report(obj: Any, *, resource: Any = resource, status_of: Callable[[Any], Any] = status_of) -> None:
            metadata, status = obj["metadata"], status_of(obj)
            with contextlib.suppress(StatusError):  # it may be gone
                server.patch(resource, metadata["name"], {"status": status}, namespace=metadata["namespace"])

        factory.for_resource(resource).informer.add_event_handler(ResourceEventHandlerFuncs(on_add=report))
    with factory:
        yield


def _pod_status(pod: dict[str, Any]) -> dict[str, Any]:
    container = {"image": "i", "imageID": "i", "restartCount": 0, "ready": True, "state": {"running": {}}}
    return {
        "phase": "Running",
        "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "Ready", "ContainersReady")],
        "containerStatuses": [{**container, "name": each["name"]} for each in pod["spec"]["containers"]],
    }


def _deployment_status(deployment: dict[str, Any]) -> dict[str, Any]:
    replicas, generation = deployment["spec"]["replicas"], deployment["metadata"]["generation"]
    counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), replicas)
    return {**counts, "observedGeneration": generation, "conditions": [{"type": "Available", "status": "True"}]}


def run(
    suite: Suite, server: type[APIServer | ControlPlane], *, sources: Path, logs: Path, extra: list[str]
) -> dict[str, str]:
    """Return what became of each test of a suite on a new server."""
    stem = logs / f"{suite.checkout}-{server.__name__}"
    report, kubeconfig = stem.with_suffix(".xml"), stem.with_suffix(".kubeconfig")
    report.unlink(missing_ok=True)
    with server() as running, nodes_and_controllers(running), stem.with_suffix(".log").open("wb") as output:
        running.write_kubeconfig(kubeconfig)
        environment = os.environ | {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(HERE)}
        environment["PATH"] = os.pathsep.join((os.environ["KUBEBUILDER_ASSETS"], os.environ["PATH"]))
        if suite.checkout == "python":
            environment["PEERS_KUBERNETES"] = str(sources / "python/kubernetes")
        subprocess.run(
            (Path(sys.executable).parent / "pytest", "-p", "cluster", f"--junitxml={report}", "-o", "addopts=",
             "--import-mode=importlib", "--tb=native", "--timeout=40", *suite.options, *extra, *suite.tests),
            cwd=sources / suite.checkout, env=environment, stdout=output, stderr=output, check=False,
        )  # fmt: skip
    return {
        f"{case.get('classname')}::{case.get('name')}": _outcome(case) for case in ET.parse(report).iter("testcase")
    }


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    return "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True, help="folder of the checkouts")
    parser.add_argument("--logs", type=Path, required=True, help="folder for what each suite prints")
    parser.add_argument("--suite", default="", help="only that of this package")
    parser.add_argument("-k", default="", help="pytest's own")
    arguments = parser.parse_args()
    one = partial(
        run,
        sources=arguments.sources.resolve(),
        logs=arguments.logs.resolve(),
        extra=["-k", arguments.k] if arguments.k else [],
    )
    print("| | `APIServer` | `ControlPlane` | tests |\n|---|---|---|---|")
    unequal = []
    for suite in (each for each in SUITES if arguments.suite in each.package):
        with ThreadPoolExecutor() as both:
            embedded, real = both.map(partial(one, suite), (APIServer, ControlPlane))
        passed = [list(outcomes.values()).count("passed") for outcomes in (embedded, real)]
        version = importlib.metadata.version(suite.package)
        print(
            f"| {suite.package} {version}, {suite.of} | {passed[0]} | {passed[1]} | {len(embedded | real)} |",
            flush=True,
        )
        for test in sorted(embedded | real):
            said = embedded.get(test, "absent"), real.get(test, "absent")
            if set(said) - {"passed", "skipped"}:
                unequal.append("{:9} {:9} {}".format(*said, test))
    print("\nembedded  real      test", *unequal, sep="\n")


if __name__ == "__main__":
    main()

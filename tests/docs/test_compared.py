"""The controllers of docs/how-to/controllers-compared.md do what those they are compared with do, and are shorter."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from informers.kinds import apps, core
from informers.resources import NamespacedResource
from informers.testing import APIServer
from tests.docs.test_docs import ROOT, Block, blocks
from tests.examples.background import in_background
from tests.waiting import eventually
from tests.widgets import definition

PAGE = ROOT / "docs" / "how-to" / "controllers-compared.md"
CLAIMS: NamespacedResource[Any] = NamespacedResource("kopf.dev", "v1", "ephemeralvolumeclaims", "EphemeralVolumeClaim")
VOLUME_CLAIMS = core.V1.persistent_volume_claims


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[APIServer]:
    from kubernetes.config import kube_config

    with APIServer() as running:
        path = running.write_kubeconfig(tmp_path / "kubeconfig")
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        yield running


def controllers() -> list[Block]:
    return list(blocks(PAGE.read_text(encoding="utf-8")))


def ran(block: Block, looked: list[str]) -> Callable[[threading.Event], None]:
    """Run a controller's code, and return its function `run`; `looked` gets the names that are reconciled."""
    head = "def reconcile(name: ObjectName) -> None:\n"
    assert head in block.code
    names: dict[str, Any] = {"__name__": "controller", "looked": looked}
    exec(compile(block.code.replace(head, f"{head}    looked.append(str(name))\n"), str(PAGE), "exec"), names)
    run: Callable[[threading.Event], None] = names["run"]
    return run


def test_each_controller_is_shorter_than_the_other_s() -> None:
    said = [int(number) for number in re.findall(r"(\d+) lines", PAGE.read_text(encoding="utf-8"))]
    counted = [
        sum(1 for line in block.code.splitlines() if line.strip() and not line.strip().startswith("#"))
        for block in controllers()
    ]
    assert len(counted) == 2
    assert len(said) == 4
    # What the page says of its own is no less than it has, and less than what it says of the others'.
    assert counted[0] <= said[1] < said[0]
    assert counted[1] <= said[3] < said[2]


def test_the_claim_s_controller_makes_grows_and_labels_volume_claims(server: APIServer) -> None:
    made = definition()
    made["metadata"]["name"] = "ephemeralvolumeclaims.kopf.dev"
    names = {"plural": CLAIMS.plural, "singular": "ephemeralvolumeclaim", "kind": CLAIMS.kind}
    made["spec"] |= {"group": "kopf.dev", "names": {**names, "listKind": "EphemeralVolumeClaimList"}}
    server.create(made)
    metadata = {"name": "my-claim", "namespace": "default", "labels": {"owner": "me", "app": "a"}}
    claim = {"apiVersion": "kopf.dev/v1", "kind": CLAIMS.kind, "metadata": metadata, "spec": {"size": "1G"}}

    def volume_claim() -> tuple[str, dict[str, str]] | None:
        found = server.list(VOLUME_CLAIMS)
        if not found:
            return None
        return found[0]["spec"]["resources"]["requests"]["storage"], found[0]["metadata"].get("labels", {})

    with in_background(ran(controllers()[0], [])):
        server.create(claim)
        eventually(lambda: volume_claim() == ("1G", {"owner": "me", "app": "a"}))
        [owner] = server.list(VOLUME_CLAIMS)[0]["metadata"]["ownerReferences"]
        assert owner["uid"] == server.get(CLAIMS, "my-claim")["metadata"]["uid"]
        server.patch(VOLUME_CLAIMS, "my-claim", {"metadata": {"labels": {"foreign": "stays"}}})
        server.patch(CLAIMS, "my-claim", {"spec": {"size": "2G"}})
        eventually(lambda: volume_claim() == ("2G", {"owner": "me", "app": "a", "foreign": "stays"}))
        server.patch(CLAIMS, "my-claim", {"metadata": {"labels": {"app": None}}})
        eventually(lambda: volume_claim() == ("2G", {"owner": "me", "foreign": "stays"}))


def test_the_replica_set_s_controller_labels_each_and_again_when_a_pod_changes(server: APIServer) -> None:
    def create(name: str) -> None:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        server.create({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name}, "spec": spec})

    def label() -> str | None:
        labels: dict[str, str] = server.get(apps.V1.replica_sets, "web")["metadata"].get("labels", {})
        return labels.get("hello")

    looked: list[str] = []
    with in_background(ran(controllers()[1], looked)):
        create("web")
        eventually(lambda: label() == "world")
        before = len(looked)
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
        server.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "ownerReferences": [owner]}})
        eventually(lambda: len(looked) > before)
    assert set(looked) == {"default/web"}

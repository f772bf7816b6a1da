"""The build script: what it says and how it ends where there is nothing to build, or nothing to build with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("build.sh")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the few tools that the script uses, and no Go."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in ("dirname", "sed", "date", "mkdir", "mv", "rm", "sh"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def build(path: Path, assets: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(path), "KUBEBUILDER_ASSETS": str(assets)}
    shell = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        (shell, str(SCRIPT)), env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_go_one_line_says_what_is_not_run(path: Path, tmp_path: Path) -> None:
    done = build(path, tmp_path / "assets")
    assert done.returncode == 3
    assert done.stdout == (
        "not run: tests on a real kube-apiserver, because Go is not installed (1.26 or newer builds it)\n"
    )
    assert not (tmp_path / "assets").exists()


def test_an_older_go_is_not_enough(path: Path, tmp_path: Path) -> None:
    program(path / "go", "echo go1.25.4")
    done = build(path, tmp_path / "assets")
    assert done.returncode == 3
    assert done.stdout == (
        "not run: tests on a real kube-apiserver, because go1.25.4 is installed and 1.26 or newer builds it\n"
    )


def test_what_is_there_is_kept(path: Path, tmp_path: Path) -> None:
    for name in ("etcd", "kube-apiserver", "kubectl"):
        program(tmp_path / "assets" / name, "exit 9")
    done = build(path, tmp_path / "assets")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"kube-apiserver, kubectl and etcd are in {tmp_path / 'assets'}\n"


def test_what_is_missing_is_built_and_takes_its_name_when_it_is_whole(path: Path, tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    for name in ("etcd", "kube-apiserver"):
        program(assets / name, "exit 9")
    # A compiler that writes down what it was asked for, as its product.
    program(
        path / "go",
        'if [ "$1" = env ]; then echo go1.26.0; else while [ "$1" != -o ]; do shift; done; echo "$3" >"$2"; fi',
    )
    done = build(path, assets)
    assert (done.returncode, done.stderr) == (0, "")
    assert (assets / "kubectl").read_text() == "k8s.io/kubernetes/cmd/kubectl\n"
    assert sorted(file.name for file in assets.iterdir()) == ["etcd", "kube-apiserver", "kubectl"]


def test_a_build_that_fails_leaves_nothing_behind(path: Path, tmp_path: Path) -> None:
    program(
        path / "go",
        'if [ "$1" = env ]; then echo go1.26.0; else while [ "$1" != -o ]; do shift; done; echo half >"$2"; exit 2; fi',
    )
    done = build(path, tmp_path / "assets")
    assert done.returncode == 2
    assert list((tmp_path / "assets").iterdir()) == []

"""The build script and who asks for its program, where there is nothing to build, or nothing to build with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compared_with_go import program
from tests.compared_with_go.program import CLIENT_GO_VERSION

SCRIPT = Path(__file__).with_name("build.sh")
#: A compiler that makes a program of a few words.
GO = 'if [ "$1" = env ]; then echo go1.26.0; else while [ "$1" != -o ]; do shift; done; echo built >"$2"; fi'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the few tools that the script uses, and no Go."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in ("cat", "cmp", "dirname", "sed", "date", "mkdir", "mv", "rm", "sh"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "informers" / f"client-go-v{CLIENT_GO_VERSION}"


def build(path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(path), "XDG_CACHE_HOME": str(path.parent)}
    shell = shutil.which("sh") or "/bin/sh"
    return subprocess.run(
        (shell, str(SCRIPT)), env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def go(path: Path, text: str) -> None:
    (path / "go").write_text(f"#!/bin/sh\n{text}\n")
    (path / "go").chmod(0o755)


def test_without_go_one_line_says_what_is_not_run(path: Path, cache: Path) -> None:
    done = build(path)
    assert done.returncode == 3
    assert done.stdout == (
        "not run: the comparison with client-go, because Go is not installed (1.26 or newer builds it)\n"
    )
    assert not cache.exists()
    assert "it is not built" in program.missing()


def test_an_older_go_is_not_enough(path: Path) -> None:
    go(path, "echo go1.25.4")
    done = build(path)
    assert done.returncode == 3
    assert done.stdout == (
        "not run: the comparison with client-go, because go1.25.4 is installed and 1.26 or newer builds it\n"
    )


def test_a_program_is_kept_until_its_sources_change(path: Path, cache: Path) -> None:
    go(path, GO)
    assert build(path).returncode == 0
    built = cache / "play"
    assert built.read_text() == "built\n"
    built.chmod(0o755)
    assert program.missing() == ""
    go(path, "exit 9")
    done = build(path)
    assert (done.returncode, done.stdout) == (0, f"the program that plays scripts to client-go is in {cache}\n")
    (cache / "play.sources").write_text("of another day")
    assert "it was built from other sources" in program.missing()
    go(path, GO)
    assert "built it in" in build(path).stdout


def test_a_build_that_fails_leaves_nothing_that_looks_built(path: Path, cache: Path) -> None:
    go(
        path,
        'if [ "$1" = env ]; then echo go1.26.0; else while [ "$1" != -o ]; do shift; done; echo half >"$2"; exit 2; fi',
    )
    assert build(path).returncode == 2
    assert list(cache.iterdir()) == []

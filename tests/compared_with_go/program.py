"""The program that plays scripts to client-go: where it is, why it can't be run if so, and how it is run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["CLIENT_GO_VERSION", "missing", "program", "run"]

CLIENT_GO_VERSION = "0.37.2"

_HERE = Path(__file__).parent
_SOURCES = ("main.go", "go.mod", "go.sum")


def program() -> Path:
    """Return where build.sh puts it."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "informers" / f"client-go-v{CLIENT_GO_VERSION}" / "play"


def missing() -> str:
    """Return why it can't be run, or an empty string."""
    built = program()
    if not os.access(built, os.X_OK):
        return "it is not built; tests/compared_with_go/build.sh does that with Go 1.26"
    from_what = built.with_name("play.sources")
    sources = b"".join((_HERE / "clientgo" / name).read_bytes() for name in _SOURCES)
    if not from_what.exists() or from_what.read_bytes() != sources:
        return "it was built from other sources; tests/compared_with_go/build.sh does that anew with Go 1.26"
    return ""


def run(scripts: Sequence[dict[str, Any]], *, timeout: float) -> tuple[list[dict[str, Any]], int]:
    """Play scripts, all at once; return the lines that were written, and the exit code."""
    done = subprocess.run(
        [str(program())],
        input=json.dumps(list(scripts)),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    # Go ends with 2 after a panic, and so does the program where it can't even begin.
    assert done.returncode in {0, 2}, done.stderr
    assert done.returncode == 0 or "the handler does not like this" in done.stderr, done.stderr
    return lines, done.returncode

"""The clients that are compared, and how each gets an environment of its own, outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "informers" / "bench"


@attrs.frozen
class Peer:
    """One client.

    Args:
        name: As the tables print it.
        script: The file in `clients` that runs it; None for a Go program.
        requirements: What its environment holds; empty for the one that runs this.
        program: The folder of the Go program.
        variant: Passed on to the script or the program.
        often: Whether it is quick enough to be repeated.
        scales: Whether it is also run with the larger numbers of pods.
        syncs_only: Whether only its sync is measured.
    """

    name: str
    script: str | None = None
    requirements: tuple[str, ...] = ()
    program: str = "clientgo"
    variant: str = ""
    often: bool = True
    scales: bool = False
    syncs_only: bool = False

    def command(self) -> list[str]:
        """Return the command that runs it, after making its environment.

        Raises:
            PeerMissingError: It can't be installed here.
        """
        if self.script is None:
            return [str(go_program(self.program)), f"-variant={self.variant}"]
        python = environment(self.script, self.requirements) if self.requirements else Path(sys.executable)
        return [
            str(python),
            str(HERE / "clients" / self.script),
            *(["--variant", self.variant] if self.variant else []),
        ]


class PeerMissingError(Exception):
    """A client can't be run on this machine; says why."""


KOPF = ("kopf==1.45.2",)
#: Other ways to sync, each with zstd and without; see `clients/use_informers.py`.
WAYS = (
    ("pages", "pages"),
    ("one answer", "whole"),
    ("no handler", "bare"),
    ("pages; no handler", "bare,pages"),
    ("custom kind; no handler", "bare,custom"),
    ("custom kind; pages; no handler", "bare,custom,pages"),
)

PEERS = (
    Peer("informers", "use_informers.py", scales=True),
    Peer("informers (deflate)", "use_informers.py", variant="deflate", scales=True),
    *(
        Peer(f"informers ({name})", "use_informers.py", variant=variant + packed, syncs_only=True)
        for way, variant in WAYS
        for name, packed in ((way, ""), (f"{way}; deflate", ",deflate"))
    ),
    Peer("client-go (json)", variant="json", scales=True),
    Peer("client-go (protobuf)", variant="protobuf", scales=True),
    Peer("lightkube", "use_lightkube.py", ("lightkube==1.0.1",), scales=True),
    Peer("kubernetes.informer", "use_kubernetes.py", ("kubernetes==37.0.2",)),
    Peer("kopf", "use_kopf.py", KOPF, often=False),
    Peer("kr8s", "use_kr8s.py", ("kr8s==0.20.15",), often=False),
    Peer("cloudcoil", "use_cloudcoil.py", ("cloudcoil", "cloudcoil.models.kubernetes"), often=False),
    Peer("transfer", "transfer.py", ("urllib3==2.8.0",), scales=True),
)
#: What runs a function for each object: see `controllers.py`.
CONTROLLERS = (
    Peer("informers", "control_informers.py"),
    Peer("informers (asyncio)", "control_informers.py", variant="aio"),
    Peer("controller-runtime (protobuf)", program="controllerruntime", variant="protobuf"),
    Peer("controller-runtime (json)", program="controllerruntime", variant="json"),
    # With an index it needs a minute for 2,000 pods, since none has its turn before all are indexed.
    Peer("kopf (no index)", "use_kopf.py", KOPF, variant="bare", often=False),
)


def environment(name: str, requirements: tuple[str, ...], *, made_by: str = sys.executable) -> Path:
    """Return the Python of a virtual environment with *requirements*, made now if it is not there."""
    folder = CACHE / f"{name.removesuffix('.py')}-py{sys.version_info[0]}{sys.version_info[1]}"
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([made_by, "-m", "venv", str(folder)], check=True, timeout=120, capture_output=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        subprocess.run(pip, check=True, timeout=600, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise PeerMissingError(f"pip: {str(error.stderr).strip().splitlines()[-1:]}") from error
    stamp.write_text(wanted)
    return python


def go_program(name: str = "clientgo") -> Path:
    """Return a Go program, built now if its source is newer."""
    source, target = HERE / name, CACHE / f"{name}-client"
    newest = max(path.stat().st_mtime for path in source.iterdir())
    if target.exists() and target.stat().st_mtime >= newest:
        return target
    if not (go := shutil.which("go")):
        raise PeerMissingError("Go 1.26 is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        command = [go, "build", "-o", str(target), "."]
        subprocess.run(command, cwd=source, check=True, timeout=900, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise PeerMissingError(f"go build: {error.stderr.strip().splitlines()[-1:]}") from error
    target.touch()
    return target

"""Server processes: where their programs are; started with their output in a file, stopped by id, never left behind.

Upstream: sigs.k8s.io/controller-runtime/pkg/internal/testing/process.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from informers._base.forks import on_fork
from informers.testing._store.changes import poll

__all__ = ["Daemon", "assets", "free_ports", "missing"]

# Ends the daemon when this process ends in any way at all, SIGKILL included: the pipe then closes. A daemon that is
# about to die may still write, so its folder is removed again until that has worked.
_WATCHDOG = """
trap "" INT TERM HUP
read -r _
kill -9 "$1" 2>/dev/null
[ -z "$2" ] && exit
for _ in 1 2 3 4 5; do rm -rf "$2" && exit; sleep 1; done
"""


@attrs.define(eq=False)
class Daemon:
    """One process at a time, which can be killed and started again.

    Attributes:
        name: for messages.
        command: program and arguments.
        log: file that its output is added to.
        folder: what is removed, too, when this process ends without `kill`; None for nothing.
    """

    name: str
    command: Sequence[str]
    log: Path
    folder: Path | None = None
    _process: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)
    _watchdog: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        on_fork(self._forked)

    def _forked(self, _parent: int) -> list[int]:
        """Give up the watchdog's pipe in a forked child, which may outlive this process."""
        pipe = None if self._watchdog is None else self._watchdog.stdin
        return [] if pipe is None else [pipe.fileno()]

    @property
    def pid(self) -> int:
        """The process's id."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the process; `wait_until` waits until it is ready.

        Raises:
            RuntimeError: it runs already, or the system can't run such a program.
        """
        if self._process is not None:
            raise RuntimeError(f"{self.name} runs already")
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603  a command of our own
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        except OSError as error:
            raise RuntimeError(f"{self.name} can't be started: {error}") from error
        shell = shutil.which("sh") or "/bin/sh"
        self._watchdog = subprocess.Popen(  # noqa: S603  likewise
            (shell, "-c", _WATCHDOG, shell, str(self._process.pid), str(self.folder or "")),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_until(self, ready: Callable[[], str], *, timeout: float) -> None:
        """Poll until `ready` returns an empty string; what it returns says what is not.

        Raises:
            RuntimeError: the process has ended, or it was not ready in time; with the end of its log.
        """
        process, missing = self._process, ""
        assert process is not None

        def look() -> bool:
            nonlocal missing
            missing = ready()
            if missing and process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {process.returncode}:\n{self.tail()}")
            return not missing

        if not poll(look, timeout):
            raise RuntimeError(f"{self.name} not ready in {timeout} s: {missing}\n{self.tail()}")

    def stop(self) -> None:
        """Ask the process to end, and kill it when it has not after ten seconds."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self.kill()

    def kill(self) -> None:
        """Kill the process (SIGKILL), if it runs."""
        process, self._process = self._process, None
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            watchdog.kill()  # first: it must never see an id that another process has got since
            watchdog.wait(10)
            assert watchdog.stdin is not None
            watchdog.stdin.close()
        if process is not None:
            process.kill()
            process.wait(10)

    def tail(self, size: int = 4096) -> str:
        """Return the end of the log."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - size))
            return log.read().decode(errors="replace")


def free_ports(count: int) -> list[int]:
    """Return free ports of 127.0.0.1, from below the range that outgoing connections take theirs from."""
    held: list[socket.socket] = []
    try:
        for port in random.sample(range(20_000, 32_000), 200):
            listener = socket.socket()
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                listener.close()
                continue
            held.append(listener)
            if len(held) == count:
                return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()
    raise RuntimeError(f"no {count} free ports among 200 tried on 127.0.0.1")


def assets() -> Path:
    """Return the folder of the programs: the one that `KUBEBUILDER_ASSETS` names, or envtest's default."""
    return Path(os.environ.get("KUBEBUILDER_ASSETS") or "/usr/local/kubebuilder/bin")


def missing(folder: Path | None = None) -> str:
    """Return why no control plane can be started with the programs of a folder, or an empty string."""
    folder = folder or assets()
    absent = [name for name in ("etcd", "kube-apiserver") if not os.access(folder / name, os.X_OK)]
    if absent:
        named = "KUBEBUILDER_ASSETS" if os.environ.get("KUBEBUILDER_ASSETS") else "KUBEBUILDER_ASSETS is not set, and"
        return (
            f"{named} {folder} has no {' and no '.join(absent)}: set KUBEBUILDER_ASSETS to a folder with both, for "
            "example what `setup-envtest use -p path` prints, or the folder of a distribution's packages"
        )
    return "" if shutil.which("openssl") else "the openssl command is not installed: it makes keys and certificates"

"""Runs the test server alone: `python -m informers.testing --kubeconfig FILE`.

It prints its address, serves on loopback only, deletes owned objects with their owners, keeps nothing after its end,
and ends on SIGINT or SIGTERM.

Example:
    A server for kubectl, in a shell::

        python -m informers.testing --kubeconfig config &
        kubectl --kubeconfig config get namespaces
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from informers._base.signals import Signal
from informers.errors import ConfigurationError
from informers.testing.apiserver import APIServer

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal; return the exit code.

    Args:
        argv: arguments; None for the command line's.
    """
    parser = argparse.ArgumentParser(
        prog="python -m informers.testing",
        description="A Kubernetes API server for tests, on 127.0.0.1 only. Everything is forgotten at its end.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen at (default: any that is free)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="write a kubeconfig for this server to FILE")
    arguments = parser.parse_args(argv)
    stop = Signal()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = APIServer(port=arguments.port, collects_garbage=True)
        server.start()
    except (OSError, ConfigurationError) as problem:
        print(f"can't listen at port {arguments.port}: {problem}", file=sys.stderr)  # noqa: T201  a command speaks
        return 1
    with server:
        if arguments.kubeconfig:
            try:
                server.write_kubeconfig(arguments.kubeconfig)
            except OSError as problem:
                print(f"can't write the kubeconfig: {problem}", file=sys.stderr)  # noqa: T201  likewise
                return 1
        print(server.url, flush=True)  # noqa: T201  a command speaks
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

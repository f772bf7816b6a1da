"""Watches a cluster's network: pods with their addresses, network policies, and which policies select which pods.

    python network_monitor.py                      # the cluster of ~/.kube/config, or the one that this runs in
    python network_monitor.py --namespace shop --output json
    python network_monitor.py --demo               # no cluster needed
    python network_monitor.py --metrics-port 8080  # serves /metrics for Prometheus, /readyz and /healthz for Kubernetes

It runs until SIGINT or SIGTERM, or for `--duration` seconds. The exit code is 0, or 1 after an error that it says.

With `--output json` each line is an object with `time`, `level`, `event`, `message`, and by event:

- `step`: `step`
- `pod_added`: `namespace`, `name`, `ip`, `ips`, `phase`, `terminating`, `node`, `node_address`, `initial`
- `pod_updated`: `namespace`, `name`, `node`, `node_address`; `phase`, `ip`, `ips`, `terminating`, `resource_version`,
  each as `old` and `new`
- `pod_deleted`: `namespace`, `name`, `phase`, `tombstone`
- `pod_policies`: `namespace`, `name`, `ingress` and `egress` (names; empty is open), `host_network`
- `policy_added`: `namespace`, `name`, `spec` (words by field), `initial`
- `policy_updated`: `namespace`, `name`; `resource_version` and each field in `changed` with `old` and `new`
- `policy_deleted`: `namespace`, `name`, `tombstone`
- `watch_failed`, `object_set_aside`: `resource`, `key`, `error`, `next_step`, `delay`
- `error`, `log`: see `message`
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # The imports take a moment, and Ctrl-C in it would end in a traceback. `main` handles signals after that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, nullcontext
from io import TextIOWrapper
from typing import Any, final

import attrs
from kubernetes.client import ApiClient
from monitor.cluster import MonitorError, connect, unreachable
from monitor.demo import Demo
from monitor.handlers import PodHandler, PolicyHandler
from monitor.report import Output, Report, logging_to
from monitor.selection import SelectionTracker
from monitor.serving import Serving

from informers import (
    ConfigurationError,
    ObjectName,
    SharedInformer,
    SharedInformerFactory,
    Signal,
    WatchFailure,
    wait_for_cache_sync,
)
from informers.errors import ConnectionLostError
from informers.workqueue import Queue


@final
@attrs.frozen(kw_only=True)
class Options:
    """What the command line says.

    Attributes:
        kubeconfig: a path; None for the default.
        context: of the kubeconfig; None for its current one.
        namespace: None for all.
        resync: seconds; None for ten minutes, or a second and a half in the demo.
        sync_timeout: seconds.
        duration: seconds from the moment when the caches are filled; None for no end.
        output: `text` or `json`.
        demo: whether to start a server to watch.
        demo_speed: factor.
        metrics_port: where to serve metrics and health; 0 for any port that is free; None for nowhere.
        metrics_address: likewise.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    resync: float | None = None
    sync_timeout: float = 60.0
    duration: float | None = None
    output: str = "text"
    demo: bool = False
    demo_speed: float = 1.0
    metrics_port: int | None = None
    metrics_address: str = "127.0.0.1"

    @classmethod
    def parse(cls, arguments: Sequence[str] | None) -> Options:
        """Read command line arguments; None for those of this process. Exits with code 2 if they are wrong."""
        parser = argparse.ArgumentParser(
            prog="network_monitor.py",
            description="Reports the life of pods and network policies, and which policies select which pods.",
        )
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--kubeconfig", metavar="FILE", help="default: ~/.kube/config, then in-cluster")
        where.add_argument("--demo", action="store_true", help="start an API server with a demo, and watch that")
        parser.add_argument("--context", metavar="NAME", help="of the kubeconfig; default: its current context")
        parser.add_argument("--namespace", metavar="NAME", help="watch only this one (default: all)")
        parser.add_argument(
            "--resync", type=_seconds, metavar="SECONDS", help="default: 600; 1.5 in the demo; 0: never"
        )
        parser.add_argument("--sync-timeout", type=_seconds, metavar="SECONDS", default=60.0, help="default: 60")
        parser.add_argument(
            "--duration", type=_seconds, metavar="SECONDS", help="end this long after the caches are filled"
        )
        parser.add_argument("--output", choices=["text", "json"], default="text", help="default: text")
        parser.add_argument("--demo-speed", type=_factor, metavar="FACTOR", default=1.0, help="default: 1")
        parser.add_argument(
            "--metrics-port", type=_port, metavar="PORT", help="serve /metrics, /readyz and /healthz there; 0: any free"
        )
        parser.add_argument(
            "--metrics-address", metavar="ADDRESS", default="127.0.0.1", help="default: 127.0.0.1; in a pod: 0.0.0.0"
        )
        options = cls(**vars(parser.parse_args(arguments)))
        if options.demo and options.context is not None:
            parser.error("argument --context: not allowed with argument --demo")
        return options

    @property
    def resync_period(self) -> float:
        """Seconds after which every object is delivered again, from the cache."""
        return self.resync if self.resync is not None else 1.5 if self.demo else 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes or the time is up; return the exit code."""
    options = Options.parse(arguments)
    stop = Signal()
    if not sys.stdout:
        # The parent process closed it.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  as long as the process lives
    if isinstance(sys.stdout, TextIOWrapper):
        # Text that the terminal cannot encode must not end the monitor.
        sys.stdout.reconfigure(errors="backslashreplace")
    output = Output(sys.stdout, as_json=options.output == "json", on_broken_pipe=stop.set)
    with logging_to(output) as report, raised_by_signals(stop) as received:
        code = run(options, report, output, stop, received)
    if output.is_broken:
        # Or Python complains, at its own end, that it could not write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if output.problem:
        print(f"the output can't be written: {output.problem}", file=sys.stderr)
        return 1
    return code


def run(options: Options, report: Report, output: Output, stop: Signal, received: Sequence[signal.Signals] = ()) -> int:
    """Run until `stop` is raised, by a signal that was received, or the time is up; return the exit code."""
    with ExitStack() as stack:
        try:
            demo = stack.enter_context(Demo(report, speed=options.demo_speed)) if options.demo else None
            if demo is not None:
                report.step("demo", f"its own API server at {demo.server.url}")
            api_client = demo.server.client() if demo is not None else connect(options.kubeconfig, options.context)
            watch(api_client, options, report, output, stop, received, demo)
        except (MonitorError, ConfigurationError) as problem:
            report.error(str(problem))
            return 1
    report.step("stopped", "stopped")
    return 0


def watch(
    api_client: ApiClient,
    options: Options,
    report: Report,
    output: Output,
    stop: Signal,
    received: Sequence[signal.Signals],
    demo: Demo | None,
) -> None:
    """Build what watches, start it, and wait for the end.

    Raises:
        MonitorError: the caches could not be filled, or metrics can't be served.
    """
    ready: Future[bool] = Future()
    #: Raised when there is no use in waiting for the caches any longer.
    over = Signal()
    stop.add_callback(over.set)

    def failed(failure: WatchFailure) -> None:
        # Before anything has come, a server that can't be reached ends the program with an error that says so.
        is_ready = ready.done() and ready.result()
        if is_ready or not isinstance(failure.error, ConnectionLostError):
            report.failure(failure)
        elif unreachable(factory.health()):
            over.set()

    factory = SharedInformerFactory(
        api_client,
        default_resync=options.resync_period,
        namespace=options.namespace,
        watch_error_handler=failed,
        options=None if demo is None else demo.reflector_options,
    )
    scope = f"namespace {options.namespace}" if options.namespace else "all namespaces"
    report.step("factory", f"factory for {scope} of {api_client.configuration.host}, resync {_every(options)}")

    pods, policies, nodes = factory.core.v1.pods, factory.networking.v1.network_policies, factory.core.v1.nodes
    informers = (pods.informer, policies.informer, nodes.informer)
    report.step("informers", f"informers: {', '.join(informer.name for informer in informers)}")
    serving = None
    if options.metrics_port is not None:
        serving = Serving(factory, report, host=options.metrics_address, port=options.metrics_port)
    queue: Queue[ObjectName] = Queue(name="selection", metrics=None if serving is None else serving.queues)
    tracker = SelectionTracker(report, pods=pods.lister, policies=policies.lister, queue=queue, stop=stop)
    report.step("listers", "listers: nodes for addresses, pods and policies for selections")

    pod_handler = PodHandler(report, nodes=nodes.lister, queue=queue, ready=ready)
    policy_handler = PolicyHandler(
        report, pods=pods.lister, queue=queue, ready=ready, to_json=api_client.sanitize_for_serialization
    )
    pods.informer.add_event_handler(pod_handler)
    policies.informer.add_event_handler(policy_handler)
    report.step("handlers", "handlers registered: pods, network policies")

    worker = threading.Thread(target=tracker.run, name="selection")
    with serving or nullcontext(), factory:
        report.step("started", "started: one list and watch for each informer")
        try:
            report.step("waiting", f"waiting for the caches, {options.sync_timeout:g} s at most")
            if wait_until_synced(factory, informers, options.sync_timeout, output, stop=stop, over=over):
                counts = ", ".join(f"{len(informer.indexer)} {informer.name}" for informer in informers)
                report.step("synced", f"synced: {counts}")
                until = "" if options.duration is None else f", {options.duration:g} s at most"
                report.step("running", f"running until SIGINT or SIGTERM{until}")
                ready.set_result(True)
                worker.start()
                if demo is not None:
                    demo.play(factory.health)
                stop.wait(options.duration)
        finally:
            report.step("stopping", f"stopping: {_why(received, output, stop, options)}")
            stop.set()
            if not ready.done():
                ready.set_result(False)
            queue.shut_down()
    if worker.ident is not None:
        worker.join()
        report.step("pods", f"pods: {pod_handler.counts}")
        report.step("policies", f"network policies: {policy_handler.counts}")


def wait_until_synced(
    factory: SharedInformerFactory,
    informers: Sequence[SharedInformer[Any]],
    timeout: float,
    output: Output,
    *,
    stop: Signal,
    over: Signal,
) -> bool:
    """Wait until all caches are filled; return whether they are, which is not so if `stop` was raised before.

    Raises:
        MonitorError: the server can't be reached, which raises `over`, or time is up.
    """
    try:
        result = wait_for_cache_sync(*informers, timeout=timeout, stop=over, progress=output.progress)
    finally:
        output.end_progress()
    if result or stop.is_set():
        return bool(result)
    problem = unreachable(factory.health())
    if problem:
        raise MonitorError(f"the server can't be reached: {problem}")
    raise MonitorError(f"the caches are not filled after {timeout:g} s: {result}")


@contextmanager
def raised_by_signals(stop: Signal) -> Generator[Sequence[signal.Signals]]:
    """Raise `stop` on SIGINT and SIGTERM; gives the signals that have been received."""
    received: list[signal.Signals] = []

    def end(number: int, _frame: object) -> None:
        received.append(signal.Signals(number))
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _why(received: Sequence[signal.Signals], output: Output, stop: Signal, options: Options) -> str:
    """Return why the monitor ends."""
    if received:
        return f"received {received[0].name}"
    if output.is_broken:
        return "the output can't be written"
    if sys.exc_info()[0] is not None:
        return "an error"
    return "stop was asked for" if stop.is_set() else f"{options.duration or 0:g} s are over"


def _every(options: Options) -> str:
    return f"every {options.resync_period:g} s" if options.resync_period else "never"


def _seconds(text: str) -> float:
    seconds = _number(text)
    if seconds is None or not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, for example 1.5: got {text!r}")
    return seconds


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535: got {text!r}")
    return int(text)


def _factor(text: str) -> float:
    factor = _number(text)
    if factor is None or not 0 < factor < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, for example 2: got {text!r}")
    return factor


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())

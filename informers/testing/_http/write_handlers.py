"""Answers to requests.

Upstream: k8s.io/apiserver/pkg/endpoints/handlers (v0.37).
"""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, final

import attrs

from informers._base.clock import Clock
from informers.testing._http import status as failures
from informers.testing._http.api_discovery import discover, is_in_builtin_group, openapi
from informers.testing._http.bodies import APPLY, read_configuration, read_delete_options, read_object, read_options
from informers.testing._http.exchange import Exchange
from informers.testing._http.read_handlers import Reads
from informers.testing._http.representations import Form, negotiate
from informers.testing._http.request_reader import BODY_LIMIT, Request
from informers.testing._http.reviews import review
from informers.testing._http.routes import Target, route
from informers.testing._http.status import Cause, Failure
from informers.testing._http.subresource_handlers import Subresources
from informers.testing._rules.admission import mistyped, of_another_kind
from informers.testing._rules.authorization import Access
from informers.testing._rules.custom_resources import Customs
from informers.testing._rules.patches import json_patch, merge_patch, strategic_patch
from informers.testing._rules.registry import Registry, WriteOptions
from informers.testing._store.documents import Json, decode, encode, quote
from informers.testing._store.served_resources import Catalog
from informers.testing._store.versioned_storage import Storage, StoredRecord
from informers.testing._store.watches import Watcher, Watchers, WatchSettings, error_line
from informers.testing.faults import (
    BadJSON,
    Cut,
    Delay,
    EndWatch,
    Expire,
    Fault,
    Faults,
    Hang,
    NoBookmarks,
    Refuse,
    ScriptedFault,
    Status,
)
from informers.testing.request_log import LoggedRequest, RequestLog

__all__ = ["Handlers"]

_logger = logging.getLogger("informers.testing")

_PATCHES: dict[str, Callable[[Json, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_patch,
}
_LOOPBACK = re.compile(r"(?i:127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?")
_BROKEN = b'{"kind": this is no JSON\n'


@final
@attrs.frozen
class Handlers:
    """Answers requests.

    Attributes:
        storage: has the objects.
        reads: answers gets and lists.
        subresources: answers for subresources with rules of their own.
        registry: has the rules for writes.
        catalog: has the served resources.
        customs: has the state of definitions.
        access: has the permissions.
        faults: the script of faults.
        requests: the log of requests.
        watchers: has the open watches.
        clock: for timestamps and waits.
        bookmark_interval: seconds between a watch's bookmarks.
    """

    storage: Storage
    reads: Reads
    subresources: Subresources
    registry: Registry
    catalog: Catalog
    customs: Customs
    access: Access
    faults: Faults
    requests: RequestLog
    watchers: Watchers
    clock: Clock
    bookmark_interval: float

    def serve(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            ConnectionError: the connection has ended.
        """
        request = exchange.request
        target = route(self.catalog, request.method, request.path, request.query)
        noted = self._noted(request, target)
        exchange.on_status = lambda status: self.requests.add(attrs.evolve(noted, status=status))
        fault: ScriptedFault | None = None
        try:
            if not _LOOPBACK.fullmatch(host := request.headers.get("host", "localhost")):
                raise failures.other_host(host)
            if request.is_too_large:
                raise failures.too_large(BODY_LIMIT)
            for fault in self.faults.take(noted):
                self._before_answer(exchange, noted, fault.fault)
            self.access.check(noted, request.headers.get("authorization", ""))
            said = review(request, self.access, self.clock.time())
            if said is not None:
                exchange.respond(201, [encode(said), b"\n"])
            elif target is None:
                self._serve_path(exchange)
            elif noted.verb == "watch":
                self._watch(exchange, target, fault)
            else:
                self._answer(exchange, target, fault)
        except Failure as failure:
            self._refuse(exchange, failure)
        except ConnectionError:
            raise
        except RecursionError:
            self._refuse(exchange, failures.bad_request("the object is nested too deeply"), is_last=True)
        except Exception as problem:
            # A bug of this server must show, and must not hang the client.
            _logger.exception("%s %s could not be answered", request.method, request.path)
            if not exchange.is_started:
                self._refuse(exchange, failures.internal(repr(problem)), is_last=True)
            raise ConnectionError(repr(problem)) from problem

    def _noted(self, request: Request, target: Target | None) -> LoggedRequest:
        namespace = target.namespace if target else ""
        if target and not namespace and str(target.served.resource) == "namespaces":
            # On the real server, a namespace is in itself.
            namespace = target.name
        return LoggedRequest(
            request.method,
            request.path,
            request.query,
            target.verb if target else request.method.lower(),
            target.served.resource if target else None,
            namespace,
            target.name if target else "",
            target.subresource if target else "",
            request.headers.get("user-agent", ""),
            self.clock.time(),
        )

    def _before_answer(self, exchange: Exchange, noted: LoggedRequest, fault: Fault) -> None:
        is_watch = noted.verb == "watch"
        match fault:
            case Delay(seconds):
                exchange.wait(seconds)
            case Refuse():
                exchange.on_status(0)
                exchange.reset()
            case Hang(None):
                exchange.on_status(0)
                exchange.wait(None)
            case Hang(int() as count):
                exchange.stops_after, exchange.hangs = count, True
            case Cut(count):
                exchange.stops_after = count
            case Status(in_stream=False):
                raise fault.failure()
            case Expire() if not is_watch:
                is_page = "continue" in noted.query
                raise failures.expired(failures.CONTINUE_EXPIRED if is_page else failures.LIST_EXPIRED)
            case BadJSON() if not is_watch:
                exchange.respond(200, [_BROKEN])
                exchange.reset()
            case _:
                pass

    def _refuse(self, exchange: Exchange, failure: Failure, *, is_last: bool = False) -> None:
        headers = {"Retry-After": str(int(failure.retry_after))} if failure.retry_after else {}
        if is_last:
            headers["Connection"] = "close"
        exchange.respond(failure.code, [encode(failure.status()), b"\n"], headers=headers)

    def _serve_path(self, exchange: Exchange) -> None:
        request = exchange.request
        path = request.path
        if is_in_builtin_group(self.catalog, path):
            raise failures.no_such_path()
        if path in {"/healthz", "/livez", "/readyz"}:
            exchange.respond(200, [b"ok"], headers={"Content-Type": "text/plain; charset=utf-8"})
            return
        document = (openapi if path.startswith("/openapi/v3") else discover)(self.catalog, path)
        if document is None or request.method not in {"GET", "HEAD"}:
            exchange.respond(404, [b"404 page not found\n"], headers={"Content-Type": "text/plain; charset=utf-8"})
            return
        if request.method == "HEAD" and not re.fullmatch(r"/apis(/[^/]+)?/?", path):
            raise failures.method_not_allowed()
        exchange.respond(200, [encode(document), b"\n"])

    def _answer(self, exchange: Exchange, target: Target, fault: ScriptedFault | None) -> None:
        request, served = exchange.request, target.served
        verbs = served.verbs
        if target.subresource:
            if target.part is None:
                raise failures.not_found(served.resource, target.name) if served.is_custom else failures.no_such_path()
            verbs = target.part.verbs
        # For all namespaces at once there is only `list`.
        is_misplaced = served.resource.is_namespaced and not target.namespace and target.verb != "list"
        if target.verb not in verbs or is_misplaced:
            raise failures.method_not_allowed()
        if target.subresource:
            is_scaled = target.subresource == "scale" and target.verb in {"update", "patch"}
            change = self._change(target, request) if is_scaled else None
            answer = self.subresources.answer(target, request, change)
            if answer is not None:
                exchange.respond(answer[0], [encode(answer[1]), b"\n"])
                return
        form = negotiate(
            served,
            request.headers.get("accept", ""),
            request.query,
            now=self.clock.time(),
            is_list=target.verb in {"list", "deletecollection"},
        )
        match target.verb:
            case "get":
                exchange.respond(200, [form.one(self.reads.get(target, request, fault and fault.lag))])
            case "list":
                exchange.respond(200, self.reads.listing(target, request, form, fault and fault.lag))
            case "create" if not target.name:
                options = read_options(request, target)
                wanted = read_object(request, served.resource.kind, says_kind=served.is_custom)
                record = self.registry.create(served, target.namespace, wanted, options)
                exchange.respond(201, [form.one(record)], headers=_warnings(options))
            case "update" | "patch":
                options = read_options(request, target)
                record, is_new = (self._update if target.verb == "update" else self._patch)(target, request, options)
                exchange.respond(201 if is_new else 200, [form.one(record)], headers=_warnings(options))
            case "delete" if not target.subresource:
                record, is_gone = self.registry.delete(
                    served, target.namespace, target.name, read_delete_options(request)
                )
                exchange.respond(200, [_deleted(form, record, is_gone=is_gone)])
            case "deletecollection":
                exchange.respond(200, self._delete_collection(target, request, form))
            case _:
                raise failures.method_not_allowed()

    def _update(self, target: Target, request: Request, options: WriteOptions) -> tuple[StoredRecord, bool]:
        wanted = self._wanted(target, request)
        return self.registry.replace(target.served, target.namespace, target.name, wanted, options)

    def _patch(self, target: Target, request: Request, options: WriteOptions) -> tuple[StoredRecord, bool]:
        served, namespace, name = target.served, target.namespace, target.name
        if request.media == APPLY:
            if "fieldManager" not in request.query:
                cause = failures.Cause.required("fieldManager", "is required for apply patch")
                raise failures.invalid("meta.k8s.io", "PatchOptions", "", [cause])
            return self.registry.apply(served, namespace, name, read_configuration(request, served), options)
        return self.registry.update(served, namespace, name, self._change(target, request), options), False

    def _wanted(self, target: Target, request: Request) -> Json:
        served = target.served
        kind = (target.part and target.part.kind) or served.resource.kind
        return read_object(request, kind, says_kind=served.is_custom)

    def _change(self, target: Target, request: Request) -> Callable[[Json], Json]:
        """Return the function that applies an update or a patch to an object.

        Raises:
            Failure: 400, 415.
        """
        served = target.served
        if target.verb == "update":
            wanted_object = self._wanted(target, request)
            return lambda _: wanted_object
        patch = _PATCHES.get(request.media)
        if served.is_custom and (patch is None or patch is strategic_patch):
            raise failures.unsupported_media_type([*(known for known in _PATCHES if "strategic" not in known), APPLY])
        if patch is None:
            raise failures.unsupported_patch_type()
        try:
            content = decode(request.body)
        except ValueError:
            raise failures.bad_request("invalid JSON patch") from None
        if content is None and patch is strategic_patch:
            content = {}
        if patch is not json_patch and not isinstance(content, dict):
            raise failures.no_patch(content, is_merge=patch is merge_patch)

        def change(old: Json) -> Json:
            wanted: Json = patch(old, content)
            if patch is strategic_patch:
                # The real server knows the kind by the type.
                wanted = {**wanted, "kind": old["kind"], "apiVersion": old["apiVersion"]}
            if problem := mistyped(served, wanted) or of_another_kind(wanted, old["apiVersion"], old["kind"]):
                raise failures.invalid("", "", "", [Cause.invalid("patch", encode(wanted).decode(), problem)])
            return wanted

        return change

    def _delete_collection(self, target: Target, request: Request, form: Form) -> list[bytes]:
        page = self.reads.page(target, self.reads.query(target, request, is_watch=False))
        deleted = self.registry.delete_all(target.served, page.records, read_delete_options(request))
        return form.many(deleted, {"resourceVersion": str(page.version)})

    def _watch(self, exchange: Exchange, target: Target, scripted: ScriptedFault | None) -> None:
        request = exchange.request
        fault = scripted and scripted.fault
        if "watch" not in target.served.verbs:
            raise failures.method_not_allowed()
        if self.customs.is_restarting(target.served):
            raise failures.restarting()
        form = negotiate(target.served, request.headers.get("accept", ""), request.query, now=self.clock.time())
        query = self.reads.query(target, request, is_watch=True)
        # Like the real server's: spread, so that clients do not all return at once.
        default_timeout = 1800.0 * (1.0 + random.random())  # noqa: S311  nothing is secret
        settings = WatchSettings(self.clock, self.bookmark_interval, default_timeout)
        watcher = Watcher(self.storage, form, query, settings, lag=lambda: scripted and scripted.lag)
        watcher.is_without_bookmarks = isinstance(fault, NoBookmarks)
        self.watchers.add(watcher)
        try:
            with exchange.noticing_the_end(watcher.close):
                exchange.start(200, {})
                for lines in _faulty(watcher, fault):
                    exchange.write(lines)
                exchange.end()
        finally:
            self.watchers.remove(watcher)


def _faulty(watcher: Watcher, fault: Fault | None) -> Iterator[bytes]:
    """Yield what a watch sends, changed by a fault."""
    match fault:
        case Expire():
            yield error_line(failures.watch_expired(1, watcher.position))
        case Status(in_stream=True):
            yield error_line(fault.failure())
        case BadJSON():
            yield b'{"type":"ADDED","object":' + _BROKEN
            yield from watcher
        case EndWatch(count):
            for lines in watcher if count else ():
                pieces = lines.splitlines(keepends=True)[:count]
                count -= len(pieces)
                yield b"".join(pieces)
                if not count:
                    return
        case _:
            yield from watcher


def _warnings(options: WriteOptions) -> dict[str, str]:
    warnings = ", ".join(f"299 - {quote(each)}" for each in options.fields.warnings)
    return {"Warning": warnings} if warnings else {}


def _deleted(form: Form, record: StoredRecord, *, is_gone: bool) -> bytes:
    """Return the answer to a delete: the object, or that it is gone."""
    served = form.served
    if not is_gone or served.returns_deleted:
        return form.one(record)
    details = {**failures.details_of(served.resource, record.key.rpartition("/")[2]), "uid": record.uid}
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return encode(status) + b"\n"

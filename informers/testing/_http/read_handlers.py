"""Answers to reads: one object, or a list in pages.

Upstream: k8s.io/apiserver/pkg/endpoints/handlers/get.go and pkg/storage/etcd3/store.go (v0.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.testing._http import status as failures
from informers.testing._http.queries import Query, decode_continue, encode_continue, read_version
from informers.testing._http.representations import Form
from informers.testing._http.request_reader import Request
from informers.testing._http.routes import Target
from informers.testing._rules.registry import Registry
from informers.testing._store.documents import Json
from informers.testing._store.versioned_storage import (
    CompactedError,
    FutureVersionError,
    Storage,
    StoredPage,
    StoredRecord,
)
from informers.testing.faults import Lag

__all__ = ["Reads"]


@final
@attrs.frozen
class Reads:
    """Answers gets and lists, also those before a collection is deleted.

    Attributes:
        storage: has the objects.
        registry: finds single objects.
        streaming_lists: whether watches may begin with the state.
        sharding: whether lists and watches may be limited to a share of the objects.
    """

    storage: Storage
    registry: Registry
    streaming_lists: bool
    sharding: bool

    def get(self, target: Target, request: Request, lag: Lag | None = None) -> StoredRecord:
        """Return an object: an older state if the server lags and the request takes any version."""
        text = request.query.get("resourceVersion", "")
        wanted = read_version(text)
        current = self._current(target, lag, text)
        if wanted > current:
            raise failures.too_large_version(wanted, current, retry_after=1)
        if current < self.storage.version:
            key = f"{target.namespace}/{target.name}" if target.namespace else target.name
            page = self.storage.page(
                target.served.collection, version=current, matches=lambda record: record.key == key
            )
            if not page.records:
                raise failures.not_found(target.served.resource, target.name)
            return page.records[0]
        return self.registry.record(target.served, target.namespace, target.name)

    def listing(self, target: Target, request: Request, form: Form, lag: Lag | None = None) -> list[bytes]:
        """Return a list, in parts: an older state if the server lags and the request takes any version."""
        query = self.query(target, request, is_watch=False)
        page = self.page(target, query, lag)
        metadata: Json = {"resourceVersion": str(page.version)}
        if page.last_key:
            last = page.last_key.removeprefix(f"{target.namespace}/") if target.namespace else page.last_key
            metadata["continue"] = encode_continue(page.version, last)
            # The real server does not count with selectors, since it would have to read the rest.
            if query.selection.matcher is None:
                metadata["remainingItemCount"] = page.remaining
        shard = query.selection.shard
        # On the real server, only whole lists of built-in types have it.
        if shard is not None and form.kind == "whole" and not target.served.is_custom:
            metadata["shardInfo"] = {"selector": str(shard)}
        return form.many(page.records, metadata)

    def _current(self, target: Target, lag: Lag | None, version: str) -> int:
        """Return the version of the state that a read gets: the present one if it has no version."""
        if lag is None or not version:
            return self.storage.version
        return self.storage.behind(target.served.collection, events=lag.events, seconds=lag.seconds)[0]

    def page(self, target: Target, query: Query, lag: Lag | None = None) -> StoredPage:
        """Return a page of a list."""
        wanted = read_version(query.version, is_list=True)
        current = self._current(target, lag, query.version)
        after, at, limit = "", None, query.limit
        if query.token:
            version, after = decode_continue(query.token, target.namespace)
            if wanted:
                raise failures.bad_request("specifying resource version is not allowed when using continue")
            at = version if version > 0 else None
        elif wanted and (query.match == "Exact" or (not query.match and limit)):
            at = wanted
        elif wanted > current:
            raise failures.too_large_version(wanted, current, retry_after=1)
        elif query.version:
            at = None if lag is None else current
            # For any version the real server reads its watch cache, which has no pages.
            limit = 0 if query.version == "0" else limit
        selection = query.selection
        try:
            return self.storage.page(
                target.served.collection,
                namespace=selection.namespace,
                after=after,
                limit=limit,
                version=at,
                matches=selection.matcher,
            )
        except FutureVersionError as error:
            raise failures.too_large_version(at or 0, error.current, retry_after=0) from None
        except CompactedError:
            if not query.token:
                raise failures.expired(failures.LIST_EXPIRED) from None
            last = after.removeprefix(f"{target.namespace}/") if target.namespace else after
            token = encode_continue(-1, last)
            raise failures.expired(failures.CONTINUE_EXPIRED, continue_token=token) from None

    def query(self, target: Target, request: Request, *, is_watch: bool) -> Query:
        """Return the options of a list or watch."""
        return Query.read(
            target.served,
            target.namespace,
            target.name,
            request.query,
            is_watch=is_watch,
            streaming_lists=self.streaming_lists,
            sharding=self.sharding,
        )

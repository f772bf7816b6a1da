"""What the server answers to whoever reads: one object, or a list in pages.

Upstream: k8s.io/apiserver/pkg/endpoints/handlers/get.go and pkg/storage/etcd3/store.go (v0.37).
"""

from __future__ import annotations

from typing import final

import attrs

from informers.testing._http import status as failures
from informers.testing._http.exchange import Request
from informers.testing._http.queries import Query, decode_continue, encode_continue
from informers.testing._http.representations import Form
from informers.testing._http.routes import Target
from informers.testing._rules.registry import Registry
from informers.testing._store.documents import Json
from informers.testing._store.storage import CompactedError, FutureVersionError, Page, Record, Storage

__all__ = ["Reads"]


@final
@attrs.frozen
class Reads:
    """Answers gets, lists, and what a collection's deletion lists.

    Attributes:
        storage: where objects are.
        registry: finds a single one.
        streaming_lists: whether watches may start with the state.
        sharding: whether lists and watches may be limited to a share.
    """

    storage: Storage
    registry: Registry
    streaming_lists: bool
    sharding: bool

    def get(self, target: Target, request: Request) -> Record:
        """Return an object."""
        text = request.query.get("resourceVersion", "")
        version = attrs.evolve(
            Query.read(target.served, "", "", {}, is_watch=False, streaming_lists=True), version=text
        )
        wanted = version.start_version()
        if wanted > self.storage.version:
            raise failures.too_large_version(wanted, self.storage.version, retry_after=1)
        return self.registry.record(target.served, target.namespace, target.name)

    def listing(self, target: Target, request: Request, form: Form) -> list[bytes]:
        """Return a list's answer."""
        query = self.query(target, request, is_watch=False)
        page = self.page(target, query)
        metadata: Json = {"resourceVersion": str(page.version)}
        if page.last_key:
            last = page.last_key.removeprefix(f"{target.namespace}/") if target.namespace else page.last_key
            metadata["continue"] = encode_continue(page.version, last)
            # The real server counts only what it has not looked at, so not with selectors.
            if query.selection.matcher is None:
                metadata["remainingItemCount"] = page.remaining
        shard = query.selection.shard
        # The real server says so in lists of its own types only, and in no other form.
        if shard is not None and form.kind == "whole" and not target.served.is_custom:
            metadata["shardInfo"] = {"selector": str(shard)}
        return form.many(page.records, metadata)

    def page(self, target: Target, query: Query) -> Page:
        """Return a page of a list."""
        wanted = query.list_version()
        after, at, limit = "", None, query.limit
        if query.token:
            version, after = decode_continue(query.token, target.namespace)
            if wanted:
                raise failures.bad_request("specifying resource version is not allowed when using continue")
            at = version if version > 0 else None
        elif wanted and (query.match == "Exact" or (not query.match and limit)):
            at = wanted
        elif wanted > self.storage.version:
            raise failures.too_large_version(wanted, self.storage.version, retry_after=1)
        elif query.version == "0":
            # Served from the watch cache, which has no pages for it.
            limit = 0
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
        """Return what a list or watch asks for."""
        return Query.read(
            target.served,
            target.namespace,
            target.name,
            request.query,
            is_watch=is_watch,
            streaming_lists=self.streaming_lists,
            sharding=self.sharding,
        )

"""kopf: an index as the cache and an event handler, in its own operator loop; variant `bare`: without the index."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from harness import Bench

Body = Any


def metadata(body: Body) -> object:
    meta = body["metadata"]
    return meta["namespace"], meta["name"], meta["resourceVersion"], meta["labels"]["app"]


def status(body: Body) -> object:
    return body["status"]["phase"], body["status"]["podIP"]


def everything(body: Body) -> object:
    return (
        metadata(body), status(body), body["metadata"]["managedFields"][0]["manager"],
        body["metadata"]["ownerReferences"][0]["uid"], body["spec"]["nodeName"],
        [container["image"] for container in body["spec"]["containers"]],
        [condition["type"] for condition in body["status"]["conditions"]],
    )  # fmt: skip


def sent(body: Body) -> str:
    return body["metadata"]["annotations"]["bench.example/sent"]


bench = Bench("kopf", {"metadata": metadata, "status": status, "everything": everything, "sent": sent})

with bench.importing():
    import kopf


def main() -> None:
    registry = kopf.OperatorRegistry()
    logging.disable(logging.INFO)

    @kopf.on.startup(registry=registry)
    def configure(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False
        settings.peering.standalone = True

    @kopf.on.login(registry=registry)
    def login(**_: object) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=bench.url)

    async def pods(namespace: str, name: str, body: Body, **_: object) -> Any:
        return {(namespace, name): body}

    if bench.args.variant != "bare":
        kopf.index("pods", registry=registry)(pods)

    @kopf.on.event("pods", registry=registry)
    async def changed(type: str | None, body: Body, **_: object) -> None:
        if type is None:
            bench.added(body)
        else:
            bench.updated(body)

    bench.start()
    operator = kopf.operator(registry=registry, clusterwide=True, standalone=True)
    threading.Thread(target=lambda: asyncio.run(operator), daemon=True).start()
    bench.measure()


if __name__ == "__main__":
    main()

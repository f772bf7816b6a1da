"""lightkube, which has no informer: a list and a watch into a dict, as its documentation shows both."""

from __future__ import annotations

import threading

import camel_attributes
from harness import Bench

bench = Bench("lightkube", camel_attributes.READERS)

with bench.importing():
    from lightkube import Client, KubeConfig
    from lightkube.config.models import Cluster, User
    from lightkube.resources.core_v1 import Pod


def main() -> None:
    client = Client(config=KubeConfig.from_one(cluster=Cluster(server=bench.url), user=User()))
    cache: dict[tuple[str, str], Pod] = {}

    def run() -> None:
        listed = client.list(Pod, namespace="*")
        for pod in listed:
            cache[pod.metadata.namespace, pod.metadata.name] = pod
            bench.added(pod)
        for event, pod in client.watch(Pod, namespace="*", resource_version=listed.resourceVersion):
            key = pod.metadata.namespace, pod.metadata.name
            if event == "DELETED":
                cache.pop(key, None)
            else:
                cache[key] = pod
            bench.updated(pod)

    bench.start()
    threading.Thread(target=run, daemon=True).start()
    bench.measure()


if __name__ == "__main__":
    main()

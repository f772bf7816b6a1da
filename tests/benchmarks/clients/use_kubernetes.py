"""The official client's own informer."""

from __future__ import annotations

import attributes
from harness import Bench, seconds_per_call

bench = Bench("kubernetes.informer", attributes.READERS)

with bench.importing():
    from kubernetes.client import ApiClient, Configuration, CoreV1Api
    from kubernetes.informer import ADDED, MODIFIED, SharedInformer


def main() -> None:
    configuration = Configuration(host=bench.url)
    Configuration.set_default(configuration)  # its Watch takes the default one, whatever the list function's is
    informer = SharedInformer(CoreV1Api(ApiClient(configuration)).list_pod_for_all_namespaces)
    informer.add_event_handler(ADDED, bench.added)
    informer.add_event_handler(MODIFIED, bench.updated)
    bench.start()
    informer.start()

    def reads() -> dict[str, float]:
        keys = informer.cache.list_keys()[:1000]
        get = informer.cache.get_by_key
        return {
            "get_s": seconds_per_call(lambda: [get(key) for key in keys]) / len(keys),
            "list_s": seconds_per_call(informer.cache.list),
        }

    bench.measure(reads=reads)


if __name__ == "__main__":
    main()

"""No client at all: the same bytes read from a socket by urllib3 and thrown away. What is left to win ends here."""

from __future__ import annotations

import time

from harness import Bench

bench = Bench("transfer", dict.fromkeys(("metadata", "status", "everything", "sent"), lambda _obj: None))

with bench.importing():
    import urllib3


def main() -> None:
    http = urllib3.PoolManager(timeout=bench.args.limit)
    for name, query, headers in (
        ("list", "", {}),
        ("list_gzip", "", {"Accept-Encoding": "gzip"}),
        ("pages", "limit=500", {}),
        ("pages_gzip", "limit=500", {"Accept-Encoding": "gzip"}),
        ("streaming_list", "watch=1&sendInitialEvents=true", {}),
    ):
        start = time.perf_counter()
        size = 0
        token: str | None = ""
        while token is not None:
            page = f"&continue={token}" if token else ""
            response = http.request(
                "GET", f"{bench.url}/api/v1/pods?{query}{page}", headers=headers, preload_content=False
            )
            head = tail = b""
            for block in response.stream(1 << 18, decode_content=True):
                head = head or block[:300]
                tail = (tail + block)[-300:]
                size += len(block)
                if b"initial-events-end" in tail:
                    break
            response.release_conn() if name != "streaming_list" else response.close()
            _, _, rest = head.partition(b'"continue":"')
            token = rest.partition(b'"')[0].decode() if rest else None
        bench.result[f"{name}_s"] = time.perf_counter() - start
        bench.result[f"{name}_mib"] = size / (1 << 20)
    bench.result["sync_s"] = bench.result["streaming_list_s"]
    bench.finish()


if __name__ == "__main__":
    main()

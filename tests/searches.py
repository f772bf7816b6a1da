"""Asks the search of the built documentation what people ask, and checks its first hit: `make docs` runs this.

python tests/searches.py docs/_build/html
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

SEARCHES = {
    "label selector": "how-to/filter.md",
    "transform": "how-to/transform.md",
    "snapshot": "how-to/resume.md",
    "owner reference": "how-to/controllers.md",
    "finalizer": "how-to/controllers.md",
    "own writes": "how-to/controllers.md",
    "exec plugin": "how-to/authentication.md",
    "credentials": "how-to/authentication.md",
    "graceful shutdown": "how-to/run-in-a-cluster.md",
    "rbac": "how-to/run-in-a-cluster.md",
    "django": "how-to/run-in-a-cluster.md",
    "gunicorn": "how-to/processes.md",
    "leader election": "how-to/several-replicas.md",
    "sharding": "how-to/sharding.md",
    "field index": "how-to/indexes.md",
    "asyncio": "how-to/asyncio.md",
    "memory": "how-to/memory.md",
    "metrics": "how-to/health-and-metrics.md",
    "dynamic": "how-to/dynamic.md",
    "retries": "how-to/workqueue.md",
    "deprecation": "compatibility.md",
    "troubleshooting": "how-to/when-nothing-comes.md",
    "selector": "how-to/filter.md",
    "token refresh": "how-to/authentication.md",
    "permissions": "how-to/run-in-a-cluster.md",
    "celery": "how-to/processes.md",
    "custom resource": "how-to/custom-resources.md",
    "prometheus": "how-to/health-and-metrics.md",
    "rate limit": "how-to/workqueue.md",
    "work queue": "how-to/workqueue.md",
    "pytest": "how-to/testing-your-controller.md",
    "too old resource version": "how-to/when-nothing-comes.md",
    "client-go": "reference/coming-from-client-go.md",
    "kopf": "how-to/controllers-compared.md",
    "tombstone": "glossary.md",
    "resync": "glossary.md",
    "SharedInformerFactory": "reference/informers.md",
    "wait_for_cache_sync": "reference/informers.md",
}


def first_hits(html: Path, queries: list[str]) -> list[str]:
    """Return the page that each query finds first."""
    script = Path(__file__).with_name("search.js")
    # Sphinx's search is JavaScript.
    found = subprocess.run(["node", script, html, *queries], check=True, capture_output=True, text=True)
    return [f"{hits[0][0]}.md" if hits else "nothing" for hits in map(json.loads, found.stdout.splitlines())]


def main() -> str | None:
    """Return what is wrong; None for nothing."""
    if shutil.which("node") is None:
        print("the searches were not checked: they need node")
        return None
    hits = first_hits(Path(sys.argv[1]), [*SEARCHES])
    wrong = [
        f"{query!r} finds {hit} before {page}"
        for (query, page), hit in zip(SEARCHES.items(), hits, strict=True)
        if hit != page
    ]
    return "\n".join(wrong) or None


if __name__ == "__main__":
    sys.exit(main())

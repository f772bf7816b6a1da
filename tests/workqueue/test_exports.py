from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from informers import workqueue


def test_every_public_name_is_there_once() -> None:
    assert all(hasattr(workqueue, name) for name in workqueue.__all__)
    assert len(set(workqueue.__all__)) == len(workqueue.__all__)


def test_the_work_queues_import_neither_caches_nor_the_official_client() -> None:
    # `informers` itself imports everything, so an empty package takes its place.
    code = f"""
import sys, types
package = types.ModuleType("informers")
package.__path__ = [{str(Path(workqueue.__file__).parents[1])!r}]
sys.modules["informers"] = package
import informers.workqueue
names = [name for name in sys.modules if name.startswith(("informers.", "kubernetes"))]
print(sorted({{".".join(name.split(".")[:2]) for name in names}}))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "['informers._base', 'informers.errors', 'informers.workqueue']"

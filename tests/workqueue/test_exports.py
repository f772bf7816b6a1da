from __future__ import annotations

import subprocess
import sys

from informers import workqueue


def test_every_public_name_is_there_and_sorted_as_the_linter_wants() -> None:
    assert all(hasattr(workqueue, name) for name in workqueue.__all__)
    assert len(set(workqueue.__all__)) == len(workqueue.__all__)


def test_the_work_queues_import_neither_caches_nor_the_official_client() -> None:
    code = (
        "import sys, informers.workqueue; "
        "print([m for m in sys.modules if m.startswith(('informers.cache', 'informers.source', 'kubernetes'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"

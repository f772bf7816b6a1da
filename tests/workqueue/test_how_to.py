from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "workqueue.md"


def test_the_page_on_work_queues_runs_and_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    code = "\n".join(text for language, text in blocks if language == "python")
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, str(PAGE), "exec"), namespace)
    assert capsys.readouterr().out == "".join(text for language, text in blocks if language == "text")

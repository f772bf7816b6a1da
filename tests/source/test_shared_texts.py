"""What many objects have is kept once, and what has left is not kept for ever."""

from __future__ import annotations

import gc
import json
import tracemalloc

import pytest

from informers.source._bytes.sources import mapping_of
from informers.source._wire.decode import Decoder
from informers.source._wire.shared_texts import SharedTexts
from informers.source.watch_events import Change


def test_equal_texts_and_labels_are_one_object() -> None:
    shared = SharedTexts()
    assert shared.value("ab" * 9) is shared.value("a" + "b" + "ab" * 8)
    labels = shared.labels({"app": "web"})
    assert shared.labels({"app": "web"}) is labels
    assert shared.decoded_labels(b'{"app":"web"}') is labels
    assert shared.decoded(b"default") is shared.value("default")


@pytest.mark.parametrize("labels", [["x"], {"x": 1}, {"x": None}, {1: "x"}, {"x": ["y"]}, "x", 3])
def test_what_is_not_a_map_of_strings_is_refused(labels: object) -> None:
    shared = SharedTexts()
    shared.labels({"x": "1"})
    with pytest.raises((TypeError, AttributeError)):
        shared.labels(labels)  # type: ignore[arg-type] # rubbish


def test_memory_of_labels_that_have_left_comes_back() -> None:
    """Each object has labels of its own, as pods of jobs have. In Python 3.12 what `sys.intern` gets stays for ever."""
    decoder = Decoder(mapping_of, kind="Pod", api_version="v1")

    def churn(first: int, count: int) -> int:
        for number in range(first, first + count):
            labels = {"controller-uid": f"6f4922f4-5568-4a0c-9b8e-{number:012d}", "job-name": f"job-{number:012d}"}
            metadata = {"name": f"job-{number}", "namespace": f"n{number}", "labels": labels}
            obj = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}
            event = decoder.event(json.dumps({"type": "ADDED", "object": obj}, separators=(",", ":")).encode())
            assert isinstance(event, Change)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = churn(0, 10_000)
        assert churn(10_000, 20_000) - before < 1 << 20
    finally:
        tracemalloc.stop()

"""Text of others is fit to be shown wherever this package shows it, and pickled errors carry no bytes of objects."""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informers import DeletedFinalStateUnknown, ResourceEventHandlerFuncs, SharedInformer
from informers._base.exceptions import safe_text
from informers.cache._reflector.watch_failures import NextStep, WatchFailure
from informers.cache.health import FactoryHealth
from informers.errors import (
    ConfigurationError,
    DecodeError,
    InformersError,
    NotFoundError,
    SnapshotError,
    SourceError,
    StatusError,
    WaitTimeoutError,
    escaped,
)
from informers.source._wire.decode import Decoder
from informers.source._wire.status_errors import error_of_response, error_of_status
from informers.source.records import WireRecord
from informers.testing import FakeSource
from tests.waiting import eventually

#: Forges a line, clears a terminal, rings, returns, turns the order of letters around, hides.
HOSTILE = "a\n2026-01-01 CRITICAL root: lost\x1b[2J\x07\r\u202e\u2028\u200b\x9b\x7f\u2066\ufeff"
SECRET = b"bytes-that-nobody-may-see"


@given(st.text())
def test_what_is_escaped_is_one_line_of_what_can_be_seen(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize("text", ["web-0", "ünïcode", "日本語", "a b", "emoji 🙂", "back\\slash", "'quote\""])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


def test_what_is_very_long_is_cut_and_says_so() -> None:
    assert escaped("x" * 4096) == "x" * 4096
    assert escaped("x" * 4097) == "x" * 4096 + "… (4,097 characters)"
    error = error_of_status({"message": "\n" * (1 << 20), "code": 500})
    assert len(str(error)) < 9000
    assert len(str(WatchFailure("pods", None, error, NextStep.LIST))) < 9000


def test_what_is_escaped_is_written_as_python_does() -> None:
    assert escaped("a\n\x1b[2J\u202eb") == r"a\n\x1b[2J\u202eb"


@pytest.mark.parametrize(
    "error",
    [
        InformersError(HOSTILE),
        ConfigurationError(HOSTILE),
        SourceError(HOSTILE),
        DecodeError(HOSTILE, key=HOSTILE),
        SnapshotError(HOSTILE),
        WaitTimeoutError(HOSTILE),
        NotFoundError("pods", HOSTILE),
        StatusError(HOSTILE, code=403, reason=HOSTILE),
        error_of_status({"message": HOSTILE, "reason": HOSTILE, "code": 403}),
        error_of_response(403, HOSTILE.encode(), None, now=0.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_s_text_is_one_line(error: InformersError) -> None:
    assert str(error).isprintable()
    assert repr(error).isprintable()
    loaded = pickle.loads(pickle.dumps(error))
    assert (type(loaded), str(loaded), vars(loaded)) == (type(error), str(error), vars(error))
    for step in NextStep:
        failure = WatchFailure("pods", "shop", error, step, key=HOSTILE, index="by\nteam")
        assert str(failure).isprintable()
    assert safe_text(ValueError(HOSTILE), str).isprintable()


def test_a_pickle_of_an_error_has_no_bytes_of_the_object_and_says_the_same() -> None:
    error = DecodeError("an object can't be read", key="shop/password", raw=SECRET)
    pickled = pickle.dumps(error)
    assert SECRET not in pickled
    for copied in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):
        assert (str(copied), copied.key, copied.raw) == (str(error), error.key, b"")
    assert SECRET not in pickle.dumps(WatchFailure("secrets", None, error, NextStep.GO_ON, key=error.key))
    assert SECRET.decode() not in f"{error} {error!r}"


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "resourceVersion": "1", "uid": name}}


def test_no_name_or_message_reaches_the_log_or_health_unescaped(caplog: pytest.LogCaptureFixture) -> None:
    """The server's message of a refusal, and the name of an object on which a handler and an index fail."""
    caplog.set_level(logging.DEBUG)
    source: FakeSource[Any] = FakeSource()
    source.add(named(HOSTILE))
    informer: SharedInformer[Any] = SharedInformer(source)

    def fail(_: object, *__: object) -> None:
        raise ValueError("no")

    handlers: list[str] = []

    def hang(obj: Any, *_: object) -> None:
        handlers.append(str(informer.health().busy))
        fail(obj)

    informer.add_indexers({"broken": lambda obj: 1 / 0})  # type: ignore[dict-item, return-value] # fails
    informer.add_event_handler(ResourceEventHandlerFuncs(on_add=hang, on_update=fail, on_delete=fail))
    informer.start()
    assert informer.synced.wait(10)
    source.break_watches(StatusError(HOSTILE, code=403, reason="Forbidden"))
    eventually(lambda: any("403" in record.getMessage() for record in caplog.records))
    eventually(lambda: handlers)
    texts = [str(informer.health()), str(FactoryHealth((informer.health(),)))]
    informer.stop()
    assert handlers
    assert any("handler" in record.getMessage() for record in caplog.records)
    assert any("index" in record.getMessage() for record in caplog.records)
    for text in (*texts, *handlers, *(record.getMessage() for record in caplog.records)):
        assert text.isprintable(), text


def test_reprs_of_what_holds_names_are_one_line() -> None:
    decoder: Decoder[Any] = Decoder(lambda raw, key: raw, kind="Pod", api_version="v1")
    record = decoder.record(named(HOSTILE))
    assert isinstance(record, WireRecord)
    assert repr(record).isprintable()
    assert repr(DeletedFinalStateUnknown(HOSTILE)).isprintable()

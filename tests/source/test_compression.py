"""What is packed comes back as it was, and takes less, for large kinds and small ones."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import weakref
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from informers.errors import ConfigurationError
from informers.source._bytes import codecs
from informers.source._bytes.codecs import DEFLATE, ZSTD, Deflate, codec_of
from informers.source._bytes.compression import Packer
from informers.source._bytes.sources import mapping_of
from informers.source._wire.decode import Decoder
from informers.source.records import Origin, WireRecord, learn_from
from tests.source import samples


def without_zstd() -> Any:
    raise ImportError("no module named 'zstd'")


@pytest.fixture(params=[DEFLATE, ZSTD])
def format_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each format in turn, zstd where it is installed."""
    if request.param == DEFLATE:
        monkeypatch.setattr(codecs, "_zstd", without_zstd)
    else:
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    return request.param


def lease(number: int, *, managed: bool) -> bytes:
    """A lease as a server writes it: 300 bytes, and as many of managed fields."""
    time = "2026-01-01T00:00:00Z"
    fields = {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}}
    entry = {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": time, "fieldsV1": fields}
    metadata: dict[str, Any] = {
        "name": f"node-{number}", "namespace": "kube-node-lease",
        "uid": f"6f4922f4-5568-4a0c-9b8e-{number * 7919:012d}",
        "resourceVersion": str(10_000 + number), "creationTimestamp": time,
    }  # fmt: skip
    if managed:
        metadata["managedFields"] = [entry]
    spec = {"holderIdentity": f"node-{number}", "renewTime": f"2026-01-01T20:00:00.{number:06d}Z"}
    return samples.encode({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": metadata, "spec": spec})


@settings(max_examples=60)
@given(
    raws=st.lists(st.binary(max_size=400).map(lambda data: b"{" + data * 3), min_size=1, max_size=6),
    samples=st.lists(st.binary(max_size=3000), max_size=70),
    has_zstd=st.booleans(),
)
def test_what_is_packed_comes_back(raws: list[bytes], samples: list[bytes], has_zstd: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not has_zstd:
            patch.setattr(codecs, "_zstd", without_zstd)
        packer = Packer()
        packer.learn(samples)
        packed = [packer.pack(raw) for raw in raws]
        assert [packer.unpack(data) for data in packed] == raws
        assert all(len(data) <= len(raw) for data, raw in zip(packed, raws, strict=True))
        codec = packer.codec
        if codec is not None:
            later = Packer(codec_of(codec.name, codec.dictionary))
            assert [later.unpack(data) for data in packed] == raws


def test_small_objects_are_packed_and_without_managed_fields_they_never_take_more(format_name: str) -> None:
    sizes = []
    for managed in (True, False):
        raws = [lease(number, managed=managed) for number in range(200)]
        packer = Packer()
        codec = packer.learn(raws)
        assert codec is not None
        assert codec.name == format_name
        sizes.append(sum(len(packer.pack(raw)) for raw in raws))
        assert sizes[-1] < sum(map(len, raws)) / 3
    assert sizes[1] <= sizes[0]


@pytest.mark.parametrize("size", [300, 1_000, 5_400, 8_400, 16_000, 20_000])
def test_deflate_finds_its_dictionary_in_an_object_that_is_a_third_larger(size: int) -> None:
    random = Random(size)
    dictionary, own = random.randbytes(size), random.randbytes(size // 3)
    codec = Deflate(dictionary)
    for raw in (own + dictionary, dictionary, own * 300):
        assert codec.unpack(codec.pack(raw)) == raw
    assert len(codec.pack(own + dictionary)) < size // 2


@pytest.mark.parametrize("count", [1, 2, 5, 64, 512])
def test_it_learns_from_few_objects_and_from_many(format_name: str, count: int) -> None:
    raws = [lease(number, managed=True) for number in range(count)]
    packer = Packer()
    packer.learn(raws)
    assert len(packer.pack(lease(1000, managed=True))) < len(raws[0]) / 3


def test_an_odd_first_object_is_not_what_all_others_are_measured_by(format_name: str) -> None:
    origin = Origin(mapping_of)
    odd = b'{"x":"' + bytes(range(97, 123)) * 10 + b'"}'
    raws = [odd, *(lease(number, managed=True) for number in range(100))]
    learn_from([WireRecord(raw, origin, str(number), "", "", "", None) for number, raw in enumerate(raws)])
    assert len(origin.packer.pack(raws[-1])) < len(raws[-1]) / 4


def test_what_it_has_learnt_stays(format_name: str) -> None:
    packer = Packer()
    first = packer.learn([lease(1, managed=True)])
    assert packer.learn([lease(2, managed=False)]) is first
    assert Packer().learn([]) is None
    assert Packer().learn([b"{}"]) is None


def test_caches_of_one_kind_share_what_has_been_learnt_as_long_as_there_is_one() -> None:
    def packer(decoder: Decoder[Any]) -> Packer:
        record = decoder.short_item(b'{"kind":"A","apiVersion":"a/v1","metadata":{"name":"x"}}')
        assert isinstance(record, WireRecord)
        return record.held[1]

    first, same = (Decoder(mapping_of, kind="A", api_version="a/v1") for _ in range(2))
    assert packer(first) is packer(same)
    assert packer(first) is not packer(Decoder(mapping_of, kind="A", api_version="a/v1", drop_managed_fields=True))
    assert packer(Decoder(mapping_of, kind="", api_version="")) is not packer(
        Decoder(mapping_of, kind="", api_version="")
    )
    gone = weakref.ref(packer(first))
    del first, same
    gc.collect()
    assert gone() is None


def test_a_format_that_is_not_installed_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "_zstd", without_zstd)
    with pytest.raises(ConfigurationError, match=r"packed with zstd: install informers\[zstd\], or use Python 3.14"):
        codec_of(ZSTD, b"")
    with pytest.raises(ConfigurationError, match="packed as 'brotli', and not as 'deflate' or 'zstd'"):
        codec_of("brotli", b"")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_packs_and_unpacks_though_another_thread_was_packing(format_name: str) -> None:
    packer = Packer()
    raws = [json.dumps({"n": number, "text": "some text " * 2000}).encode() for number in range(20)]
    packer.learn(raws)
    done = threading.Event()

    def pack() -> None:
        while not done.is_set():
            packer.pack(raws[0])

    thread = threading.Thread(target=pack)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                try:
                    os._exit(packer.unpack(packer.pack(raws[1])) != raws[1])
                finally:
                    os._exit(2)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        thread.join()


def test_a_forked_child_uses_nothing_of_zstd_that_its_parent_may_have_left_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    listeners: list[Callable[[int], object]] = []
    monkeypatch.setattr(codecs, "on_fork", listeners.append)
    codec = codecs.Zstd(b"an object that is like the others" * 8)
    packed, made = codec.pack(b"an object that is like the others, and more"), codec._made
    for notify in listeners:
        notify(os.getpid())
    assert codec.unpack(packed) == b"an object that is like the others, and more"
    assert codec._made is not made, "its lock may be held by a thread that the child lacks"
    made = codec._made
    assert codec.pack(b"an object that is like the others, and more") == packed
    assert codec._made is made, "it is prepared once"

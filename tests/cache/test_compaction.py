"""What is packed, and when."""

from __future__ import annotations

import pytest

from informers.cache import _compaction
from informers.cache._compaction import Compactor, LatePacker
from informers.source._bytes.codecs import Deflate, Zstd
from informers.source.records import HeldRecord
from informers.testing import FakeClock
from tests.cache.things import Obj, obj


class Loose(HeldRecord[Obj]):
    """A record that notes whether it has been packed."""

    __slots__ = ("packed",)

    def __init__(self, name: str) -> None:
        super().__init__(obj(name, "1"))
        self.packed = 0

    @property
    def size(self) -> int:
        return 10_000 if self.packed else 1_000_000

    @property
    def is_packable(self) -> bool:
        return not self.packed

    def pack(self) -> None:
        self.packed += 1


def filled(count: int) -> tuple[FakeClock, Compactor[Obj], list[Loose]]:
    clock = FakeClock()
    compactor: Compactor[Obj] = Compactor(clock)
    records = [Loose(f"n{number}") for number in range(count)]
    for record in records:
        compactor.changed({record.key: record})
    return clock, compactor, records


def packed(records: list[Loose]) -> int:
    assert all(record.packed <= 1 for record in records)
    return sum(record.packed for record in records)


def test_nothing_to_pack_is_waited_for_without_end() -> None:
    compactor: Compactor[Obj] = Compactor(FakeClock())
    assert compactor.patience is None
    compactor.changed({"a": HeldRecord(obj("a", "1"))})
    assert compactor.patience is None
    compactor.work(is_idle=True)
    assert compactor.patience is None


def test_little_is_left_as_it_is_since_what_is_learnt_for_packing_would_take_more() -> None:
    class Little(Loose):
        __slots__ = ()

        @property
        def size(self) -> int:
            return 400_000

    compactor: Compactor[Obj] = Compactor(FakeClock())
    records: list[Loose] = [Little(f"n{number}") for number in range(2)]
    for record in (*records, *records):
        compactor.changed({record.key: record})
    assert compactor.patience is None
    compactor.work(is_idle=True)
    assert packed(records) == 0
    records.append(Little("n2"))
    compactor.changed({"n2": records[2]})
    assert compactor.patience is not None
    compactor.work(is_idle=True)
    assert packed(records) == 3
    # From here on it costs nothing more.
    records.append(Little("n3"))
    compactor.changed({"n3": records[3]})
    compactor.work(is_idle=True)
    assert packed(records) == 4


def test_a_while_without_a_change_is_time_to_pack_some_and_then_more_at_once() -> None:
    _, compactor, records = filled(150)
    assert compactor.patience == 0.25
    compactor.work(is_idle=True)
    assert packed(records) == 64
    assert compactor.patience == 0.0
    compactor.work(is_idle=True)
    compactor.work(is_idle=True)
    assert packed(records) == 150
    assert compactor.patience is None


def test_what_changes_again_is_packed_as_it_is_then_and_what_is_gone_not_at_all() -> None:
    _, compactor, records = filled(3)
    newer = Loose("n0")
    compactor.changed({"n0": newer})
    compactor.changed({"n1": None})
    compactor.work(is_idle=True)
    assert (records[0].packed, records[1].packed, records[2].packed, newer.packed) == (0, 0, 1, 1)


def test_a_change_ends_the_idle_time() -> None:
    _, compactor, _ = filled(100)
    compactor.work(is_idle=True)
    compactor.work(is_idle=False)
    assert compactor.patience == 0.25


def test_what_is_young_is_left_alone_while_there_is_something_else_to_do() -> None:
    clock, compactor, records = filled(1)
    compactor.work(is_idle=False)
    clock.advance(4.9)
    compactor.work(is_idle=False)
    assert packed(records) == 0
    clock.advance(0.1)
    compactor.work(is_idle=False)
    assert packed(records) == 1
    clock.advance(100)
    fresh = Loose("fresh")
    compactor.changed({fresh.key: fresh})
    compactor.work(is_idle=False)
    assert not fresh.packed


def test_what_comes_while_the_older_is_packed_waits_for_its_turn() -> None:
    clock, compactor, records = filled(20)
    clock.advance(5.0)
    compactor.work(is_idle=False)
    fresh = Loose("fresh")
    compactor.changed({fresh.key: fresh})
    clock.advance(5.0)
    compactor.work(is_idle=False)
    compactor.work(is_idle=False)
    assert (packed(records), fresh.packed) == (20, 0)
    compactor.work(is_idle=False)
    assert fresh.packed


def test_what_stays_unchanged_under_load_is_packed_a_few_at_a_time() -> None:
    clock, compactor, records = filled(20)
    clock.advance(5.0)
    counts = []
    for _ in range(4):
        compactor.work(is_idle=False)
        counts.append(packed(records))
    assert counts == [8, 16, 20, 20]


@pytest.mark.parametrize(("codec", "left"), [(Deflate, 12), (Zstd, 4)])
def test_a_list_is_packed_as_it_comes_but_for_its_first_megabytes(
    codec: type, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_compaction, "best_codec", lambda: codec)
    packer: LatePacker[Obj] = LatePacker()
    records = [Loose(f"n{number}") for number in range(50)]
    for number, record in enumerate(records):
        packer.add(record)
        assert packed(records) == max(0, number - left)
    assert [record.packed for record in records] == [0] * (left + 1) + [1] * (49 - left)

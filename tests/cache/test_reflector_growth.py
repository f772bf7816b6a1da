"""What a list costs grows with the number of its objects, whatever is wrong with them."""

from __future__ import annotations

from typing import Any, TypeAlias, final

from informers.cache._reflector.streamed_list import StreamedList
from informers.errors import DecodeError
from informers.source.records import HeldRecord
from informers.source.watch_events import BadObject, Change, ChangeType

Obj: TypeAlias = dict[str, Any]


@final
class Key(str):
    """A key that counts how often it is compared."""

    compared = 0
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Key.compared += 1
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        Key.compared += 1
        return str.__ne__(self, other)


def comparisons(count: int) -> int:
    content: StreamedList[Obj] = StreamedList(0.0)
    bad = [BadObject(DecodeError("unreadable", key=Key(f"bad-{number}")), "1") for number in range(count)]
    good = [Change(ChangeType.ADDED, HeldRecord({"metadata": {"name": f"good-{n}"}})) for n in range(count)]
    Key.compared = 0
    content.take(bad, 0.0)
    content.take(good, 0.0)
    assert (len(content), len(content.bad)) == (count, count)
    return Key.compared


def test_unreadable_objects_of_a_stream_are_not_looked_through_for_each_readable_one() -> None:
    few, many = comparisons(50), comparisons(400)
    assert many <= 8 * few + 400

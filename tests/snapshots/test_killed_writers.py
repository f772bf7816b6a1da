"""What a process leaves beside a snapshot that is killed while it writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from informers.snapshots.files import read_pieces, write_pieces

WRITER = """
import sys, time
from pathlib import Path
from informers.snapshots.files import write_pieces

def pieces():
    yield b"half"
    print("half", flush=True)
    time.sleep(60)

write_pieces(Path(sys.argv[1]), pieces())
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "[cache] *.snapshot"
    (tmp_path / ".other.abc.partial").write_bytes(b"of another file")
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        # It lives, so its file stays.
        write_pieces(path, [b"ours"])
        assert len(list(tmp_path.glob(".*cache*.partial"))) == 1
        writer.kill()
    write_pieces(path, [b"whole"])
    assert {each.name for each in tmp_path.iterdir()} == {path.name, ".other.abc.partial"}
    with read_pieces(path) as pieces:
        assert list(pieces) == [b"whole"]


def test_a_writer_leaves_alone_what_another_writes_in_the_same_process(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"

    def slow() -> Iterator[bytes]:
        yield b"first"
        write_pieces(path, [b"second"])

    write_pieces(path, slow())
    with read_pieces(path) as pieces:
        assert list(pieces) == [b"first"]
    assert list(tmp_path.iterdir()) == [path]

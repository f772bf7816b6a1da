"""A file of pieces that is written as a whole or not at all, and read as a whole or not at all.

It has a line with the format, the pieces, each after its length (four bytes, big-endian), and the SHA-256 of all that.

Upstream: none.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, final

from typing_extensions import override

from informers.errors import ConfigurationError, SnapshotError, escaped

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment] # its absence is looked for

__all__ = ["FormatError", "check_path", "read_pieces", "write_pieces"]

_NAME = b"informers snapshot "
_FORMAT = 2
_HEAD = _NAME + b"%d\n" % _FORMAT
_DIGEST = hashlib.sha256().digest_size
_BLOCK = 1 << 20


@final
class FormatError(ValueError):
    """The file is not valid. The text, one line, continues a sentence that begins with the file."""

    @override
    def __str__(self) -> str:
        return escaped(super().__str__())


def check_path(path: object) -> Path:
    """Return a path, checked."""
    if isinstance(path, (str, os.PathLike)) and os.fspath(path):
        made = os.fspath(path)
        if isinstance(made, str) and "\0" not in made:
            return Path(made)
    raise ConfigurationError(f"path must be that of a file, as a text or a Path: got {path!r}")


def write_pieces(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file that only its owner can read, replacing an old one; return its size.

    The pieces are written to a temporary file beside it, which replaces it once everything is on the disk. Meanwhile
    readers see the old file. Of two simultaneous writers, the last one wins.

    Args:
        path: the file; a link is followed.
        pieces: in order, read one at a time.

    Raises:
        SnapshotError: it can't be written; the old file is unchanged.
    """
    path = Path(os.path.realpath(path))
    if _is_special(path):
        # The file would replace it: for example /dev/null, for the whole machine.
        raise SnapshotError(f"the snapshot {path} can't be written: it is not a regular file")
    temporary = ""
    try:
        _remove_partial(path)
        descriptor, temporary = _new_partial(path)
        with os.fdopen(descriptor, "wb") as file:
            _write(file, pieces)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
            if fcntl is not None:
                # While it is locked: otherwise another writer would take it for that of a dead writer.
                os.replace(temporary, path)  # noqa: PTH105  its errors name both
        if fcntl is None:
            # Windows can't move an open file.
            os.replace(temporary, path)  # noqa: PTH105  likewise
    except BaseException as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  as above
        if isinstance(error, OSError):
            raise SnapshotError(
                f"the snapshot {path} can't be written: {error.strerror or error}; the old file is unchanged"
            ) from error
        raise
    _sync_folder(path.parent)
    return size


def _new_partial(path: Path) -> tuple[int, str]:
    """Open a new file beside a path; its lock shows other writers that this one is alive."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        # Another writer may have taken it for that of a dead writer before it was locked.
        if _lock(descriptor) and os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)


def _remove_partial(path: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
            with contextlib.suppress(OSError), left.open("rb") as file:
                if _lock(file.fileno()):
                    left.unlink()


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return False if another process has. Some file systems have no locks."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in {errno.EACCES, errno.EAGAIN}
    return True


def _is_special(path: Path) -> bool:
    """Return whether a path is a device, a pipe, or similar."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    # A folder can't be replaced.
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    digest = hashlib.sha256()

    def write(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    write(_HEAD)
    for piece in pieces:
        write(len(piece).to_bytes(4, "big"))
        write(piece)
    file.write(digest.digest())


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk, too, if the system supports that; the file is valid either way."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def read_pieces(path: Path) -> Generator[Iterator[bytes]]:
    """Open a file to read its pieces one at a time; the whole file is verified before the first.

    Raises:
        FormatError: it is not a valid file of this format.
        OSError: it can't be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        # A pipe would wait for a writer.
        raise FormatError("is not a regular file")
    with path.open("rb") as file:
        length = _verify(file)
        file.seek(len(_HEAD))
        yield _pieces(file, length)


def _verify(file: BinaryIO) -> int:
    """Verify a whole file; return the number of bytes of its pieces."""
    head = file.read(len(_HEAD))
    if head != _HEAD:
        if head.startswith(_NAME) or _NAME.startswith(head):
            raise FormatError(f"is damaged or has another format than {_FORMAT}, which is what is read here")
        raise FormatError("is not a snapshot")
    length = left = os.fstat(file.fileno()).st_size - len(_HEAD) - _DIGEST
    digest = hashlib.sha256(head)
    while left > 0:
        block = file.read(min(_BLOCK, left))
        if not block:
            break
        digest.update(block)
        left -= len(block)
    if left or file.read() != digest.digest():
        raise FormatError("is damaged: its checksum is wrong")
    return length


def _pieces(file: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0:
        length = int.from_bytes(file.read(4), "big")
        left -= 4 + length
        piece = file.read(length) if left >= 0 else b""
        if len(piece) != length or left < 0:
            raise FormatError("is damaged: a piece is cut off")
        yield piece

"""Two codecs that compress by a dictionary: deflate, in every Python, and zstd, if it is installed.

zstd takes a quarter of the time, and learns from many objects. It is part of Python 3.14; older versions need
`informers[zstd]`. Packed bytes begin with a byte that identifies the format, and that JSON never begins with.

Upstream: none.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias, final

from informers._base.forks import hold_forks, on_fork
from informers.errors import ConfigurationError

__all__ = ["DEFLATE", "ZSTD", "Codec", "Deflate", "Zstd", "best_codec", "codec_of"]

DEFLATE, ZSTD = "deflate", "zstd"

#: deflate uses no more of a dictionary, and zstd gains nothing from more.
_LARGEST = 1 << 15
#: Samples in a dictionary; from the others only zstd learns, and only the frequencies.
_HELD = 8
#: Level of zstd.
_LEVEL = 1
#: Bytes of zstd's tables, which precede the samples in a dictionary.
_TABLES = 256
#: First bytes of a dictionary that zstd has trained; others are plain samples.
_LEARNT = b"\x37\xa4\x30\xec"
_DEFLATED = b"\0"


@final
class Deflate:
    """Packs with deflate.

    Args:
        dictionary: an object similar to the others, which unpacking needs, too.

    Thread safety: all methods may be called from any thread.
    """

    name = DEFLATE

    def __init__(self, dictionary: bytes) -> None:
        self.dictionary: bytes = dictionary
        #: Negative for raw deflate, without a checksum: the bytes never leave this process. An object that is half as
        #: large again still finds the dictionary.
        self._window = -min(15, max(10, (len(dictionary) * 3 // 2).bit_length()))
        #: What has read the dictionary, to be copied, which takes less time; made when it is first needed.
        self._begun: Any = None
        on_fork(self._inherited)

    def _inherited(self, _parent: int) -> Iterable[int]:
        # It has a lock, which another thread may have left locked for ever.
        self._begun = None
        return ()

    def pack(self, raw: bytes) -> bytes:
        """Return packed bytes, which may be more than the input."""
        begun = self._begun
        if begun is None:
            begun = self._begun = zlib.compressobj(
                3, zlib.DEFLATED, self._window, 7, zlib.Z_DEFAULT_STRATEGY, self.dictionary
            )
        deflate = begun.copy()
        packed: bytes = _DEFLATED + deflate.compress(raw) + deflate.flush()
        return packed

    def unpack(self, data: bytes) -> bytes:
        """Return the input of `pack`; raises any error if the bytes are damaged."""
        return zlib.decompressobj(-15, zdict=self.dictionary).decompress(memoryview(data)[1:])

    @classmethod
    def learn(cls, samples: Sequence[bytes]) -> Deflate:
        """Return a codec for objects like these. The one of middle size is the dictionary; more gain nothing."""
        return cls(sorted(samples, key=len)[len(samples) // 2][-_LARGEST:])


@final
class Zstd:
    """Packs with zstd.

    Args:
        dictionary: a trained one, or an object similar to the others; unpacking needs it, too.

    Thread safety: all methods may be called from any thread.
    """

    name = ZSTD

    def __init__(self, dictionary: bytes) -> None:
        zstd = _zstd()
        self.dictionary: bytes = dictionary
        self._decompress: Any = zstd.decompress
        # Without the dictionary's id in each object: there is only one dictionary.
        self._options: Any = {
            zstd.CompressionParameter.compression_level: _LEVEL,
            zstd.CompressionParameter.dict_id_flag: 0,
        }
        #: The dictionary and a compressor. They have locks of zstd's own, and in a forked child another thread may have
        #: left these locked. So they are made again there, at the first use: most children never read a cache.
        self._made: tuple[Any, Any] | None = None
        # The first use prepares the dictionary with locks, which a fork must not find locked.
        with hold_forks():
            self.unpack(self.pack(dictionary))
        on_fork(self._inherited)

    def _inherited(self, _parent: int) -> Iterable[int]:
        self._made = None
        return ()

    def _make(self) -> tuple[Any, Any]:
        zstd = _zstd()
        known = zstd.ZstdDict(self.dictionary, is_raw=not self.dictionary.startswith(_LEARNT))
        # Made once, since it takes as long as packing an object.
        made = self._made = known, zstd.ZstdCompressor(options=self._options, zstd_dict=known.as_digested_dict)
        return made

    def pack(self, raw: bytes) -> bytes:
        """Return packed bytes, which may be more than the input."""
        _, packer = self._made or self._make()
        packed: bytes = packer.compress(raw, packer.FLUSH_FRAME)
        return packed

    def unpack(self, data: bytes) -> bytes:
        """Return the input of `pack`; raises any error if the bytes are damaged."""
        known, _ = self._made or self._make()
        unpacked: bytes = self._decompress(data, zstd_dict=known)
        return unpacked

    @classmethod
    def learn(cls, samples: Sequence[bytes]) -> Zstd:
        """Return a codec for objects like these.

        Some of them are the dictionary. zstd's own training searches for common parts; for objects of one kind it finds
        nothing better, and takes twenty times as long.
        """
        zstd = _zstd()
        held = b"".join(samples[:: -(-len(samples) // _HELD)])[-_LARGEST:]
        try:
            known = zstd.ZstdDict(held, is_raw=True)
            return cls(zstd.finalize_dict(known, samples, len(held) + _TABLES, _LEVEL).dict_content)
        except (zstd.ZstdError, ValueError):
            # The samples are too few, or too small.
            return cls(Deflate.learn(samples).dictionary)


Codec: TypeAlias = Zstd | Deflate


@cache
def _zstd() -> Any:
    """Return the standard library's zstd module, or its backport for older versions of Python."""
    with hold_forks():
        try:
            return importlib.import_module("compression.zstd")
        except ImportError:
            return importlib.import_module("backports.zstd")


def best_codec() -> type[Codec]:
    """Return the best codec that is installed."""
    try:
        _zstd()
    except ImportError:
        return Deflate
    return Zstd


def codec_of(name: str, dictionary: bytes) -> Codec:
    """Return a codec by the name of its format.

    Raises:
        ConfigurationError: the format is unknown, or its codec is not installed.
        ValueError: the dictionary is not valid.
    """
    if name == DEFLATE:
        return Deflate(dictionary)
    if name != ZSTD:
        raise ConfigurationError(f"it is packed as {name!r}, and not as 'deflate' or 'zstd'")
    try:
        return Zstd(dictionary)
    except ImportError as error:
        raise ConfigurationError("it is packed with zstd: install informers[zstd], or use Python 3.14") from error
    except _zstd().ZstdError as error:
        raise ValueError(f"not a valid dictionary: {error}") from error

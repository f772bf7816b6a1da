from __future__ import annotations

from tests.cache.things import made, source

__all__ = ["made", "source"]

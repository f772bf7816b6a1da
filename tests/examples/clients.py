"""What the installed official client can do."""

from __future__ import annotations

import pytest
from kubernetes.client import V1Pod

__all__ = ["REASON", "TAKES_CONTENT_TYPE", "needs_content_type"]

#: For code that chooses how it patches: the argument came with the client's pydantic models.
TAKES_CONTENT_TYPE = hasattr(V1Pod, "model_validate_json")
REASON = "the official client takes _content_type since 37"
needs_content_type = pytest.mark.skipif(not TAKES_CONTENT_TYPE, reason=REASON)

"""What the installed official client can do."""

from __future__ import annotations

import pytest
from kubernetes.client import V1Pod

__all__ = ["needs_content_type"]

#: For code that chooses how it patches: the argument came with the client's pydantic models.
needs_content_type = pytest.mark.skipif(
    not hasattr(V1Pod, "model_validate_json"), reason="the official client takes _content_type since 37"
)

"""The name in work, for the writes and log lines of its reconcile function.

It is in a context variable, so tasks and `asyncio.to_thread` inherit it, but not threads of the user's own thread pool.

Upstream: sigs.k8s.io/controller-runtime/pkg/controller/controller.go ReconcileIDFromContext (v0.25).
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, final

import attrs
from typing_extensions import override

from informers.errors import escaped
from informers.objects import ObjectName

__all__ = ["IN_WORK", "InWork", "ReconcileLogger"]


@final
@attrs.frozen(eq=False)
class InWork:
    """One run of a reconcile function.

    Attributes:
        owner: the `OwnWrites` that remember the writes of the run.
        controller: the controller's name.
        name: the name in work.
        reconcile_id: unique id of the run, on each of its log lines.
    """

    owner: object
    controller: str
    name: ObjectName
    reconcile_id: str


#: The run of this thread or task.
IN_WORK: ContextVar[InWork | None] = ContextVar("informers.controllers", default=None)


if TYPE_CHECKING:
    _LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:  # it takes no type before Python 3.11
    _LoggerAdapter = logging.LoggerAdapter


@final
class ReconcileLogger(_LoggerAdapter):
    """A logger whose lines begin with the controller and, during a run, with the name and the reconcile id.

    The records have the attributes `controller`, `object` and `reconcile_id`, too, for formats and for JSON.
    """

    def __init__(self, controller: str) -> None:
        super().__init__(logging.getLogger("informers.controllers"), {})
        self._controller = controller

    @override
    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the controller and the run to a line."""
        work = IN_WORK.get()
        name, reconcile_id = ("", "") if work is None else (str(work.name), work.reconcile_id)
        known = {"controller": self._controller, "object": name, "reconcile_id": reconcile_id}
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **known}
        prefix = escaped(" ".join(filter(None, known.values()))).replace("%", "%%")
        return f"{prefix}: {msg}", kwargs

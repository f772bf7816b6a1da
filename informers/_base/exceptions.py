"""Exceptions of users' code and of sources, prepared to be reported and kept.

Upstream: k8s.io/apimachinery/pkg/util/runtime HandleCrash (v0.37).
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from informers._base.threads import is_own_thread
from informers.errors import escaped

__all__ = ["as_exception", "clear_frames", "error_listeners", "note", "report", "safe_text"]

#: Called with one line for each exception of a user's function, whatever the log shows.
error_listeners: list[Callable[[str], object]] = []

#: Modules whose frames are cleared.
_OURS = ("informers.cache.", "informers.source.")
#: Clearing a frame that waits at a `yield` would end its generator.
_MAY_WAIT = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def as_exception(error: BaseException) -> Exception:
    """Return an exception of a user's function as an error that can be reported; a caller's interrupt is raised again.

    `sys.exit()` in a transform must not end the one thread that updates the cache; Ctrl-C in the caller's own thread
    must reach the caller.

    Raises:
        BaseException: it is not an `Exception`, and this thread does not belong to this package.
    """
    if isinstance(error, Exception):
        return error
    if not is_own_thread():
        raise error
    reason = RuntimeError(f"raised {safe_text(error)}")
    reason.__cause__ = error
    return reason


def safe_text(error: BaseException, show: Callable[[object], str] = repr) -> str:
    """Return an error in one line, made by `show`; only its class if the user's `__str__` raises."""
    try:
        return escaped(show(error))
    except Exception:  # noqa: BLE001  see above
        return f"{type(error).__name__} (which can't be shown)"


def note(error: BaseException, message: str, *arguments: object) -> None:
    """Call the listeners with an exception of a user's function. Never raises."""
    for listener in tuple(error_listeners):
        with suppress(Exception):
            listener(f"{message % arguments} ({safe_text(error)})")


def report(log: logging.Logger, error: BaseException, message: str, *arguments: object) -> None:
    """Log an exception of a user's function, and `note` it. Never raises, though the log's filters may."""
    note(error, message, *arguments)
    with suppress(Exception):
        log.error(message, *arguments, exc_info=error)


def clear_frames(error: BaseException) -> None:
    """Clear the local variables of our functions in a traceback: they may hold half a list, or a whole one.

    An error may be kept for a long time, in `health` or by an error handler, and its traceback keeps these frames. Call
    this when the functions have returned; frames that still run are left alone.
    """
    errors, seen = [error], set[int]()
    while errors:
        current = errors.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        errors += [other for other in (current.__cause__, current.__context__) if other is not None]
        traceback = current.__traceback__
        while traceback is not None:
            frame: FrameType | None = traceback.tb_frame
            while frame is not None:
                is_ours = str(frame.f_globals.get("__name__")).startswith(_OURS)
                if is_ours and not frame.f_code.co_flags & _MAY_WAIT:
                    # A running frame can't be cleared.
                    with suppress(RuntimeError):
                        frame.clear()
                frame = frame.f_back
            traceback = traceback.tb_next

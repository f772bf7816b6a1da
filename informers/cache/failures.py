"""What an error handler is told.

Upstream: k8s.io/client-go/tools/cache/reflector.go WatchErrorHandler (v0.37).
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TypeAlias, final

import attrs

from informers.threads import is_own_thread

__all__ = ["NextStep", "WatchErrorHandler", "WatchFailure", "contained", "let_go", "shown"]

#: Modules whose frames are cleared.
_OURS = ("informers.cache.", "informers.source.")
#: To clear what waits at a `yield` would end it.
_MAY_WAIT = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@final
class NextStep(enum.Enum):
    """What an informer does after a failure; the value is the words for it."""

    LIST = "list"
    WATCH = "watch"
    LIST_PAGES = "list page by page"
    GO_ON = "go on without the object"


@final
@attrs.frozen(eq=False)
class WatchFailure:
    """A list or a watch failed, or an object had to be set aside, or left out of an index.

    Attributes:
        resource: such as `pods` or `deployments.apps`.
        namespace: of the list or watch; None for all.
        error: what went wrong: mostly a `SourceError` or `DecodeError`.
        next_step: what happens next.
        delay: seconds until then.
        key: of the object that was set aside or left out; empty where the whole request failed.
        index: that the object was left out of, since its function failed: it is in the cache. Empty otherwise.
    """

    resource: str
    namespace: str | None
    error: Exception
    next_step: NextStep
    delay: float = 0.0
    key: str = ""
    index: str = ""

    def __str__(self) -> str:
        what = self.resource if self.namespace is None else f"{self.resource} in {self.namespace}"
        if self.index:
            return f"{what}: {self.key} left out of an index: {shown(self.error, str)}"
        if self.next_step is NextStep.GO_ON:
            return f"{what}: {self.key or 'an object'} set aside: {shown(self.error, str)}"
        when = f" in {self.delay:.1f} s" if self.delay > 0 else ", at once"
        return f"{what}: {shown(self.error, str)}; next: {self.next_step.value}{when}"


#: Is told of every failure, in the informer's controller thread, and in place of the log, which has failures at level
#: DEBUG then, and otherwise at WARNING. What it raises is logged, with the failure.
WatchErrorHandler: TypeAlias = Callable[[WatchFailure], object]


def contained(error: BaseException) -> Exception:
    """Return what a user's function raised as an error that can be reported; an interrupt of the caller goes on.

    `sys.exit()` in a transform must not end the one thread that keeps the cache; Ctrl-C in the caller's own thread must
    reach the caller.

    Raises:
        BaseException: it is no `Exception`, and this thread is none of this package.
    """
    if isinstance(error, Exception):
        return error
    if not is_own_thread():
        raise error
    reason = RuntimeError(f"raised {shown(error)}")
    reason.__cause__ = error
    return reason


def shown(error: BaseException, show: Callable[[object], str] = repr) -> str:
    """Return an error in words: what `show` makes of it, or its class where the user's own `__str__` raises."""
    try:
        return show(error)
    except Exception:  # noqa: BLE001  see above
        return f"{type(error).__name__} (which can't be shown)"


def let_go(error: BaseException) -> None:
    """Clear what our own functions had in hand when they failed, or called what did: half a list, or a whole one.

    An error may be kept for long, in `health` or by an error handler, and by its traceback all that these frames hold.
    To be called when they have returned; those that still run are left alone.
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
                    # One that still runs can't be cleared.
                    with suppress(RuntimeError):
                        frame.clear()
                frame = frame.f_back
            traceback = traceback.tb_next

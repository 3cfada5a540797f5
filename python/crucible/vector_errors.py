"""The pool's errors as Gymnasium names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gymnasium.error import AlreadyPendingCallError, NoAsyncCallError, ResetNeeded

from crucible import _core


@contextmanager
def translated() -> Iterator[None]:
    """Gymnasium's exceptions in place of the pool's; the text says what to do."""
    try:
        yield
    except _core.AnswerPending as error:
        raise AlreadyPendingCallError(str(error), "recv") from None
    except _core.NothingPending as error:
        raise NoAsyncCallError(str(error), "recv") from None
    except _core.EpisodeOver as error:
        raise ResetNeeded(str(error)) from None

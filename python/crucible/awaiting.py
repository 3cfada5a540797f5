"""asyncio without a thread that needs the interpreter: descriptors tell when something has ended."""

from __future__ import annotations

import asyncio
import os

from crucible import _core


async def readable(descriptor: int) -> None:
    """Waits until a descriptor polls readable. Cancelling leaves nothing behind."""
    loop = asyncio.get_running_loop()
    own = os.dup(descriptor)  # an event loop watches a descriptor for one waiter only
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(own, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(own)
        os.close(own)


async def ended(pending: _core.PendingStep) -> None:
    """Waits for a step's end; when the waiting is cancelled, cancels the step and waits for that."""
    watch = asyncio.ensure_future(readable(pending.fileno()))
    try:
        await asyncio.shield(watch)
    except asyncio.CancelledError:
        pending.cancel()
        await watch
        raise

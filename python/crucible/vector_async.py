"""The awaitable half of a KernelVectorEnv."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from crucible.awaiting import readable
from crucible.vector_errors import translated

if TYPE_CHECKING:
    from crucible.vector import StepTuple


class AsyncCalls:
    """Its methods; everything they stand on is in KernelVectorEnv."""

    _receiving = False

    async def astep(self: Any, actions: Iterable[str | bytes]) -> StepTuple:
        """`step` for asyncio: other tasks run meanwhile. Cancelling it cancels what is not answered."""
        self.send(actions)
        try:
            await self._until_ready(self.num_envs, None)
        except asyncio.CancelledError:
            self._interrupted = True
            self.cancel()
            raise
        result: StepTuple = self._gather_all()
        return result

    async def arecv(self: Any, timeout: float | None = None, batch_size: int | None = None) -> StepTuple:
        """`recv` for asyncio. One task at a time; cancelling it loses nothing."""
        await self._until_ready(batch_size or self.batch_size, timeout)
        result: StepTuple = self.recv(0.0 if timeout is not None else None, batch_size)
        return result

    async def _until_ready(self: Any, count: int, timeout: float | None) -> None:
        if self._receiving:
            raise RuntimeError("another task awaits this pool's answers: await them in one task")
        self._receiving = True
        try:
            await asyncio.wait_for(self._answers(count), timeout)
        except asyncio.TimeoutError:
            return  # recv() says so, or gives what is there
        finally:
            self._receiving = False

    async def _answers(self: Any, count: int) -> None:
        pool = self._started()
        while not self._kept:
            with translated():
                if pool.wait(count, 0.0):
                    return
            await readable(pool.fileno())

"""Many kernels at once: a Gymnasium `VectorEnv` whose environments share one pipeline, and EnvPool's send and recv."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import AlreadyPendingCallError, NoAsyncCallError
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from crucible import _core
from crucible._core import ConfigError, PoolResult, Record
from crucible.environment import KernelEnv, step_info
from crucible.evaluator import Evaluator, as_bytes, shared
from crucible.vector_arguments import SEEDS, check_sizes, env_ids_of, mask_of, mode_of, seeds_of
from crucible.vector_async import AsyncCalls
from crucible.vector_errors import translated
from crucible.vector_results import Batch, Step, columns

_PROGRESS_SECONDS = 0.5

RewardTerm = Callable[[Record], float]
StepTuple = tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class KernelVectorEnv(AsyncCalls, VectorEnv[tuple[str, ...], tuple[str, ...], NDArray[Any]]):
    """`num_envs` environments whose sources are compiled side by side, checked, and timed one after the other.

    `gymnasium.make_vec("crucible:crucible/rms_norm-v0", num_envs=64)` makes one. `reset` and `step` are Gymnasium's;
    `autoreset_mode` is SAME_STEP (a finished episode begins anew within the step, its end is in infos["final_obs"] and
    infos["final_info"]) or DISABLED (reset it with options={"reset_mask": …}). `send`, `recv`, `async_reset`, `cancel`
    do not wait for each other; docs/pool.md has the contract. `await envs.astep(actions)` is `step` for asyncio.

    `task` may be several names: they are dealt to the environments in turn. `reward_terms` are functions of a Record
    that are added to its reward, in the thread that calls `recv` or `step`. `progress` is called with `stats()` now and
    then while something is awaited. Everything else is as in KernelEnv. Thread-safe but for `reset` and `step`.
    """

    def __init__(
        self,
        task: str | Sequence[str],
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        batch_size: int | None = None,
        compilers: int = 0,
        artifacts: int = 0,
        reward_terms: Mapping[str, RewardTerm] | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
        evaluator: Evaluator | None = None,
        max_turns: int = 1,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        check_sizes(num_envs, batch_size)
        mode = mode_of(autoreset_mode)
        self.tasks = (task,) if isinstance(task, str) else tuple(task)
        if not self.tasks:
            raise ConfigError("task: name at least one")
        # One ordinary environment a task knows everything about arguments, spaces, rewards; it starts nothing.
        plain = [KernelEnv(each, max_turns=max_turns, render_mode=render_mode, **options) for each in self.tasks]
        self.metadata = {"render_modes": ["ansi"], "autoreset_mode": mode}
        self.autoreset_mode = mode
        self.num_envs = num_envs
        self.batch_size = batch_size or num_envs
        self.max_turns = max_turns
        self.render_mode = render_mode
        self.progress = progress
        self.reward_settings = plain[0].reward_settings
        self.reward_terms = dict(reward_terms or {})
        self.single_observation_space = plain[0].observation_space
        self.single_action_space = plain[0].action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.last_records: list[Record | None] = [None] * num_envs
        self._term_names = (*plain[0]._term_names, *self.reward_terms)
        self._options = plain[0]._options
        self._given = evaluator
        self._held: tuple[str, Evaluator] | None = None
        self._pool: _core.EnvPool | None = None
        self._limits = (compilers, artifacts)
        self._start_lock = threading.Lock()
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._texts = [""] * num_envs
        self._kept: list[PoolResult] = []  # taken from the pool, not given out: a reward term raised
        self._kept_lock = threading.Lock()
        self._interrupted = False
        _alive.add(self)

    # ---- gymnasium ------------------------------------------------------------------------------------------------

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Prompts of all environments, or of those in options["reset_mask"]; the others keep their last text.

        `seed`: one for all means seed, seed + 1, …; a list gives each its own (equal ones make a group).
        """
        pool = self._started()
        options = dict(options or {})
        mask = mask_of(options.pop("reset_mask", None), self.num_envs)
        if options:
            raise ConfigError(f"reset option {sorted(options)[0]!r} is unknown; known: 'reset_mask'")
        seeds = seeds_of(seed, self.num_envs)
        chosen = [i for i in range(self.num_envs) if mask[i]]
        if self._interrupted:  # a step() was; what it left is nobody's any more
            self._discard()
        self._refuse_kept(chosen)
        rows: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        with translated():
            owing = set(pool.pending()).intersection(chosen)
            if owing:
                raise _core.AnswerPending(
                    f"environment {min(owing)} owes an answer: recv() it, or cancel() it, before reset()"
                )
            for i in chosen:
                rows[i] = self._begin(i, seeds[i])
        return tuple(self._texts), columns(rows)

    def step(self, actions: Iterable[str | bytes]) -> StepTuple:
        """Judges one kernel for each environment. Ctrl-C cancels what is not answered: those turns may be tried again;
        what was answered is left for recv(), or dropped by reset()."""
        self.send(actions)
        try:
            return self._gather_all()
        except BaseException:
            self._interrupted = True
            self.cancel()
            raise

    def render(self) -> tuple[str, ...] | None:
        """The last prompt or feedback of each (render_mode "ansi")."""
        return tuple(self._texts) if self.render_mode == "ansi" else None

    def close_extras(self, **_: Any) -> None:
        with self._start_lock:
            pool, self._pool = self._pool, None
            held, self._held = self._held, None
            self.closed = True
        if pool is not None:
            pool.close()
        if held is not None:
            shared.release(*held)

    # ---- send and recv --------------------------------------------------------------------------------------------

    def send(
        self,
        actions: Iterable[str | bytes],
        env_ids: Iterable[int] | None = None,
        *,
        priority: int = 0,
        within: float | None = None,
    ) -> NDArray[np.int64]:
        """Hands in one source for each of `env_ids` (default: all) and returns at once, with request numbers.

        Higher `priority` goes first. What is not answered `within` so many seconds is answered with NaN (verdict
        `infrastructure_error`). All are taken, or none: an environment that owes an answer, is unknown or named twice,
        or has no episode running, raises.
        """
        pool = self._started()
        sources = [as_bytes(action) for action in actions]
        envs = env_ids_of(env_ids, self.num_envs)
        if len(sources) != len(envs):
            raise ValueError(f"{len(sources)} actions for {len(envs)} environments: give one for each")
        self._refuse_kept(envs)
        with translated():
            numbers = pool.send([(env, source, priority, within) for env, source in zip(envs, sources, strict=True)])
        return np.array(numbers, dtype=np.int64)

    def async_reset(
        self, env_ids: Iterable[int] | None = None, *, seed: int | Sequence[int | None] | None = None
    ) -> NDArray[np.int64]:
        """Begins episodes; their prompts come from recv() (infos["reset"] is True there). `seed` as in reset()."""
        pool = self._started()
        envs = env_ids_of(env_ids, self.num_envs)
        seeds = seeds_of(seed, self.num_envs)
        self._refuse_kept(envs)
        with translated():
            owing = set(pool.pending()).intersection(envs)
            if owing:  # before any generator is moved
                raise _core.AnswerPending(
                    f"environment {min(owing)} owes an answer: recv() it before another async_reset()"
                )
            numbers = pool.async_reset(envs, [self._next_seed(env, seeds[env]) for env in envs])
        return np.array(numbers, dtype=np.int64)

    def recv(self, timeout: float | None = None, batch_size: int | None = None) -> StepTuple:
        """`batch_size` answers (default: the pool's; all that are owed, when fewer), in the order of completion.

        infos["env_id"] and infos["request_id"] say whose they are. TimeoutError when not even one came in time: nothing
        is lost, ask again. When fewer than asked for came in time, these. Ctrl-C loses nothing either.
        """
        pool = self._started()
        count = batch_size or self.batch_size
        with self._kept_lock:
            kept = len(self._kept)
        if kept < count:
            try:
                self._await(pool, count - kept, timeout)
                with translated():
                    self._keep(pool.recv(count - kept, 0.0))
            except NoAsyncCallError:
                if not kept:
                    raise
        batch = self._settle(count)
        if not batch.steps:
            raise TimeoutError(f"no answer within {timeout} s; {len(self.pending())} are still owed, recv() again")
        return batch.as_received()

    def cancel(self, env_ids: Iterable[int] | None = None) -> list[int]:
        """Withdraws actions (default: all). Returns the environments that will give no answer; their turn is not used
        up. What was answered already still comes from recv()."""
        return self._started().cancel(env_ids_of(env_ids, self.num_envs))

    def pending(self) -> list[int]:
        """Environments that owe an answer."""
        with self._kept_lock:
            kept = {result.env for result in self._kept}
        return sorted(kept.union(self._started().pending()))

    def stats(self) -> dict[str, Any]:
        """Stages, queues, device, rates, verdicts at this moment: what `crucible top` shows."""
        return self._started().snapshot()

    # ---- the rest -------------------------------------------------------------------------------------------------

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator that all environments share; starts it when it has not been needed yet."""
        if self.closed:
            raise RuntimeError("the environment is closed")
        if self._given is not None:
            return self._given
        if self._held is None:
            self._held = shared.acquire(self._options)
        return self._held[1]

    @property
    def run_directory(self) -> str:
        return self.evaluator.run_directory

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half-made, or the interpreter is going down
            self.close_extras()

    def _started(self) -> _core.EnvPool:
        with self._start_lock:
            if self.closed:
                raise RuntimeError("the environment is closed")
            if self._pool is None:
                self._pool = _core.EnvPool(
                    self.evaluator.core, self.tasks, self.num_envs, self.reward_settings, self.max_turns, *self._limits
                )
            return self._pool

    def _next_seed(self, env: int, seed: int | None) -> int:
        """As an ordinary environment draws it: a given seed is the episode's, and starts the generator of the next."""
        if seed is not None:
            self._generators[env], _ = seeding.np_random(int(seed))
            return int(seed)
        generator = self._generators[env]
        if generator is None:
            generator, _ = seeding.np_random()
            self._generators[env] = generator
        return int(generator.integers(SEEDS))

    def _begin(self, env: int, seed: int | None) -> dict[str, Any]:
        chosen = self._next_seed(env, seed)
        self._texts[env] = self._started().reset(env, chosen)
        return {"task": self.task_of(env), "seed": chosen, "run_directory": self.run_directory}

    def task_of(self, env: int) -> str:
        return self.tasks[env % len(self.tasks)]

    def _await(self, pool: _core.EnvPool, count: int, timeout: float | None) -> None:
        """Waits as pool.wait does, and reports progress meanwhile."""
        with translated():
            if self.progress is None:
                pool.wait(count, timeout)
                return
            left = float("inf") if timeout is None else timeout
            while not pool.wait(count, min(_PROGRESS_SECONDS, left)) and (left := left - _PROGRESS_SECONDS) > 0:
                self.progress(pool.snapshot())

    def _gather_all(self) -> StepTuple:
        """The answers of every environment, in the order of the environments."""
        pool = self._started()
        while (missing := self.num_envs - len(self._kept)) > 0:
            self._await(pool, missing, None)
            with translated():
                self._keep(pool.recv(missing, 0.0))
        return self._settle(self.num_envs).as_stepped()

    def _keep(self, results: Iterable[PoolResult]) -> None:
        with self._kept_lock:
            self._kept.extend(results)

    def _refuse_kept(self, envs: Iterable[int]) -> None:
        with self._kept_lock:
            kept = {result.env for result in self._kept}
        for env in envs:
            if env in kept:
                raise AlreadyPendingCallError(f"environment {env} owes an answer: recv() it first", "recv")

    def _settle(self, count: int) -> Batch:
        """Turns kept results into steps. All of them, or none: what a reward term raises leaves every one for later."""
        with self._kept_lock:
            results = self._kept[:count]
            del self._kept[:count]
        try:
            extras = [self._extra_terms(result) for result in results]
        except BaseException:
            with self._kept_lock:
                self._kept[:0] = results
            raise
        return Batch([self._finished(result, extra) for result, extra in zip(results, extras, strict=True)])

    def _extra_terms(self, result: PoolResult) -> dict[str, float]:
        if result.reset:
            return {}
        return {name: float(term(result.step.record)) for name, term in self.reward_terms.items()}

    def _finished(self, result: PoolResult, extra: Mapping[str, float]) -> Step:
        env, made = result.env, result.step
        if result.reset:
            self._texts[env] = made.observation
            return Step(env, result.request, made.observation, reset=True)
        self.last_records[env] = made.record
        self._texts[env] = made.observation
        info = step_info(made.record, self._term_names)
        info["terms"].update(extra)
        info["waited"] = float(result.seconds)
        reward = float(made.reward) + sum(extra.values())
        step = Step(env, result.request, made.observation, reward, made.terminated, made.truncated, info)
        if self.autoreset_mode is AutoresetMode.SAME_STEP and (made.terminated or made.truncated):
            step.restart(self._begin(env, None), self._texts[env])
        return step

    def _discard(self) -> None:
        pool = self._started()
        self.cancel()
        with translated():
            while owed := len(pool.pending()):
                pool.recv(owed)
        with self._kept_lock:
            self._kept.clear()
        self._interrupted = False


_alive: weakref.WeakSet[KernelVectorEnv] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Threads of a pool must not outlive the interpreter."""
    for envs in list(_alive):
        with contextlib.suppress(Exception):
            envs.close_extras()

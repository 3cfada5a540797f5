from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import crucible
from conftest import kernel
from crucible.environment import KernelEnv

CPU_TASKS = {"rms_norm", "silu_and_mul", "softmax"}


def test_every_task_has_an_id() -> None:
    ids = set(crucible.environment_ids())
    assert {f"crucible/{task}-v0" for task in CPU_TASKS} <= ids
    assert ids <= set(gymnasium.registry)
    assert ids == {f"crucible/{task}-v0" for task in crucible.task_names()}


def test_gymnasium_makes_it_by_module_and_id(quick_options: dict[str, object]) -> None:
    env = gymnasium.make("crucible:crucible/rms_norm-v0", **quick_options)
    try:
        prompt, info = env.reset(seed=0)
        assert "rms_norm" in prompt
        assert info["seed"] == 0
        json.dumps(env.spec.kwargs)  # type: ignore[union-attr]
    finally:
        env.close()


@pytest.mark.timeout(300)
def test_gymnasium_checker_has_nothing_to_say(quick_options: dict[str, object]) -> None:
    env = gymnasium.make("crucible:crucible/rms_norm-v0", **quick_options).unwrapped
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Not about this environment: it is called on the bare environment on purpose, and draws no pictures.
            warnings.filterwarnings("ignore", message=".*(unwrapped|render|spec).*")
            check_env(env, skip_render_check=True)
    finally:
        env.close()


def test_the_prompt_tells_a_model_all_it_needs(env: KernelEnv) -> None:
    prompt, info = env.reset(seed=5)
    for part in ('extern "C" int rms_norm(', "crucible/kernel.h", "## Workloads", "## Contract", "slow kernel"):
        assert part in prompt
    for workload in env.task.workloads:
        assert (workload.name in prompt) is not workload.hidden
    assert env.observation_space.contains(prompt)
    assert info["task"] == "rms_norm"


def test_a_correct_kernel_is_paid(env: KernelEnv, seed_kernel: str) -> None:
    feedback, reward, terminated, truncated, info = env.step(seed_kernel)
    assert info["verdict"] == "correct", info["explanation"]
    assert 0.30 <= reward <= 1.0
    assert type(terminated) is bool
    assert type(truncated) is bool
    assert type(reward) is float
    assert "Speedup" in feedback
    assert info["speedup_lower"] <= info["speedup"] <= info["speedup_upper"]
    assert math.isclose(sum(info["terms"].values()), reward, abs_tol=1e-12)
    assert info["isolation"] in ("full", "user", "container")


def test_a_wrong_kernel_is_told_where(env: KernelEnv) -> None:
    feedback, reward, _, _, info = env.step(kernel("return 0;"))
    assert info["verdict"] == "wrong_result"
    assert 0.0 <= reward <= 0.15
    assert "family" in feedback
    assert math.isnan(info["speedup"])


def test_compiler_errors_name_the_candidates_lines(env: KernelEnv) -> None:
    feedback, reward, _, _, info = env.step("#include <crucible/kernel.h>\n\nint broken( {\n")
    assert info["verdict"] == "compile_error"
    assert reward == 0.0
    assert ":3:" in feedback


def test_info_never_changes_its_keys_and_types(env: KernelEnv, seed_kernel: str) -> None:
    infos = [env.step(source)[4] for source in (seed_kernel, "", "no kernel", kernel("return 0;"))]
    shapes = [{key: type(value) for key, value in info.items()} for info in infos]
    assert all(shape == shapes[0] for shape in shapes)
    assert all(info["terms"].keys() == infos[0]["terms"].keys() for info in infos)
    assert "episode" not in infos[0]
    assert not any(isinstance(value, np.generic) for value in infos[0].values())


def test_no_feedback_is_longer_than_promised(env: KernelEnv) -> None:
    flood = "\n".join(f'static_assert(sizeof(char) == {i}, "{"x" * 100}");' for i in range(2, 400))
    feedback = env.step(flood)[0]
    assert len(feedback.encode()) <= crucible.FEEDBACK_BYTES


def test_an_episode_ends_after_its_turns(evaluator: crucible.Evaluator) -> None:
    env = KernelEnv("rms_norm", evaluator=evaluator, max_turns=2)
    with pytest.raises(ResetNeeded):
        env.step("x")
    env.reset(seed=1)
    ends = [env.step("no kernel")[2] for _ in range(2)]
    assert ends == [False, True]
    with pytest.raises(RuntimeError, match="reset"):
        env.step("no kernel")
    env.reset()
    assert env.step("no kernel")[4]["turn"] == 0


def test_seeds_reach_the_data_and_repeat(evaluator: crucible.Evaluator) -> None:
    env = KernelEnv("rms_norm", evaluator=evaluator)
    seeds = [env.reset(seed=11)[1]["seed"], env.reset()[1]["seed"], env.reset()[1]["seed"]]
    other = KernelEnv("rms_norm", evaluator=evaluator)
    assert seeds == [other.reset(seed=11)[1]["seed"], other.reset()[1]["seed"], other.reset()[1]["seed"]]
    assert seeds[0] == 11
    assert seeds[1] != seeds[2]
    assert env.reset(options={"seed": 4})[1]["seed"] == 4
    with pytest.raises(crucible.ConfigError, match="unknown"):
        env.reset(options={"sed": 4})
    with pytest.raises(crucible.ConfigError, match="seed lies"):
        env.reset(options={"seed": -1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "rms_nrom"}, "rms_norm"),
        ({"task": "rms_norm", "max_turns": 0}, "max_turns"),
        ({"task": "rms_norm", "max_turns": True}, "max_turns"),
        ({"task": "rms_norm", "reward": "defualt"}, "default"),
        ({"task": "rms_norm", "render_mode": "human"}, "ansi"),
        ({"task": "rms_norm", "reward": {"model": "crucible", "nonsense": 1}}, "nonsense"),
    ],
)
def test_bad_arguments_are_named_at_once(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(crucible.ConfigError, match=message):
        KernelEnv(**arguments)  # type: ignore[arg-type]


def test_a_source_must_be_text(env: KernelEnv) -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        env.step(7)  # type: ignore[arg-type]


def test_close_is_final_and_idempotent(quick_options: dict[str, object]) -> None:
    env = KernelEnv("rms_norm", **quick_options)  # type: ignore[arg-type]
    env.close()
    env.close()
    with pytest.raises(RuntimeError, match="closed"):
        env.reset()
    del env
    gc.collect()


def test_environments_of_one_run_share_an_evaluator(quick_options: dict[str, object]) -> None:
    first = KernelEnv("rms_norm", **quick_options)  # type: ignore[arg-type]
    second = KernelEnv("softmax", **quick_options)  # type: ignore[arg-type]
    try:
        assert first.evaluator is second.evaluator
        first.close()
        assert second.reset(seed=0)[1]["task"] == "softmax"  # the other's close has not taken it away
    finally:
        second.close()


def test_render_gives_the_last_text(evaluator: crucible.Evaluator) -> None:
    env = KernelEnv("rms_norm", evaluator=evaluator, render_mode="ansi")
    prompt, _ = env.reset(seed=0)
    assert env.render() == prompt
    feedback = env.step("")[0]
    assert env.render() == feedback


@pytest.mark.timeout(60)
def test_nothing_outlives_the_interpreter_without_close(quick_options: dict[str, object]) -> None:
    program = f"""
import gymnasium, os, subprocess
env = gymnasium.make("crucible:crucible/rms_norm-v0", **{quick_options!r})
env.reset(seed=0)
env.step("no kernel")
print(os.getpid())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr

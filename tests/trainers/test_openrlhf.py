"""OpenRLHF's own agent executor, experience maker and PPO loss with our reward function, service and group baselines.

What is not run: vllm (the executor gets an engine that "generates" a given answer) and flash-attn (for packed samples):
they cannot be installed without a GPU, and OpenRLHF's modules that import names of theirs get empty ones.
"""

from __future__ import annotations

import asyncio
import importlib.machinery
import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import deepspeed  # noqa: F401  (looks for flash_attn before there is an empty one)
import peft  # noqa: F401
import pytest
import torch
from support import EIGHT, FIVE, KINDS, OPTIONS, SEED, TASK, FlakyScorer, answer, paying

from crucible.integrations import KernelScorer, task_prompt
from crucible.integrations.openrlhf import KernelReward, answer_of, server
from crucible.integrations.openrlhf_groups import install


class Absent(types.ModuleType):
    """A module that is not there: whatever is imported from it is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


for _name in (
    *("flash_attn", "flash_attn.bert_padding", "flash_attn.utils", "flash_attn.utils.distributed"),
    *("vllm", "vllm.inputs", "vllm.utils", "vllm.engine", "vllm.engine.arg_utils"),
):
    sys.modules[_name] = Absent(_name)
    sys.modules[_name].__spec__ = importlib.machinery.ModuleSpec(_name, None)

install()  # before OpenRLHF is imported, as in a Ray worker
from openrlhf.models import PolicyLoss  # noqa: E402
from openrlhf.trainer.ppo_utils.experience import Experience  # noqa: E402
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker  # noqa: E402
from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402

PROMPT = f"<|im_start|>user\n{task_prompt(TASK)[0]['content']}<|im_end|>\n<|im_start|>assistant\n"
LABEL = f'{{"task": "{TASK}", "seed": {SEED}}}'


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def __call__(self, text: str, **_: Any) -> dict[str, torch.Tensor]:
        return {"input_ids": torch.tensor([list(text.encode())])}

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return bytes(ids).decode(errors="replace")


class Engine:
    """Stands where vllm does: generates what it is told to."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def generate(self, prompt: list[int], parameters: Any, multi_modal_data: Any = None) -> Any:
        ids = list(f"{self.text}<|im_end|>".encode())
        return SimpleNamespace(
            outputs=[SimpleNamespace(token_ids=ids, finish_reason="stop", logprobs=None, text=self.text)]
        )


def execute(executor: SingleTurnAgentExecutor, text: str, room: int = 1 << 20) -> dict[str, Any]:
    parameters = SimpleNamespace(max_tokens=1000, logprobs=None)
    return asyncio.run(executor.execute(PROMPT, LABEL, parameters, room, Bytes(), Engine(text)))


@pytest.fixture
def reward_file(tmp_path: Path) -> str:
    path = tmp_path / "reward.py"
    path.write_text(
        "from support import OPTIONS\n"
        "from crucible.integrations.openrlhf import KernelReward\n"
        "reward_func = KernelReward(**OPTIONS)\n"
    )
    return str(path)


def test_the_file_pays_the_same_rewards_as_step(reward_file: str, stepped: dict[str, float]) -> None:
    executor = SingleTurnAgentExecutor(reward_file)
    for kind in KINDS:
        found = execute(executor, answer(kind))
        assert float(found["reward"]) == pytest.approx(stepped[kind], abs=1e-12)
        assert torch.tensor([found["reward"]]).shape == (1,)  # what its samples generator makes of it
        assert all(torch.as_tensor(v).numel() == 1 for v in found["extra_logs"].values())
    executor.reward_func.close()


def test_the_service_pays_the_same_rewards_as_step(stepped: dict[str, float]) -> None:
    reward = KernelReward(**OPTIONS)
    serving = server(reward, "127.0.0.1", 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    executor = SingleTurnAgentExecutor(f"http://127.0.0.1:{serving.server_address[1]}/get_reward")
    for kind in KINDS:
        found = execute(executor, answer(kind))
        assert found["reward"] == pytest.approx(stepped[kind], abs=1e-12)
        assert torch.tensor([found["reward"]]).shape == (1,)
    serving.shutdown()
    serving.server_close()
    reward.close()


def test_the_service_says_no_sample() -> None:
    with FlakyScorer(TASK) as scorer:
        serving = server(KernelReward(scorer=scorer), "127.0.0.1", 0)
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        executor = SingleTurnAgentExecutor([f"http://127.0.0.1:{serving.server_address[1]}/get_reward"])
        assert torch.isnan(torch.tensor(execute(executor, paying(None))["reward"]))
        assert execute(executor, paying(0.25))["reward"] == 0.25
        serving.shutdown()
        serving.server_close()


def test_the_prompts_own_kernel_is_never_the_answer() -> None:
    with KernelScorer(**OPTIONS) as scorer:
        (sample,) = KernelReward(scorer=scorer).judge([PROMPT + "I cannot do that."], [PROMPT], [LABEL])
    assert sample.verdict == "malformed"
    assert "no fenced code block" in sample.feedback
    cut = (PROMPT + paying(0.25))[700:]  # a prompt cut from the left, as OpenRLHF cuts it
    assert answer_of(cut, PROMPT) == paying(0.25).lstrip()
    respaced = PROMPT.replace("\n", " ") + paying(0.25)
    assert answer_of(respaced, PROMPT) == paying(0.25).lstrip()
    with pytest.raises(ValueError, match="not part of the query"):
        answer_of("something else", PROMPT)


def maker(estimator: str, group: int, **reward: Any) -> RemoteExperienceMaker:
    arguments = SimpleNamespace(
        algo=SimpleNamespace(
            advantage=SimpleNamespace(estimator=estimator, gamma=1.0, lambd=1.0, no_std_norm=False),
        ),
        rollout=SimpleNamespace(n_samples_per_prompt=group, max_new_tokens=4),
        reward=SimpleNamespace(clip_range=(-10.0, 10.0), **reward),
        data=SimpleNamespace(max_len=16),
    )
    strategy = SimpleNamespace(args=arguments)
    return RemoteExperienceMaker(None, None, None, None, SimpleNamespace(value=0.01), strategy, None)


def experiences(rewards: tuple[float | None, ...], order: list[int]) -> list[Experience]:
    """Micro batches of two, in an order that mixes the group, with rewards by our reward function and a KL term."""
    with FlakyScorer(TASK) as scorer:
        reward = KernelReward(scorer=scorer)
        answers = [paying(r, i) for i, r in enumerate(rewards)]
        paid = reward([PROMPT + a for a in answers], [PROMPT] * len(answers), [LABEL] * len(answers))["rewards"]
    made = []
    for start in range(0, len(order), 2):
        index = order[start : start + 2]
        names = [str(rewards[i]) for i in index]
        kl = torch.stack([torch.full((4,), 0.1 * len(name)) for name in names])  # the same for the same answer
        made.append(
            Experience(
                index=list(index),
                rewards=paid[index].float(),
                action_mask=torch.ones(len(index), 4, dtype=torch.bool),
                kl=kl,
                values=torch.zeros(len(index), 4),
                response_length=torch.tensor([4] * len(index)),
                truncated=torch.tensor([rewards[i] == 0.9 for i in index]),
                info={"reward": paid[index].float()},
            )
        )
    return made


def by_sample(made: list[Experience]) -> dict[int, torch.Tensor]:
    return {i: e.advantages[row] for e in made for row, i in enumerate(e.index)}


@pytest.mark.parametrize("penalty", [{}, {"stop_properly_penalty_coef": -0.5}])
@pytest.mark.parametrize(
    "estimator", ["rloo", "reinforce_baseline", "dr_grpo", "group_norm", "flash_reinforce", "reinforce", "gae"]
)
def test_three_of_eight_failed(estimator: str, penalty: dict[str, float]) -> None:
    eight = maker(estimator, 8, **penalty).compute_advantages_and_returns(experiences(EIGHT, [5, 0, 7, 2, 1, 4, 3, 6]))
    five = maker(estimator, 5, **penalty).compute_advantages_and_returns(experiences(FIVE, [4, 0, 2, 1, 3]))
    found, wanted = by_sample(eight), by_sample(five)
    paid = [i for i, reward in enumerate(EIGHT) if reward is not None]
    for small, large in enumerate(paid):
        torch.testing.assert_close(found[large], wanted[small], rtol=1e-5, atol=1e-6)
    for i in set(range(8)) - set(paid):
        assert torch.equal(found[i], torch.zeros(4))
    assert all(torch.isfinite(e.info["reward"]).all() for e in eight)
    assert all(e.action_mask.all() for e in eight)


def test_the_loss_has_no_nan() -> None:
    (batch,) = [e for e in maker("group_norm", 8).compute_advantages_and_returns(experiences(EIGHT, list(range(8))))][
        :1
    ]
    log_probs = torch.randn(2, 4, requires_grad=True)
    loss = PolicyLoss()(log_probs, log_probs.detach(), batch.advantages, action_mask=batch.action_mask)
    loss = loss[0] if isinstance(loss, tuple) else loss
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(log_probs.grad).all()
    assert torch.equal(log_probs.grad[1], torch.zeros(4))  # the second of EIGHT was lost


def test_a_whole_batch_without_failures_is_openrlhfs_own() -> None:
    taught = maker("group_norm", 5).compute_advantages_and_returns(experiences(FIVE, [0, 1, 2, 3, 4]))
    rewards = torch.tensor(FIVE)
    advantage = (rewards - rewards.mean()) / (rewards.std() + 1e-9)
    for i, row in by_sample(taught).items():
        assert row[-1] == pytest.approx(float(advantage[i]) - 0.01 * 0.1 * len(str(FIVE[i])), abs=1e-5)


def test_ray_workers_are_taught_by_the_hook() -> None:
    code = """
import ray, sys
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, runtime_env={
    "worker_process_setup_hook": "crucible.integrations.openrlhf_groups.install"})
@ray.remote
def waiting():
    return [type(finder).__module__ for finder in sys.meta_path]
assert "crucible.integrations.openrlhf_groups" in ray.get(waiting.remote())
ray.shutdown()
"""
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}, check=True, timeout=200
    )

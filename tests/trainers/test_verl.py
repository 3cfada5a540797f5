"""verl's own reward manager, loader, trainer's compute_advantage and policy loss with our compute_score and estimators.

What is not run: its rollout workers (vllm or sglang on a GPU), which only hand texts to the reward manager.
"""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from support import EIGHT, FIVE, KINDS, OPTIONS, SEED, TASK, FlakyScorer, answer, paying
from tensordict import TensorDict
from verl import DataProto
from verl.trainer.config import AlgoConfig
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.trainer.ppo.reward import load_reward_manager

from crucible.integrations import verl as adapter


class Bytes:
    """A tokenizer whose tokens are bytes: all that a reward manager asks of one is decode()."""

    def decode(self, ids: torch.Tensor, skip_special_tokens: bool = True) -> str:
        return bytes(ids.tolist()).decode()


def configuration(reward_kwargs: dict) -> OmegaConf:
    function = {"path": "pkg://crucible.integrations.verl", "name": "compute_score", "reward_kwargs": reward_kwargs}
    manager = {"source": "register", "name": "naive"}
    return OmegaConf.create({"reward": {"custom_reward_function": function, "reward_manager": manager}})


def batch_of(text: str) -> DataProto:
    prompt, response = torch.tensor([[1, 2]]), torch.tensor([list(text.encode())])
    tensors = TensorDict(
        {
            "prompts": prompt,
            "responses": response,
            "attention_mask": torch.ones(1, prompt.shape[1] + response.shape[1], dtype=torch.int64),
        },
        batch_size=1,
    )
    extra = np.array([{"seed": SEED}], dtype=object)
    return DataProto(
        batch=tensors,
        non_tensor_batch={
            "data_source": np.array([f"crucible/{TASK}"], dtype=object),
            "reward_model": np.array([{"ground_truth": TASK}], dtype=object),
            "extra_info": extra,
        },
    )


def test_the_same_rewards_as_step(stepped: dict[str, float]) -> None:
    async def judge() -> list[dict]:
        manager = load_reward_manager(configuration(OPTIONS), Bytes())
        return await asyncio.gather(*(manager.run_single(batch_of(answer(kind))) for kind in KINDS))

    found = asyncio.run(judge())
    assert [f["reward_score"] for f in found] == pytest.approx([stepped[kind] for kind in KINDS], abs=1e-12)
    assert all(f["reward_extra_info"].keys() == found[0]["reward_extra_info"].keys() for f in found)
    assert [f["reward_extra_info"]["correct"] for f in found] == [1.0, 1.0, 0.0, 0.0]


def rolled_out(rewards: tuple[float | None, ...], length: int = 3) -> DataProto:
    """A batch as the trainer has it before advantages: scores by compute_score on the last token, one group."""
    with FlakyScorer(TASK, seed=SEED) as scorer:
        score = functools.partial(adapter.compute_score, f"crucible/{TASK}", ground_truth=None, scorer=scorer)
        scores = [score(solution_str=paying(reward, i))["score"] for i, reward in enumerate(rewards)]
    token_level = torch.zeros(len(scores), length)
    token_level[:, -1] = torch.tensor(scores)
    tensors = TensorDict(
        {"token_level_rewards": token_level, "response_mask": torch.ones(len(scores), length)}, batch_size=len(scores)
    )
    return DataProto(batch=tensors, non_tensor_batch={"uid": np.array(["group"] * len(scores), dtype=object)})


@pytest.mark.parametrize("estimator", adapter.ESTIMATORS)
@pytest.mark.parametrize("by_deviation", [True, False])
def test_three_of_eight_failed(estimator: str, by_deviation: bool) -> None:
    config = AlgoConfig(adv_estimator=f"crucible_{estimator}", norm_adv_by_std_in_grpo=by_deviation)
    eight = compute_advantage(rolled_out(EIGHT), f"crucible_{estimator}", config=config)
    plain = AlgoConfig(adv_estimator=estimator, norm_adv_by_std_in_grpo=by_deviation)
    named = core_algos.AdvantageEstimator(estimator)
    five = compute_advantage(rolled_out(FIVE), named, norm_adv_by_std_in_grpo=by_deviation, config=plain)
    paid = torch.tensor([reward is not None for reward in EIGHT])
    assert torch.equal(eight.batch["advantages"][paid], five.batch["advantages"])
    assert torch.equal(eight.batch["advantages"][~paid], torch.zeros(3, 3))
    assert torch.isfinite(eight.batch["token_level_rewards"]).all()  # verl's metrics read it afterwards
    assert eight.batch["token_level_rewards"].sum(-1).mean() == pytest.approx(sum(FIVE) / len(FIVE), abs=1e-6)


def test_the_loss_is_that_of_the_five() -> None:
    config = AlgoConfig(adv_estimator="crucible_grpo")
    torch.manual_seed(0)
    log_prob = torch.randn(8, 3, requires_grad=True)
    batch = compute_advantage(rolled_out(EIGHT), "crucible_grpo", config=config).batch
    loss = core_algos.agg_loss(-batch["advantages"] * log_prob, batch["response_mask"], "token-mean")
    loss.backward()
    paid = torch.tensor([reward is not None for reward in EIGHT])
    assert torch.isfinite(loss)
    assert torch.equal(log_prob.grad[~paid], torch.zeros(3, 3))
    assert (log_prob.grad[paid] != 0).all()


@pytest.mark.parametrize("rewards", [(None,) * 4, (None, 0.5, None)])
def test_groups_that_compare_nothing(rewards: tuple[float | None, ...]) -> None:
    batch = compute_advantage(
        rolled_out(rewards), "crucible_grpo", config=AlgoConfig(adv_estimator="crucible_grpo")
    ).batch
    assert torch.equal(batch["advantages"], torch.zeros(len(rewards), 3))


def test_plain_grpo_would_have_spoiled_the_group() -> None:
    """Why the estimators exist; if verl learns to leave samples out, this fails and they may go."""
    batch = compute_advantage(rolled_out(EIGHT), core_algos.AdvantageEstimator.GRPO, config=AlgoConfig()).batch
    assert torch.isnan(batch["advantages"]).all()


def test_verl_imports_the_estimators_by_itself() -> None:
    code = "import verl; from verl.trainer.ppo import core_algos; core_algos.get_adv_estimator_fn('crucible_grpo')"
    environment = {**os.environ, "VERL_USE_EXTERNAL_MODULES": "crucible.integrations.verl"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)

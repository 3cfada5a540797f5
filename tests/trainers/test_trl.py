"""TRL's GRPOTrainer with our reward function: the same rewards, and failed samples that its group never sees."""

from __future__ import annotations

import math

import pytest
import torch
from datasets import Dataset
from support import EIGHT, FIVE, KINDS, OPTIONS, SEED, TASK, FlakyScorer, answer, paying
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

from crucible.integrations.trl import KernelReward, rows


def tiny_model() -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    words = ["<pad>", "<s>", "</s>", "<unk>", *"abcdefghij"]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config), tokenizer


class Scripted(KernelReward):
    """The trainer's completions are noise here: answers are dealt to them in order, then judged as always."""

    def __init__(self, answers: list[str], **options) -> None:
        super().__init__(**options)
        self.answers = answers

    def __call__(self, prompts, completions, **columns):
        assert len(completions) == len(self.answers)
        return super().__call__(prompts, self.answers, **columns)


def trainer_for(tmp_path, reward: KernelReward, group: int) -> GRPOTrainer:
    model, tokenizer = tiny_model()
    arguments = GRPOConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=group,
        num_generations=group,
        max_completion_length=4,
        max_steps=1,
        report_to=[],
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        scale_rewards="group",
    )
    data = Dataset.from_list([{"prompt": "a b c", "task": TASK, "seed": SEED}] * group)
    return GRPOTrainer(model, reward_funcs=reward, args=arguments, train_dataset=data, processing_class=tokenizer)


def advantages_of(tmp_path, rewards: tuple[float | None, ...]) -> list[float]:
    """What TRL makes of these rewards in one real step of training, whose loss and weights must stay finite."""
    scorer = FlakyScorer(TASK, seed=SEED)
    reward = Scripted([paying(r, i) for i, r in enumerate(rewards)], scorer=scorer)
    trainer = trainer_for(tmp_path, reward, len(rewards))
    seen: list[torch.Tensor] = []
    prepare = trainer._generate_and_score_completions

    def watch(inputs):
        made = prepare(inputs)
        seen.append(made["advantages"].clone())
        return made

    trainer._generate_and_score_completions = watch
    result = trainer.train()
    assert math.isfinite(result.training_loss)
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    scorer.close()
    return seen[0].tolist()


def test_the_same_rewards_as_step(stepped: dict[str, float]) -> None:
    reward = KernelReward(**OPTIONS)
    messages = [[{"role": "assistant", "content": answer(kind)}] for kind in KINDS]
    found = reward(
        prompts=["p"] * 4,
        completions=messages,
        completion_ids=[[1]] * 4,
        task=[TASK] * 4,
        seed=[SEED] * 4,
        trainer_state=None,
    )
    assert found == pytest.approx([stepped[kind] for kind in KINDS], abs=1e-12)
    reward.close()


def test_the_trainer_pays_the_same_rewards(tmp_path, stepped: dict[str, float]) -> None:
    reward = Scripted([answer(kind) for kind in KINDS], **OPTIONS)
    trainer = trainer_for(tmp_path, reward, len(KINDS))
    trainer.train()
    assert list(trainer._logs["rewards"]["crucible"]) == pytest.approx([stepped[k] for k in KINDS], rel=1e-6)  # float32
    assert {log["crucible/correct_share"] for log in trainer.state.log_history if "crucible/correct_share" in log} == {
        0.5
    }
    reward.close()


def test_three_of_eight_failed(tmp_path) -> None:
    eight = advantages_of(tmp_path / "eight", EIGHT)
    five = advantages_of(tmp_path / "five", FIVE)
    assert [a for a, r in zip(eight, EIGHT, strict=True) if r is not None] == pytest.approx(five, rel=1e-5)
    assert [a for a, r in zip(eight, EIGHT, strict=True) if r is None] == [0.0] * 3


def test_all_failed(tmp_path) -> None:
    assert advantages_of(tmp_path, (None,) * 4) == [0.0] * 4


def test_rows_are_a_data_set() -> None:
    made = Dataset.from_list(rows(["rms_norm", "softmax"], repeat=2, seed=5))
    assert made["task"] == ["rms_norm", "softmax"] * 2
    assert made["seed"] == [5, 5, 6, 6]
    assert made[0]["prompt"][0]["role"] == "user"

"""TRL's GRPO teaches a tiny transformer to write kernels in a small grammar, against a random policy.

    pip install trl matplotlib                       # and torch, which decides where the model trains
    python examples/train_grpo_trl.py                # minutes on two cores
    python examples/train_grpo_trl.py --backend cuda

The model is made on the spot: one token for each choice of the kernel templates ("width=16"), two layers, no downloads.
It is warmed up on random sentences of the grammar, so that it can speak but prefers nothing. A sentence becomes C++ by
the template; what is no sentence becomes an answer without a kernel, which is `malformed`.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer

import learning
from crucible.chat import fenced
from crucible.demo.template import KernelTemplate
from crucible.integrations.trl import KernelReward

_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


class Grammar:
    """Sentences and what they mean: `TASK :` is asked, `NAME=VALUE NAME=VALUE …` answered, in the template's order."""

    def __init__(self, templates: list[KernelTemplate]) -> None:
        self.templates = {template.task: template for template in templates}
        said = {f"{name}={value}" for t in templates for name, values in t.choices.items() for value in values}
        self.words = [*_SPECIAL, ":", *sorted(self.templates), *sorted(said)]
        self.length = max(len(t.choices) for t in templates)

    def tokenizer(self) -> PreTrainedTokenizerFast:
        core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(self.words)}, unk_token="<unk>"))
        core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        pad, begin, end, unknown = _SPECIAL
        return PreTrainedTokenizerFast(
            tokenizer_object=core, pad_token=pad, bos_token=begin, eos_token=end, unk_token=unknown
        )

    def sentence(self, task: str, choice: dict[str, str]) -> str:
        return self.templates[task].describe(choice)

    def answer(self, task: str, said: str) -> str:
        """The chat answer that a sentence stands for; without a kernel when it is no sentence of this task."""
        words = [word.partition("=") for word in said.split()]
        try:
            source = self.templates[task].source({name: value for name, _, value in words})
        except ValueError as error:
            return str(error)
        return fenced(source) if len(words) == len(self.templates[task].choices) else "said twice"


class SpokenReward(KernelReward):
    """KernelReward for sentences; keeps what was paid, by task."""

    def __init__(self, grammar: Grammar, **options: Any) -> None:
        super().__init__(**options)
        self.grammar = grammar
        self.paid: dict[str, list[float]] = {task: [] for task in grammar.templates}
        self.malformed = 0
        self.steps = 0

    def __call__(self, prompts: Any, completions: Any, task: Any = None, seed: Any = None, **columns: Any) -> Any:
        answers = [self.grammar.answer(*pair) for pair in zip(task, completions, strict=True)]
        rewards = super().__call__(prompts, answers, task=task, seed=seed, **columns)
        for name, reward in zip(task, rewards, strict=True):
            self.paid[name].append(float("nan") if reward is None else reward)
        self.malformed += sum(sample.verdict == "malformed" for sample in self.last_samples)
        self.steps += 1
        print(
            f"  step {self.steps:3}: mean reward {learning.mean([r for r in rewards if r is not None]):.3f}", flush=True
        )
        return rewards


def tiny_model(grammar: Grammar, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(grammar.words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config)


def warm_up(model: LlamaForCausalLM, grammar: Grammar, tokenizer: Any, steps: int, seed: int) -> float:
    """Supervised steps on random sentences; the last loss."""
    draw = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss = torch.tensor(float("nan"))
    model.train()
    for _ in range(steps):
        texts = []
        for _ in range(32):
            task = draw.choice(sorted(grammar.templates))
            choice = {name: draw.choice(values) for name, values in grammar.templates[task].choices.items()}
            texts.append(f"{task} : {grammar.sentence(task, choice)} </s>")
        batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        labels[:, :2] = -100  # the question
        inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
        loss = model(**inputs, labels=labels.to(model.device)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return float(loss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    learning.add_arguments(parser)
    parser.add_argument("--steps", type=int, default=24, help="of GRPO, one group for each task in every step")
    parser.add_argument("--group", type=int, default=8, help="answers to one prompt")
    parser.add_argument("--warm-up", type=int, default=400, help="supervised steps on random sentences")
    options = parser.parse_args()
    started = time.monotonic()
    torch.set_num_threads(1)  # so small a model is fastest on one core, and the others are the compilers'
    templates = learning.templates(options)
    grammar = Grammar(templates)
    tokenizer = grammar.tokenizer()
    model = tiny_model(grammar, options.seed)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(grammar.words)} words")
    print(f"warm-up: loss {warm_up(model, grammar, tokenizer, options.warm_up, options.seed):.3f}")
    rows = [{"prompt": f"{t.task} :", "task": t.task, "seed": options.seed} for t in templates]
    with learning.scorer(options) as scorer, tempfile.TemporaryDirectory() as folder:
        reward = SpokenReward(grammar, scorer=scorer)
        arguments = GRPOConfig(
            output_dir=folder,
            per_device_train_batch_size=options.group * len(templates),
            num_generations=options.group,
            max_completion_length=grammar.length + 1,
            max_steps=options.steps,
            learning_rate=2e-3,
            lr_scheduler_type="constant",
            beta=0.0,
            temperature=1.0,
            seed=options.seed,
            use_cpu=not torch.cuda.is_available(),
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
        )
        trainer = GRPOTrainer(
            model,
            reward_funcs=reward,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
        )
        trainer.train()
        draw = random.Random(options.seed)
        curves = {}
        for template in templates:
            budget = len(reward.paid[template.task])
            chance = learning.judge(scorer, [(template, draw.choice(template.combinations())) for _ in range(budget)])
            curves[template.task] = (reward.paid[template.task], chance)
            first, last = learning.ends(reward.paid[template.task])
            print(f"{template.task}: {first:.3f} -> {last:.3f}, random policy {learning.mean(chance):.3f}")
        run = Path(scorer.run_directory)
    everything = [learning.ends(paid) for paid, _ in curves.values()]
    first, last = (learning.mean([pair[i] for pair in everything]) for i in (0, 1))
    chance_mean = learning.mean([learning.mean(chance) for _, chance in curves.values()])
    print(
        f"all tasks: {first:.3f} -> {last:.3f} (random policy {chance_mean:.3f}), {reward.malformed} malformed, "
        f"{time.monotonic() - started:.0f} s"
    )
    if learning.draw(curves, run / "grpo.png", "TRL GRPO, a transformer of two layers"):
        print(f"learning curves: {run / 'grpo.png'}")


if __name__ == "__main__":
    main()

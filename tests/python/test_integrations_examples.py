"""The training examples' parts: templates that make what they say, and a policy that finds what pays."""

from __future__ import annotations

import math

import pytest

import crucible
from crucible.chat import fenced
from crucible.demo.policy import TemplatePolicy
from crucible.demo.template import kernel_template, template_tasks
from crucible.integrations import KernelScorer

#: What makes a kernel of the template wrong.
WRONG = {"softmax": ("shift", "false"), "silu_and_mul": ("tail", "false"), "gemm": ("bias", "false")}


@pytest.mark.parametrize("backend", ["cpu", "cuda"])
def test_every_combination_is_a_text_of_its_own(backend: str) -> None:
    assert set(template_tasks(backend)) == {"gemm", "rms_norm", "silu_and_mul", "softmax"}
    for task in template_tasks(backend):
        template = kernel_template(task, backend)
        texts = [template.source(choice) for choice in template.combinations()]
        assert len(set(texts)) == len(texts)
        assert all("$" not in text and f'extern "C" int {task}(' in text for text in texts)
        first, *_ = template.choices
        with pytest.raises(ValueError, match=f"{first} may be"):
            template.source({**template.combinations()[0], first: "3"})
    with pytest.raises(ValueError, match="no template"):
        kernel_template("rotary_embedding", backend)


@pytest.mark.slow
@pytest.mark.parametrize("task", sorted(WRONG))
def test_templates_are_right_and_wrong_where_they_should_be(evaluator: crucible.Evaluator, task: str) -> None:
    template = kernel_template(task)
    name, bad = WRONG[task]
    choices = template.combinations()
    with KernelScorer(task, evaluator=evaluator) as scorer:
        samples = scorer.score([fenced(template.source(choice)) for choice in choices])
    for choice, sample in zip(choices, samples, strict=True):
        expected = choice[name] != bad or (name == "tail" and choice["width"] == "1" and choice["unroll"] == "1")
        assert sample.correct == expected, (template.describe(choice), sample.feedback)


def test_the_policy_finds_what_pays() -> None:
    policy = TemplatePolicy({"a": ("x", "y"), "b": ("u", "v", "w")}, seed=1)
    for _ in range(40):
        group = [policy.sample() for _ in range(4)]
        policy.learn([(c, math.nan if c["b"] == "w" else float(c["a"] == "y") + 0.5 * (c["b"] == "v")) for c in group])
    assert policy.best() == {"a": "y", "b": "v"}

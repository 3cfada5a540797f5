"""The adapters' own logic, where no trainer is installed; tests/trainers runs them inside the real packages."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import crucible
from answering import AnsweringScorer
from crucible.chat import fenced
from crucible.integrations import Sample
from crucible.integrations import openrlhf as openrlhf_adapter
from crucible.integrations import trl as trl_adapter
from crucible.integrations import verl as verl_adapter

ROOT = Path(__file__).parents[2]
TRAINERS = ("trl", "verl", "openrlhf", "verifiers", "openenv")


class Paying(AnsweringScorer):
    """Pays what a kernel says; `lost` is lost."""

    def evaluate(self, task: str, source: str, seed: int) -> Sample:
        if "lost" in source:
            raise crucible.WardenLost("the warden is gone")
        return Sample(float(source), "correct", "good", speedup=2.0, passed_share=1.0, source=source, seed=seed)


def test_trl_says_none() -> None:
    logged: dict[str, Any] = {}
    reward = trl_adapter.KernelReward(scorer=Paying("rms_norm"))
    found = reward(
        prompts=["p", "p", "p"],
        completions=[fenced("0.25"), [{"role": "assistant", "content": fenced("lost")}], fenced("0.5")],
        task=["rms_norm", "softmax", "gemm"],
        seed=[1, 1, 2],
        completion_ids=[[1], [2], [3]],
        other_column=["x", "y", "z"],
        log_metric=logged.__setitem__,
        log_extra=logged.__setitem__,
    )
    assert found == [0.25, None, 0.5]
    assert [sample.seed for sample in reward.last_samples] == [1, 1, 2]
    assert logged["crucible/failed_share"] == pytest.approx(1 / 3)
    assert logged["crucible/log2_speedup"] == 1.0
    assert logged["verdict"] == ["correct", "infrastructure_error", "correct"]
    assert reward.__name__ == "crucible"
    reward.close()


def test_metrics_leave_out_what_was_not_measured() -> None:
    assert trl_adapter.metrics([]) == {}
    assert trl_adapter.metrics([Sample(None, "infrastructure_error", "")]) == {"crucible/failed_share": 1.0}


@pytest.mark.parametrize(
    ("source", "truth", "extra", "task", "seed"),
    [
        ("crucible/rms_norm", None, None, "rms_norm", 9),
        ("crucible/rms_norm-v0", {"x": 1}, {"seed": 3}, "rms_norm", 3),
        ("kernels", "softmax", {}, "softmax", 9),
        ("kernels", "softmax", {"task": "gemm", "seed": 0}, "gemm", 0),
        ("kernels", None, None, "layer_norm", 9),
    ],
)
def test_verl_knows_its_task_and_seed(source: str, truth: Any, extra: Any, task: str, seed: int) -> None:
    asked = []

    class Asked(Paying):
        def evaluate(self, task: str, source: str, seed: int) -> Sample:
            asked.append((task, seed))
            return super().evaluate(task, source, seed)

    with Asked("layer_norm", seed=9) as scorer:
        found = verl_adapter.compute_score(source, fenced("0.5"), truth, extra, scorer=scorer)
        lost = verl_adapter.compute_score(source, fenced("lost"), truth, extra, scorer=scorer)
    assert asked[0] == (task, seed)
    assert found == {"score": 0.5, "scored": 1.0, "correct": 1.0, "passed_share": 1.0, "speedup": 2.0}
    assert lost.keys() == found.keys()
    assert math.isnan(lost.pop("score"))
    assert not any(math.isnan(value) for value in lost.values())


def test_openrlhf_labels() -> None:
    assert openrlhf_adapter._label("softmax") == ("softmax", None)
    assert openrlhf_adapter._label('{"task": "gemm", "seed": 4}') == ("gemm", 4)
    assert openrlhf_adapter._label(None) == ("", None)
    with pytest.raises(crucible.ConfigError, match="no JSON"):
        openrlhf_adapter._label("{task")


def test_openrlhf_answers_are_what_follows_the_prompt() -> None:
    prompt = "Write a kernel.\n" + fenced("the seed kernel") + "as fast as you can, please, in C++."
    assert openrlhf_adapter.answer_of(prompt + " yes", prompt) == " yes"
    assert openrlhf_adapter.answer_of("<s> " + prompt + " yes", prompt) == "yes"
    assert openrlhf_adapter.answer_of(prompt[20:] + " yes", prompt) == "yes"
    assert openrlhf_adapter.answer_of(prompt, prompt + " ") == ""
    with pytest.raises(crucible.ConfigError, match="not part of the query"):
        openrlhf_adapter.answer_of("yes", prompt)


def test_openrlhfs_service() -> None:
    reward = openrlhf_adapter.KernelReward(scorer=Paying("rms_norm"))
    serving = openrlhf_adapter.server(reward, "127.0.0.1", 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()

    def post(body: Any) -> Any:
        address = f"http://127.0.0.1:{serving.server_address[1]}/get_reward"
        with urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode()), timeout=30) as answer:
            return json.load(answer)

    one = post({"query": ["p" + fenced("0.5")], "prompts": ["p"], "labels": [""]})
    assert one["rewards"] == 0.5
    two = post({"query": ["p" + fenced("0.5"), "p" + fenced("lost")], "prompts": ["p", "p"]})
    assert two["rewards"][0] == 0.5
    assert math.isnan(two["rewards"][1])
    assert two["extra_logs"]["failed"] == [0.0, 1.0]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post({"query": ["p"]})
    serving.shutdown()
    serving.server_close()
    reward.close()


@pytest.mark.slow
@pytest.mark.parametrize("trainer", TRAINERS)
def test_inside_the_real_package(trainer: str) -> None:
    """Makes the trainer's environment the first time: some hundred megabytes from the package index."""
    if not (ROOT / ".venv").is_dir() or shutil.which("bash") is None:
        pytest.skip("needs the source tree with its .venv")
    done = subprocess.run(
        [ROOT / "tests" / "trainers" / "run.sh", trainer], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

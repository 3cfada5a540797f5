"""Figures of a pool, through the real libraries where they are installed (extras `tensorboard`, `prometheus`)."""

from __future__ import annotations

import builtins
import math
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import crucible
from crucible import metrics
from crucible.vector import KernelVectorEnv


@pytest.fixture(scope="module")
def envs(evaluator: crucible.Evaluator) -> Iterator[KernelVectorEnv]:
    made = KernelVectorEnv("rms_norm", 2, evaluator=evaluator)
    made.reset(seed=0)
    made.step(("no kernel", ""))
    yield made
    made.close()


def test_figures_are_flat_numbers(envs: KernelVectorEnv) -> None:
    values = metrics.figures(envs.stats())
    assert values["answered"] == 2
    assert values["verdict_malformed"] == 1
    assert values["stage_validate_done"] == 2
    assert all(isinstance(value, float) and math.isfinite(value) for value in values.values())


def test_a_failure_of_ours_is_in_no_mean() -> None:
    assert metrics.mean_reward([0.5, math.nan, 0.25]) == 0.375
    assert metrics.mean_reward([math.nan]) is None


def test_tensorboard_reads_what_was_written(envs: KernelVectorEnv, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    board = metrics.TensorBoard(str(tmp_path))
    board.write(envs, [0.5, math.nan])
    board.write(envs, [1.0])
    board.close()
    read = EventAccumulator(str(tmp_path)).Reload()
    rewards = read.Tensors("crucible/reward_mean")
    assert [event.step for event in rewards] == [1, 2]
    assert [float(tensor_util.make_ndarray(event.tensor_proto)) for event in rewards] == [0.5, 1.0]
    assert "crucible/stage_compile_done" in read.Tags()["tensors"]


def test_prometheus_is_scraped(envs: KernelVectorEnv) -> None:
    pytest.importorskip("prometheus_client")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = metrics.Prometheus(port=port)
    try:
        served.update(envs, [0.5])
        served.update(envs, [0.25])
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    finally:
        served.close()
    assert "crucible_answered 2.0" in text
    assert "crucible_reward_mean 0.25" in text


@pytest.mark.parametrize(("make", "extra"), [(metrics.TensorBoard, "tensorboard"), (metrics.Prometheus, "prometheus")])
def test_a_missing_library_is_named(make: Any, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.split(".")[0] in ("tensorboard", "prometheus_client"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(crucible.ConfigError, match=extra):
        make(str(tmp_path)) if extra == "tensorboard" else make()

"""A run's figures for TensorBoard and Prometheus, through their own libraries (extras `tensorboard`, `prometheus`).

board = crucible.metrics.TensorBoard("runs/mine/board")
served = crucible.metrics.Prometheus(port=9464)
while training:
    observations, rewards, … = envs.step(sources)
    board.write(envs, rewards)
    served.update(envs, rewards)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from crucible._core import ConfigError

if TYPE_CHECKING:
    from crucible.vector import KernelVectorEnv


def figures(stats: dict[str, Any]) -> dict[str, float]:
    """A pool's `stats()` as flat numbers: names as Prometheus and TensorBoard both allow them."""
    made: dict[str, float] = {}
    for name in ("submitted", "answered", "cancelled", "expired", "cached", "shared", "retries", "artifacts"):
        made[name] = float(stats[name])
    made["answers_per_second"] = float(stats["answers_per_second"])
    for stage in stats["stages"]:
        for name in ("running", "waiting", "done", "busy_seconds"):
            made[f"stage_{stage['name']}_{name}"] = float(stage[name])
    for verdict, count in stats["verdicts"].items():
        made[f"verdict_{verdict}"] = float(count)
    return made


def mean_reward(rewards: Iterable[float]) -> float | None:
    """The mean of what is a sample; None when nothing is (NaN is a failure of ours, never a reward)."""
    samples = [float(reward) for reward in rewards if not math.isnan(reward)]
    return math.fsum(samples) / len(samples) if samples else None


class TensorBoard:
    """Scalars under crucible/… in a log directory; the step counts calls of write() unless it is given."""

    def __init__(self, log_directory: str) -> None:
        try:
            from tensorboard.summary import Writer
        except ImportError:
            raise ConfigError("TensorBoard needs its library: pip install 'crucible-kernels[tensorboard]'") from None
        self._writer = Writer(log_directory)
        self._step = 0

    def write(self, envs: KernelVectorEnv, rewards: Iterable[float] = (), step: int | None = None) -> None:
        self._step = self._step + 1 if step is None else step
        values = figures(envs.stats())
        mean = mean_reward(rewards)
        if mean is not None:
            values["reward_mean"] = mean
        for name, value in values.items():
            self._writer.add_scalar(f"crucible/{name}", value, self._step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class Prometheus:
    """Gauges crucible_…, served on `port` (0: not served; give `registry` to whatever serves yours)."""

    def __init__(self, port: int = 0, registry: Any = None, address: str = "127.0.0.1") -> None:
        try:
            import prometheus_client
        except ImportError:
            raise ConfigError("Prometheus needs its library: pip install 'crucible-kernels[prometheus]'") from None
        self.registry = registry if registry is not None else prometheus_client.CollectorRegistry()
        self._gauge = prometheus_client.Gauge
        self._gauges: dict[str, Any] = {}
        self._server: Any = None
        if port:
            self._server = prometheus_client.start_http_server(port, addr=address, registry=self.registry)

    def update(self, envs: KernelVectorEnv, rewards: Iterable[float] = ()) -> None:
        values = figures(envs.stats())
        mean = mean_reward(rewards)
        if mean is not None:
            values["reward_mean"] = mean
        for name, value in values.items():
            if name not in self._gauges:
                about = f"Crucible pool: {name.replace('_', ' ')}"
                self._gauges[name] = self._gauge(f"crucible_{name}", about, registry=self.registry)
            self._gauges[name].set(value)

    def close(self) -> None:
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
            self._server = None

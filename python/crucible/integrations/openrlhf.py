"""OpenRLHF: a reward function file, or a remote reward model.

reward.py, given as `--reward.remote_url reward.py`:

    from crucible.integrations.openrlhf import KernelReward
    reward_func = KernelReward(backend="cuda", seed=0)

or one service for all rollout engines, `python -m crucible.integrations.openrlhf --port 5000`, given as
`--reward.remote_url http://HOST:5000/get_reward`.

A failed sample's reward is NaN; crucible.integrations.openrlhf_groups keeps it out of the training.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from crucible._core import ConfigError
from crucible.integrations.scoring import KernelScorer, Sample

_LEAST_ANCHOR = 32  # characters of a prompt's end that place it within a query


class KernelReward:
    """`reward_func(queries, prompts, labels) -> {"rewards", "scores", "extra_logs"}`: tensors, an entry a query.

    A label (the data set's --data.label_key) is a task's name, or JSON: {"task": …, "seed": …}. Keyword arguments are
    KernelScorer's, or a `scorer` of your own.
    """

    def __init__(self, task: str = "", *, seed: int = 0, scorer: KernelScorer | None = None, **options: Any) -> None:
        self.scorer = scorer if scorer is not None else KernelScorer(task, seed=seed, **options)

    def __call__(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        import torch

        def tensors(values: Sequence[float]) -> Any:
            return torch.tensor(values, dtype=torch.float64)

        found = figures(self.judge(queries, prompts, labels))
        logs = {name: tensors(values) for name, values in found["extra_logs"].items()}
        return {"rewards": tensors(found["rewards"]), "scores": tensors(found["scores"]), "extra_logs": logs}

    def judge(self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]) -> list[Sample]:
        chosen = [_label(label) for label in labels]
        answers = [answer_of(query, prompt) for query, prompt in zip(queries, prompts, strict=True)]
        return self.scorer.score(answers, [task for task, _ in chosen], [seed for _, seed in chosen])

    def close(self) -> None:
        self.scorer.close()


def figures(samples: Sequence[Sample]) -> dict[str, Any]:
    """What OpenRLHF reads, as plain lists. `rewards` and `scores` are NaN where there is no sample."""
    rewards = [math.nan if sample.reward is None else sample.reward for sample in samples]
    logs = {
        "failed": [float(not sample.scored) for sample in samples],
        "correct": [float(sample.correct) for sample in samples],
        "speedup": [sample.speedup or 0.0 for sample in samples],  # 0: not timed
    }
    return {"rewards": rewards, "scores": rewards, "extra_logs": logs}


def answer_of(query: str, prompt: str) -> str:
    """The answer within a query, which is the prompt and the answer decoded together.

    The prompt holds a code block of its own (the seed kernel), so it must never be taken for the answer. Decoding may
    change white space and may have cut the prompt's beginning off; ConfigError where the prompt cannot be found.
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    places = [i for i, character in enumerate(query) if not character.isspace()]
    packed, wanted = "".join(query[i] for i in places), re.sub(r"\s+", "", prompt)
    least = min(_LEAST_ANCHOR, len(wanted))
    anchor = wanted
    while anchor and len(anchor) >= least:
        at = packed.find(anchor)
        if at >= 0:
            end = at + len(anchor)
            return query[places[end] :] if end < len(places) else ""
        anchor = anchor[len(anchor) // 2 :] if len(anchor) > least else ""
    raise ConfigError("the prompt is not part of the query: give reward_func the prompts as the trainer rendered them")


def _label(label: Any) -> tuple[str, int | None]:
    """A task and a seed from a data set's label."""
    if isinstance(label, str) and label.lstrip().startswith("{"):
        try:
            label = json.loads(label)
        except json.JSONDecodeError as error:
            raise ConfigError(f"label {label!r} is no JSON: {error}") from None
    if isinstance(label, dict):
        return str(label.get("task") or ""), label.get("seed")
    return str(label or ""), None


def server(reward: KernelReward, host: str = "0.0.0.0", port: int = 5000) -> ThreadingHTTPServer:
    """The remote reward model: POST {"query", "prompts", "labels"}. Call serve_forever(); port 0 takes any."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            try:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                labels = asked.get("labels") or [""] * len(asked["query"])
                found = figures(reward.judge(asked["query"], asked["prompts"], labels))
                # One entry a query, as a plain number when there is one query: OpenRLHF makes a tensor of each.
                self._answer(200, _unpacked(found) if len(asked["query"]) == 1 else found)
            except (KeyError, TypeError, ValueError) as error:
                self._answer(400, {"error": f"{type(error).__name__}: {error}"})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    made = ThreadingHTTPServer((host, port), Handler)
    made.daemon_threads = True
    return made


def _unpacked(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "rewards": found["rewards"][0],
        "scores": found["scores"][0],
        "extra_logs": {name: values[0] for name, values in found["extra_logs"].items()},
    }


def _main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description="Crucible as OpenRLHF's remote reward model")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--task", default="", help="for prompts whose label names none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--reward", default="default")
    parser.add_argument("--run", default="", metavar="DIR")
    given = parser.parse_args()
    reward = KernelReward(
        given.task, seed=given.seed, backend=given.backend, reward=given.reward, run_directory=given.run
    )
    with server(reward, given.host, given.port) as serving:
        print(f"rewards at http://{given.host}:{serving.server_address[1]}/get_reward", flush=True)
        serving.serve_forever()


if __name__ == "__main__":
    _main()

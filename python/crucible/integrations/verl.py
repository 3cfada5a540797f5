"""verl: `compute_score` for `reward.custom_reward_function`, and advantage estimators that leave failed samples out.

    VERL_USE_EXTERNAL_MODULES=crucible.integrations.verl python -m verl.trainer.main_ppo \\
        reward.custom_reward_function.path=pkg://crucible.integrations.verl \\
        reward.custom_reward_function.name=compute_score \\
        +reward.custom_reward_function.reward_kwargs.backend=cuda \\
        algorithm.adv_estimator=crucible_grpo …

verl has no way of its own to say "no sample": every score goes into its group's mean, and a NaN would spoil the group.
Here the score of a failed sample is NaN, and the estimators `crucible_*` compute their namesakes without those rows:
the others have the advantages of the smaller group, a failed row has 0, and no NaN goes further.
"""

from __future__ import annotations

import functools
import json
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

from crucible._core import ConfigError
from crucible.integrations.scoring import KernelScorer

#: verl's estimators that compare the members of a group, each offered as `crucible_NAME`.
ESTIMATORS = ("grpo", "rloo", "reinforce_plus_plus_baseline")

_scorers: dict[str, KernelScorer] = {}
_lock = threading.Lock()


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any = None,
    extra_info: Mapping[str, Any] | None = None,
    *,
    task: str = "",
    seed: int = 0,
    scorer: KernelScorer | None = None,
    reward_router_address: Any = None,
    reward_model_tokenizer: Any = None,
    **options: Any,
) -> dict[str, float]:
    """`score` is the reward, NaN where there is none; the other keys never change, and none of them is NaN.

    The task is `extra_info["task"]`, else `ground_truth` when that is text, else `data_source` after "crucible/", else
    `task`; the seed `extra_info["seed"]`, else `seed`. `options` (verl's reward_kwargs) are KernelScorer's.
    """
    extra = extra_info or {}
    if scorer is None:
        scorer = _scorer(task, seed, options)
    sample = scorer.score_one(solution_str, _task_of(data_source, ground_truth, extra), extra.get("seed"))
    return {
        "score": math.nan if sample.reward is None else sample.reward,
        "scored": float(sample.scored),
        "correct": float(sample.correct),
        "passed_share": sample.passed_share,
        "speedup": sample.speedup or 0.0,  # 0: not timed
    }


def without_failed(estimator: Callable[..., Any]) -> Callable[..., Any]:
    """An advantage estimator of verl, computed over the rows that have a reward.

    Rows with NaN in `token_level_rewards` get advantage and return 0, and so do groups that are left with one row: they
    compare nothing. The NaN of such rows is replaced in place by the mean of the others, for verl's metrics, which are
    computed from the same tensor.
    """

    @functools.wraps(estimator)
    def compute(*, token_level_rewards: Any, response_mask: Any, index: Any = None, **others: Any) -> tuple[Any, Any]:
        import torch

        failed = torch.isnan(token_level_rewards).any(dim=-1)
        if not bool(failed.any()):
            return _given(
                estimator, token_level_rewards=token_level_rewards, response_mask=response_mask, index=index, **others
            )
        keep = ~failed
        if index is not None:
            names = [str(name) for name in index]
            sizes: dict[str, int] = {}
            for name, kept in zip(names, keep.tolist(), strict=True):
                sizes[name] = sizes.get(name, 0) + int(kept)
            keep &= torch.tensor([sizes[name] > 1 for name in names], device=keep.device)
        advantages = torch.zeros_like(response_mask, dtype=token_level_rewards.dtype)
        returns = torch.zeros_like(advantages)
        if bool(keep.any()):
            rows = keep.cpu().numpy()
            advantages[keep], returns[keep] = _given(
                estimator,
                token_level_rewards=token_level_rewards[keep],
                response_mask=response_mask[keep],
                index=index[rows] if index is not None else None,
                **{name: value[keep] if torch.is_tensor(value) else value for name, value in others.items()},
            )
        _fill(token_level_rewards, failed)
        return advantages, returns

    return compute


def register() -> None:
    """Makes `algorithm.adv_estimator=crucible_grpo` and its siblings known to verl; importing this module does it."""
    from verl.trainer.ppo import core_algos

    for name in ESTIMATORS:
        if f"crucible_{name}" not in core_algos.ADV_ESTIMATOR_REGISTRY:
            plain = core_algos.get_adv_estimator_fn(name)
            core_algos.register_adv_est(f"crucible_{name}")(without_failed(plain))


def _given(estimator: Callable[..., Any], *, index: Any, config: Any = None, **others: Any) -> tuple[Any, Any]:
    """The estimator with what verl's trainer hands the named ones: GRPO's scaling comes from the configuration."""
    if index is not None:
        others["index"] = index
    if config is not None and "norm_adv_by_std_in_grpo" in estimator.__code__.co_varnames:
        others.setdefault("norm_adv_by_std_in_grpo", config.get("norm_adv_by_std_in_grpo", True))
    advantages, returns = estimator(config=config, **others)
    return advantages, returns


def _fill(rewards: Any, failed: Any) -> None:
    """NaN becomes the mean of the others, at the same places."""
    import torch

    others = rewards[~failed].sum(dim=-1)
    mean = float(others.mean()) if others.numel() else 0.0
    rewards.copy_(torch.nan_to_num(rewards, nan=mean))


def _task_of(data_source: str, ground_truth: Any, extra: Mapping[str, Any]) -> str:
    named = extra.get("task") or (ground_truth if isinstance(ground_truth, str) else "")
    if not named and data_source.startswith("crucible/"):
        named = data_source.removeprefix("crucible/").removesuffix("-v0")
    return str(named)


def _scorer(task: str, seed: int, options: Mapping[str, Any]) -> KernelScorer:
    """One scorer for one set of options in a process: verl calls compute_score with the same ones every time."""
    try:
        key = json.dumps([task, seed, dict(options)], sort_keys=True)
    except TypeError as error:
        raise ConfigError(f"reward_kwargs must be JSON data: {error}") from None
    with _lock:
        if key not in _scorers:
            _scorers[key] = KernelScorer(task, seed=seed, **options)
        return _scorers[key]


def _register_where_verl_is() -> None:
    import importlib.util

    if importlib.util.find_spec("verl") is not None:
        register()


_register_where_verl_is()

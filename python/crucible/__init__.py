"""Crucible: write a compute kernel, learn what it is worth in production.

import crucible, gymnasium
env = gymnasium.make("crucible:crucible/rms_norm-v0", backend="cpu")
prompt, info = env.reset(seed=0)
feedback, reward, terminated, truncated, info = env.step(source)
"""

from __future__ import annotations

from crucible._core import (
    FEEDBACK_BYTES,
    RECORD_SCHEMA,
    Cancelled,
    CaseFailure,
    ConfigError,
    Evaluation,
    FamilyOutcome,
    IntegrityFinding,
    LoadedReward,
    Neighbour,
    NoveltyFacts,
    ReadRecords,
    Record,
    Reward,
    RewardModel,
    RewardParameter,
    RewardSettings,
    RewardTerm,
    Speedup,
    Task,
    TimedPair,
    TimingMode,
    ValueOrigin,
    Verdict,
    WardenLost,
    Workload,
    WorkloadTiming,
    append_record,
    read_records,
    reward_model_names,
    reward_parameters,
)
from crucible.configuration import config_directory, find_task, load_reward, task_names
from crucible.environment import KernelEnv
from crucible.evaluator import Evaluator
from crucible.registration import environment_ids, register_all
from crucible.rescoring import rescore
from crucible.spaces import SourceSpace, TextSpace

__version__ = "0.1.0"

__all__ = [
    "FEEDBACK_BYTES",
    "RECORD_SCHEMA",
    "Cancelled",
    "CaseFailure",
    "ConfigError",
    "Evaluation",
    "Evaluator",
    "FamilyOutcome",
    "IntegrityFinding",
    "KernelEnv",
    "LoadedReward",
    "Neighbour",
    "NoveltyFacts",
    "ReadRecords",
    "Record",
    "Reward",
    "RewardModel",
    "RewardParameter",
    "RewardSettings",
    "RewardTerm",
    "SourceSpace",
    "Speedup",
    "Task",
    "TextSpace",
    "TimedPair",
    "TimingMode",
    "ValueOrigin",
    "Verdict",
    "WardenLost",
    "Workload",
    "WorkloadTiming",
    "append_record",
    "config_directory",
    "environment_ids",
    "find_task",
    "load_reward",
    "read_records",
    "register_all",
    "rescore",
    "reward_model_names",
    "reward_parameters",
    "task_names",
]

register_all()

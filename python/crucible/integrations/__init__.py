"""Crucible as a reward inside the trainers that people run; docs/trainers.md has one example each.

`crucible.integrations.trl`, `.verl`, `.openrlhf`, `.verifiers` and `.openenv` import their trainer only where they need
it; what they share is here.
"""

from __future__ import annotations

from crucible.integrations.groups import group_advantages
from crucible.integrations.scoring import KernelScorer, Sample, task_prompt

__all__ = ["KernelScorer", "Sample", "group_advantages", "task_prompt"]

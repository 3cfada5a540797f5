"""With the run secret and the seed fixed, everything but time repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import crucible
from conftest import SECRET, SHORT_BUDGET

# Right on most families, so that what fails depends on the data.
ROUGH = """
#include <crucible/kernel.h>
#include <cmath>
extern "C" int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*) {
  if (input->ndim != 2 || input->dtype.bits != 32) return 4;
  const float* x = reinterpret_cast<const float*>(static_cast<const char*>(input->data) + input->byte_offset);
  const float* w = reinterpret_cast<const float*>(static_cast<const char*>(weight->data) + weight->byte_offset);
  float* y = reinterpret_cast<float*>(static_cast<char*>(out->data) + out->byte_offset);
  const long rows = input->shape[0], size = input->shape[1];
  for (long r = 0; r < rows; ++r) {
    float sum = 0;
    for (long i = 0; i < size; ++i) sum += x[r * input->strides[0] + i] * x[r * input->strides[0] + i];
    const float scale = 1.0f / std::sqrt(sum / size + (float)epsilon);
    for (long i = 0; i < size; ++i) y[r * size + i] = x[r * input->strides[0] + i] * scale * w[i];
  }
  return 0;
}
"""


def facts(run: Path, secret: str, seed: int) -> dict[str, Any]:
    options: dict[str, Any] = {"backend": "cpu", "run_directory": str(run), "secret": secret}
    with crucible.Evaluator(**options, cache=False, time_budget_seconds=SHORT_BUDGET) as evaluator:
        found = evaluator.evaluate("rms_norm", ROUGH, seed=seed)
    return {
        "verdict": found.verdict,
        "explanation": found.explanation,
        "families": [(f.family, f.cases, f.passed, f.counted) for f in found.families],
        "failures": [(f.workload, f.family, f.explanation) for f in found.failures],
        "sha": found.source_sha256,
    }


def test_the_same_secret_and_seed_give_the_same_facts(tmp_path: Path) -> None:
    first = facts(tmp_path / "a", SECRET, 21)
    assert first["verdict"] is crucible.Verdict.wrong_result
    assert facts(tmp_path / "b", SECRET, 21) == first

"""A group with failed samples has the advantages of the group without them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crucible.integrations import group_advantages

PAID = [0.3, 0.02, -0.2, 0.9, 0.41]


@pytest.mark.parametrize("missing", [None, math.nan])
@pytest.mark.parametrize("normalise", [True, False])
def test_three_of_eight_failed(missing: float | None, normalise: bool) -> None:
    whole = group_advantages(PAID, normalise=normalise)
    eight = [missing, *PAID[:2], missing, *PAID[2:], missing]
    found = group_advantages(eight, normalise=normalise)
    assert [a for a, r in zip(found, eight, strict=True) if r is not missing] == whole
    assert [a for a, r in zip(found, eight, strict=True) if r is missing] == [0.0] * 3


def test_the_formula() -> None:
    assert group_advantages([1.0, 3.0], epsilon=0.0) == pytest.approx([-(0.5**0.5), 0.5**0.5])
    assert group_advantages([1.0, 3.0], epsilon=0.0, unbiased=False) == pytest.approx([-1.0, 1.0])
    assert group_advantages([1.0, 3.0], normalise=False) == [-1.0, 1.0]


@given(st.lists(st.one_of(st.none(), st.floats(-1, 1), st.just(math.nan)), max_size=10))
def test_never_nan(rewards: list[float | None]) -> None:
    found = group_advantages(rewards)
    assert len(found) == len(rewards)
    assert all(math.isfinite(a) for a in found)
    assert sum(found) == pytest.approx(0.0, abs=1e-6)

from __future__ import annotations

import copy
import pickle

import pytest
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from crucible.spaces import SourceSpace, TextSpace


def test_membership_is_a_matter_of_type_and_length() -> None:
    space = TextSpace(4)
    assert space.contains("abcd")
    assert space.contains("\n\x00é€")
    assert not space.contains("abcde")
    assert not space.contains(b"abc")
    assert not space.contains(7)


def test_an_action_may_be_any_text() -> None:
    space = SourceSpace("int main(){}", max_length=8)
    assert space.contains("longer than eight characters")  # its verdict is malformed, it is no error of the caller
    assert space.contains("")
    assert not space.contains(None)


def test_samples_repeat_with_the_seed() -> None:
    first, second = SourceSpace("k", seed=3), SourceSpace("k", seed=3)
    drawn = [first.sample() for _ in range(3)]
    assert drawn == [second.sample() for _ in range(3)]
    assert len(set(drawn)) == 3
    assert all(text.startswith("k\n//") for text in drawn)


def test_a_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="neither mask"):
        TextSpace(4).sample(mask=object())  # type: ignore[arg-type]


def test_repr_stays_short_and_spaces_copy() -> None:
    space = SourceSpace("x" * 10_000)
    assert len(repr(space)) < 60
    assert copy.deepcopy(space) == space
    assert pickle.loads(pickle.dumps(space)) == space
    assert TextSpace(3) != TextSpace(4)


@pytest.mark.timeout(20)  # gymnasium's own Text space takes minutes here
def test_batches_as_a_vector_environment_needs() -> None:
    space = SourceSpace("kernel", seed=1)
    batch = batch_space(space, 3)
    actions = batch.sample()
    assert list(iterate(batch, actions)) == list(actions)
    assert concatenate(space, actions, create_empty_array(space, 3)) == tuple(actions)

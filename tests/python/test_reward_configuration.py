from __future__ import annotations

from pathlib import Path

import pytest

import crucible

PRESETS = ("default", "binary", "kernelbench_fast_p", "kevin_paper", "sol_score")


@pytest.mark.parametrize("name", PRESETS)
def test_every_configuration_of_the_package_loads(name: str) -> None:
    loaded = crucible.load_reward(name)
    crucible.RewardModel(loaded.settings)
    priced = {verdict.name for verdict in loaded.settings.prices}
    assert {"malformed", "compile_error", "wrong_result", "integrity_violation"} <= priced
    assert all(origin.origin for origin in loaded.origins)


def test_the_command_line_wins_and_says_so() -> None:
    loaded = crucible.load_reward("default", {"prices.malformed": -0.1})
    assert loaded.settings.prices[crucible.Verdict.malformed] == -0.1
    origin = {o.key: o.origin for o in loaded.origins}["prices.malformed"]
    assert "command line" in origin


def test_a_mapping_is_a_configuration() -> None:
    base = crucible.load_reward("default").settings
    loaded = crucible.load_reward(base)
    assert {v: repr(p) for v, p in loaded.settings.prices.items()} == {v: repr(p) for v, p in base.prices.items()}
    assert loaded.settings.numbers == base.numbers


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prices.malfromed": 0}, "malformed"),
        ({"prices.malformed": "cheap"}, "malformed"),
        ({"prices.integrity_violation": 0.9}, "integrity_violation"),
    ],
)
def test_nonsense_names_the_key(change: dict[str, object], words: str) -> None:
    with pytest.raises((crucible.ConfigError, ValueError), match=words):
        crucible.RewardModel(crucible.load_reward("default", change).settings)


def test_a_file_error_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = (Path(crucible.config_directory()) / "rewards" / "default.yaml").read_text()
    path.write_text(text + "\nunknown_key: 1\n")
    line = len(path.read_text().splitlines())
    with pytest.raises(crucible.ConfigError) as caught:
        crucible.load_reward(path)
    assert str(path) in str(caught.value)
    assert f":{line}" in str(caught.value)
    assert "unknown_key" in str(caught.value)


def test_models_document_their_numbers() -> None:
    for name in crucible.reward_model_names():
        for parameter in crucible.reward_parameters(name):
            assert parameter.minimum <= parameter.value <= parameter.maximum
            assert parameter.about

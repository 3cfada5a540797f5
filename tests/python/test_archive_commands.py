"""`crucible novelty` and `crucible archive`: the contract of their JSON, and what an archive means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crucible.cli import main

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ROOT / "configs" / "known_optimizations" / "rms_norm"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


def test_an_explicit_archive_is_the_whole_known_set(tmp_path, capsys):
    archive = str(tmp_path / "mine.sqlite")
    first, second = sorted(KNOWN.glob("*.cpp"))[:2]
    added = run(capsys, "archive", "add", "rms_norm", str(first), "--archive", archive, "--json")
    assert added["name"] == first.stem
    asked = run(capsys, "novelty", "rms_norm", str(first), "--archive", archive, "--json")
    assert [near["name"] for near in asked["nearest"]] == [first.stem]
    assert asked["nearest"][0]["similarity"] > 0.9
    assert asked["nearest"][0]["views"]
    assert asked["score"] == 0
    other = run(capsys, "novelty", "rms_norm", str(second), "--archive", archive, "--json")
    assert [near["name"] for near in other["nearest"]] == [first.stem]
    assert 0 <= other["score"] <= 1


def test_the_package_knows_its_own_optimizations(capsys):
    source = sorted(KNOWN.glob("*.cpp"))[0]
    asked = run(capsys, "novelty", "rms_norm", str(source), "--json")
    assert asked["score"] == 0
    assert asked["sentence"]


def test_snapshots_advance_and_differ(tmp_path, capsys):
    archive = str(tmp_path / "a.sqlite")
    first, second = sorted(KNOWN.glob("*.cpp"))[:2]
    run(capsys, "archive", "add", "rms_norm", str(first), "--archive", archive, "--name", "one", "--json")
    assert run(capsys, "archive", "advance", "--archive", archive, "--json")["kernels"] == 1
    run(capsys, "archive", "add", "rms_norm", str(second), "--archive", archive, "--name", "two", "--json")
    assert run(capsys, "archive", "advance", "--archive", archive, "--json")["epoch"] == 2
    assert run(capsys, "archive", "diff", "1", "2", "--archive", archive, "--json")["added"] == ["rms_norm/two"]
    assert [k["name"] for k in run(capsys, "archive", "list", "--archive", archive, "--json")] == ["one", "two"]
    copy = tmp_path / "copy.json"
    assert main(["archive", "export", str(copy), "--archive", archive]) == 0
    fresh = str(tmp_path / "b.sqlite")
    assert run(capsys, "archive", "import", str(copy), "--archive", fresh, "--json")["added"] == 2
    assert main(["archive", "show", "rms_norm", "one", "--archive", fresh]) == 0
    assert capsys.readouterr().out == first.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["novelty", "rms_nrom", "x.cpp"], "rms_norm"),
        (["archive", "list", "--archive", "/nowhere.sqlite"], "/nowhere.sqlite"),
    ],
)
def test_wrong_names_say_what_is_wrong(arguments, said, capsys):
    assert main(arguments) != 0
    assert said in capsys.readouterr().err

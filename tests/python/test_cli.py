"""The `crucible` command: what it prints, its JSON and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import crucible
from conftest import kernel


def crucible_command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "crucible", *arguments], capture_output=True, text=True, timeout=240,
                          check=False, **options)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, seed_kernel: str) -> Path:
    """A run directory with three records, made by the command itself."""
    folder = tmp_path_factory.mktemp("cli")
    for name, source in {"slow": seed_kernel, "wrong": kernel("return 0;"), "broken": "no kernel"}.items():
        file = folder / f"{name}.cpp"
        file.write_text(source)
        done = crucible_command("evaluate", "rms_norm", str(file), "--backend", "cpu", "--run", str(folder / "run"))
        assert done.returncode == 0, done.stderr
        assert "records.jsonl" in done.stdout
    return folder / "run"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, seed_kernel: str) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("json")
    done = crucible_command("evaluate", "rms_norm", "-", "--backend", "cpu", "--seed", "3", "--run", str(folder),
                            "--json", input=seed_kernel)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_evaluate_prints_one_object_with_the_contract(evaluated: dict[str, Any]) -> None:
    keys = {"task", "backend", "device", "verdict", "reward", "terms", "speedup", "workloads", "findings", "novelty",
            "stage_seconds", "isolation", "seed", "source_sha256", "versions"}  # fmt: skip
    assert keys <= evaluated.keys()
    assert evaluated["verdict"] == "correct"
    assert evaluated["seed"] == 3
    assert {"estimate", "lower", "upper", "pairs", "mode"} <= evaluated["speedup"].keys()
    assert evaluated["speedup"]["mode"] in ("chain", "reveal", "interval")
    assert evaluated["workloads"]
    for workload in evaluated["workloads"]:
        assert {"axes", "count", "candidate_ns", "baseline_ns", "baseline"} <= workload.keys()
    assert {"score", "nearest"} <= evaluated["novelty"].keys()
    assert evaluated["isolation"]["level"] in ("full", "user", "container")
    assert sum(evaluated["terms"].values()) == pytest.approx(evaluated["reward"], abs=1e-12)


def test_a_bad_kernel_is_still_an_evaluation(run: Path) -> None:
    verdicts = [r.evaluation.verdict.name for r in crucible.read_records(str(run / "records.jsonl")).records]
    assert verdicts == ["correct", "wrong_result", "compile_error"]


@pytest.mark.parametrize("command", ["tasks", "config show", "config models"])
def test_json_everywhere(command: str) -> None:
    done = crucible_command(*command.split(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert crucible_command(*command.split()).stdout


def test_show_prints_the_prompt_and_hides_the_hidden() -> None:
    done = crucible_command("show", "rms_norm", "--json")
    shown = json.loads(done.stdout)
    hidden = {w.name for w in crucible.find_task("rms_norm").workloads if w.hidden}
    assert hidden
    assert not hidden & {w["name"] for w in shown["workloads"]}
    assert 'extern "C" int rms_norm' in crucible_command("show", "rms_norm").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "rms_nrom"], "rms_norm"),
        (["evaluat", "rms_norm", "x.cpp"], "evaluate"),
        (["evaluate", "rms_norm", "/nowhere/x.cpp"], "no such file"),
        (["evaluate", "softmx", "-"], "softmax"),
        (["evaluate", "rms_norm", "-", "--reward", "defualt"], "default"),
        (["evaluate", "rms_norm", "-", "--set", "prices.malfromed=1"], "malformed"),
        (["evaluate", "rms_norm", "-", "--set", "novalue"], "KEY=VALUE"),
        (["evaluate", "rms_norm", "-", "--backend", "gpu"], "cpu"),
        (["explain", "/nowhere/records.jsonl"], "no such file"),
        (["rescore", "/nowhere"], "records"),
        (["warm", "rms_nrom"], "rms_norm"),
        (["tasks", "--config", "/nowhere"], "no task"),
    ],
)
def test_wrong_names_end_with_a_hint_and_status_2(arguments: list[str], words: str) -> None:
    done = crucible_command(*arguments, input="")
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_explain_says_why_term_by_term(run: Path) -> None:
    told = json.loads(crucible_command("explain", f"{run}:1", "--json").stdout)
    assert sum(term["value"] for term in told["why"]) == pytest.approx(told["reward"], abs=1e-12)
    assert all(term["why"] for term in told["why"])
    assert told["recomputed_reward"] == told["reward"]
    text = crucible_command("explain", str(run)).stdout
    assert "compile_error" in text


def test_rescore_runs_no_kernel_and_matches_bit_for_bit(run: Path) -> None:
    rows = json.loads(crucible_command("rescore", str(run), "--json").stdout)
    assert len(rows) == 3
    assert all(row["same"] for row in rows)
    binary = json.loads(crucible_command("rescore", str(run), "--reward", "binary", "--json").stdout)
    assert [row["rescored"] for row in binary] != [row["rescored"] for row in rows]
    changed = json.loads(crucible_command("rescore", str(run), "--set", "prices.compile_error=-0.04", "--json").stdout)
    assert changed[2]["rescored"] == pytest.approx(-0.04)


def test_a_selector_that_matches_nothing_is_no_success(run: Path) -> None:
    done = crucible_command("rescore", str(run), "--task", "softmax", "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert crucible_command("explain", f"{run}:99").returncode == 2
    assert crucible_command("explain", f"{run}:nobody").returncode == 2


def test_replay_agrees(run: Path) -> None:
    for which in ("2", "3"):
        done = crucible_command("replay", f"{run}:{which}", "--json")
        told = json.loads(done.stdout)
        assert told["agrees"], told
        assert done.returncode == 0


@pytest.mark.timeout(240)
def test_doctor_reports_and_tests_itself(tmp_path: Path) -> None:
    done = crucible_command("doctor", "--backend", "cpu", "--run", str(tmp_path), "--json")
    report = json.loads(done.stdout)
    assert report["diagnosis"]["isolation"]["level"] in ("full", "user", "container")
    assert report["compilers"]["g++"].startswith("g++")
    assert report["self_test"]["passed"], report["self_test"]
    assert done.returncode == 0, report["diagnosis"]


def test_no_progress_where_there_is_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "k.cpp").write_text("no kernel")
    done = crucible_command(
        "evaluate", "rms_norm", str(tmp_path / "k.cpp"), "--backend", "cpu", "--run", str(tmp_path / "r")
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_the_default_run_directory_is_printed(tmp_path: Path) -> None:
    (tmp_path / "k.cpp").write_text("")
    done = crucible_command("evaluate", "rms_norm", "k.cpp", "--backend", "cpu", cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    printed = next(line for line in done.stdout.splitlines() if "records.jsonl" in line).split(" in ")[1]
    assert (tmp_path / printed).is_file()

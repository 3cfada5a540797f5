"""Mutation testing of the judge: wrong kernels must be refused, honest ones must not.

    python tests/mutation/campaign.py --tool BUILD/tests/mutation/mutation_judge --state runs/mutation.jsonl

Every mutant is compiled as a candidate is, shown wrong by an independent reference (prove.py; equivalent mutants are
dropped and counted), and then judged on all correctness cases of its task. What passes those is evaluated whole, clock
included, by `--evaluate`. `--honest` judges every correct kernel of the repository the same way. `--state` makes a
campaign that can be continued: each call does at most `--limit` kernels of one task and returns 3 while some are left.
`--report` prints both figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bases import ROOT, TASKS, bases
from compile_kernels import compile_all
from make_mutants import draw
from prove import Memory, prepare_all, shown_wrong

ACCEPTED = "correct"


class Judge:
    """The judge's correctness part as a process: a shared object in, a verdict out."""

    def __init__(self, tool: Path, task: str, cache: Path, cpu: int | None) -> None:
        libexec = os.environ.get("CRUCIBLE_LIBEXEC") or str(tool.parents[2] / "package/crucible/_libexec")
        confined = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self._process = subprocess.Popen(
            [*confined, str(tool), "check", str(ROOT / "configs/tasks" / f"{task}.yaml"), str(cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "CRUCIBLE_LIBEXEC": libexec},
        )

    def ask(self, path: Path) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the judge ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def layouts(tool: Path, task: str) -> list[dict[str, Any]]:
    said = subprocess.run(
        [str(tool), "layouts", str(ROOT / "configs/tasks" / f"{task}.yaml")], check=True, capture_output=True, text=True
    )
    calls: list[dict[str, Any]] = json.loads(said.stdout)["calls"]
    return calls


def do(work: list[dict[str, Any]], tool: Path, folder: Path, seed: int, cpu: int | None) -> list[dict[str, Any]]:
    """Compiles, proves and judges kernels of one task. Adds "outcome", "shown" and "said" to each."""
    task = work[0]["task"]
    objects = compile_all([each["text"] for each in work], folder)
    prepared = prepare_all(task, layouts(tool, task), seed)
    memory = Memory(prepared)
    judge: Judge | None = None
    for each, path in zip(work, objects, strict=True):
        each["outcome"], each["shown"], each["said"] = "does not compile", None, None
        if path is None:
            continue
        rounds = 5 if each["operator"] == "unsynchronised threads" else 1
        each["shown"] = shown_wrong(task, str(path), prepared, memory, rounds)
        if each["shown"] is None and each["operator"] != "honest":
            each["outcome"] = "not shown wrong"
            continue
        judge = judge or Judge(tool, task, folder / "cache", cpu)
        answer = judge.ask(path)
        each["outcome"], each["said"] = answer["verdict"], answer["explanation"]
    if judge is not None:
        judge.close()
    return work


def mutants_of(seed: int, per_task: int, tasks: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"task": m.task, "base": m.base, "operator": m.operator, "detail": m.detail, "text": m.text}
        for m in draw(seed, per_task, tasks)
    ]


def honest_of(tasks: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"task": task, "base": base.name, "operator": "honest", "detail": "", "text": base.text}
        for task in tasks
        for base in bases(task)
    ]


def read_state(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def evaluate_whole(rows: list[dict[str, Any]], limit: int) -> int:
    """Full evaluations, clock included, of what passed all cases; how many were done."""
    import crucible

    left = [row for row in rows if row["outcome"] == ACCEPTED and "whole" not in row][:limit]
    if not left:
        return 0
    with crucible.Evaluator(
        backend="cpu", secret="mutation", time_budget_seconds=0.2, write_records=False
    ) as evaluator:
        for row in left:
            facts = evaluator.evaluate(row["task"], row["text"], seed=len(row["text"]), use_cache=False)
            row["whole"], row["whole_said"] = facts.verdict.name, facts.explanation
    return len(left)


def table(title: str, rows: list[dict[str, Any]], key: str) -> None:
    print(f"\n{title:<44} {'shown wrong':>11} {'refused':>8} {'accepted':>8} {'dropped':>8}")
    for name in sorted({row[key] for row in rows}):
        here = [row for row in rows if row[key] == name]
        wrong = [row for row in here if row["shown"] is not None]
        accepted = [row for row in wrong if final(row) == ACCEPTED]
        figures = (len(wrong), len(wrong) - len(accepted), len(accepted), len(here) - len(wrong))
        print("{:<44} {:>11} {:>8} {:>8} {:>8}".format(name, *figures))


def final(row: dict[str, Any]) -> str:
    return str(row.get("whole") or row["outcome"])


def report(rows: list[dict[str, Any]]) -> bool:
    """Prints both figures; whether they are good enough: ≥ 99.5 % of the wrong refused, no honest kernel."""
    honest = [row for row in rows if row["operator"] == "honest"]
    mutants = [row for row in rows if row["operator"] != "honest"]
    wrong = [row for row in mutants if row["shown"] is not None]
    accepted = [row for row in wrong if final(row) == ACCEPTED]
    refused_honest = [row for row in honest if final(row) != ACCEPTED]
    table("task", mutants, "task")
    table("operator", mutants, "operator")
    dropped = Counter(row["outcome"] for row in mutants if row["shown"] is None)
    print(f"\ndropped: {dict(dropped)}")
    print("verdicts on the wrong ones:", dict(Counter(final(row) for row in wrong)))
    for row in accepted:
        print(f"  accepted: {row['task']} {row['base']}: {row['operator']} ({row['detail']}); shown: {row['shown']}")
    for row in refused_honest:
        print(f"  honest, refused: {row['task']} {row['base']}: {final(row)}: {row.get('whole_said') or row['said']}")
    for row in honest:
        if row["shown"] is not None:
            print(f"  honest, yet shown wrong: {row['task']} {row['base']}: {row['shown']}")
    share = 1 - len(accepted) / len(wrong) if wrong else 1.0
    print(f"\nwrong kernels refused: {len(wrong) - len(accepted)} of {len(wrong)} ({100 * share:.2f} %)")
    print(f"honest kernels refused: {len(refused_honest)} of {len(honest)}")
    return share >= 0.995 and not refused_honest and not any(row["shown"] for row in honest)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", type=Path, default=ROOT / "build/main/tests/mutation/mutation_judge")
    parser.add_argument("--state", type=Path, help="JSON lines: what was done so far")
    parser.add_argument("--per-task", type=int, default=150, help="mutants drawn of each task")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--limit", type=int, default=1 << 30, help="kernels in this call")
    parser.add_argument("--scratch", type=Path, help="folder for objects and calibrations; default: a temporary one")
    parser.add_argument("--cpu", type=int, help="the judge's only core; campaigns on one core take turns")
    parser.add_argument("--honest", action="store_true", help="correct kernels instead of mutants")
    parser.add_argument("--evaluate", action="store_true", help="evaluate whole what passed all cases")
    parser.add_argument("--report", action="store_true", help="only print what the state holds")
    options = parser.parse_args()
    tasks = tuple(options.tasks.split(","))
    rows = read_state(options.state) if options.state else []
    if options.report:
        return 0 if report(rows) else 1
    if options.evaluate:
        done = evaluate_whole(rows, options.limit)
        options.state.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return 3 if done == options.limit else 0
    known = {(row["task"], row["text"]) for row in rows}
    wanted = honest_of(tasks) if options.honest else mutants_of(options.seed, options.per_task, tasks)
    left = [each for each in wanted if (each["task"], each["text"]) not in known]
    finished = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.scratch or Path(temporary)
        while left and finished < options.limit:
            task = left[0]["task"]
            batch = [each for each in left if each["task"] == task][: min(40, options.limit - finished)]
            done_rows = do(batch, options.tool, folder, options.seed, options.cpu)
            finished += len(batch)
            rows += done_rows
            left = [each for each in left if each not in batch]
            if options.state:
                with options.state.open("a", encoding="utf-8") as out:
                    out.writelines(json.dumps(row) + "\n" for row in done_rows)
            if options.limit < 1 << 30:
                break
    if left:
        print(f"{len(left)} left")
        return 3
    return 0 if report(rows) else 1


if __name__ == "__main__":
    sys.exit(main())

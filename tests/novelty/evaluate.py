"""Evaluates and calibrates the novelty views on disguised copies and on documented-different kernels.

    python evaluate.py --tool BUILD/…/novelty_pairs [--kernels DIR]… [--calibrate FILE] [--report FILE] [--sim]

Positives: every kernel against each of its disguises (disguise.py), where the disguise compiles. Hard negatives: two
kernels of one operation whose documented methods differ. Calibration is monotone (logistic) per view; the
figures reported are for families that the calibration has not seen (leave one family out). `--calibrate` writes the
table that calibration.cpp includes, from all families of the development kernels (tests/novelty/kernels).
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import disguise as disguises
from unseen import disguises as unseen_disguises

VIEWS = ["tokens", "opcodes", "slices", "containment"]
PRIOR_OF_DIFFERENT = 0.75  # of the class of documented-different pairs against that of copies: paying a copy is worse
ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "crucible-novelty"
VIEW_TOOL = ""  # novelty_view, beside novelty_pairs
VIEW_VERSION = "view 2"  # of what VIEW_TOOL does: another one compiles everything again
COMPILER = ["g++"]
FLAGS = ["-std=c++20", "-O3", "-march=native", "-fopenmp", "-fPIC", "-w"]


def compile_one(text: str) -> pathlib.Path | None:
    """Path stem of the source's own lines and of its dump, made once as the product makes them; None when it does not
    compile. VIEW_TOOL decides on the second compile."""
    stem = CACHE / hashlib.sha256((text + " ".join(FLAGS) + VIEW_VERSION).encode()).hexdigest()[:32]
    if stem.with_suffix(".failed").exists():
        return None
    if stem.with_suffix(".gimple").exists():
        return stem
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        (here / "candidate.cpp").write_text(text)
        command = [*COMPILER, *FLAGS, f"-I{ROOT}/sandbox/compile/include", "-fdump-tree-lim2-lineno=first"]
        command += ["-save-temps=obj", "-MD", "-MF", "depends", "-S", "-o", "out.s", "candidate.cpp"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if done.returncode != 0:
            stem.with_suffix(".failed").write_text(done.stderr)
            return None
        unit = next(here.glob("*.ii")).name
        asked = [VIEW_TOOL, unit, "depends", "first", "view.ii", *COMPILER, *FLAGS, "-fdump-tree-lim2-lineno=second"]
        arguments = subprocess.run(asked, capture_output=True, text=True, cwd=folder, check=True).stdout.split("\n")
        dump = here / "first"
        if len(arguments) > 1:
            again = subprocess.run([*arguments[:-1]], capture_output=True, text=True, cwd=folder)
            dump = here / "second"
            if again.returncode != 0:
                stem.with_suffix(".note").write_text(again.stderr)
                dump.write_text("")
        stem.with_suffix(".cpp").write_text(text)
        shutil.move(dump, stem.with_suffix(".gimple"))
    return stem


def corpus(directories: list[pathlib.Path]) -> dict[str, str]:
    """FAMILY/KERNEL -> text."""
    out = {}
    for directory in directories:
        for path in sorted(directory.glob("*/*.cpp")):
            family = path.parent.name
            if any(name.startswith(family + "/") for name in out) and directory != directories[0]:
                family += "~dev"
            out[f"{family}/{path.stem}"] = path.read_text()
    return out


def disguised(kernels: dict[str, str], seed: int, share: float = 1.0, unseen: bool = False) -> dict[str, str]:
    out = {}
    known = unseen_disguises.DISGUISES if unseen else disguises.DISGUISES
    for name, text in kernels.items():
        others = [t for n, t in kernels.items() if entry_of(n) != entry_of(name)]
        random.Random(f"{seed}/{name}").shuffle(others)
        for kind in known:
            if random.Random(f"{seed}/{name}/{kind}").random() >= share and "~dev" not in name:
                continue
            changed = disguises.disguise(text, kind, seed, others[:2], known)
            if changed is not None:
                out[f"{name}@{kind}"] = changed
    return out


def lines_for(kernels: dict[str, str], copies: dict[str, str]) -> list[str]:
    texts = {**kernels, **copies}
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2))) as pool:
        stems = dict(zip(texts, pool.map(compile_one, texts.values())))
    failed = [n for n, s in stems.items() if s is None]
    print(f"{len(texts) - len(failed)} of {len(texts)} texts compile; not: {failed[:8]}", file=sys.stderr)
    return [
        f"{name}\t{entry_of(name)}\t{stem}.cpp\t{stem}.gimple\t{'known' if name in kernels else 'query'}"
        for name, stem in stems.items()
        if stem is not None
    ]


def entry_of(name: str) -> str:
    """The task that a family is of: development families may be named TASK~dev."""
    return name.split("/")[0].split("~")[0]


def common_features(tool: str, kernels: dict[str, str]) -> list[int]:
    """Features that kernels of at least three operations share."""
    done = subprocess.run(
        [tool, "--features"], input="\n".join(lines_for(kernels, {})) + "\n", capture_output=True, text=True, check=True
    )
    operations = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        name, _view, feature = line.split("\t")
        operations[int(feature)].add(entry_of(name))
    return sorted(f for f, of in operations.items() if len(of) >= 3)


def measure(tool: str, kernels: dict[str, str], copies: dict[str, str], alone: bool = False) -> list[dict]:
    lines = lines_for(kernels, copies)
    done = subprocess.run(
        [tool, *(["--alone"] if alone else [])],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stderr, end="", file=sys.stderr)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    out = []
    for row in rows[1:]:
        values = dict(zip(rows[0][2:], map(float, row[2:])))
        base, _, kind = row[0].partition("@")
        out.append(
            {
                "query": row[0],
                "known": row[1],
                "family": base.split("/")[0],
                "copy": base == row[1],
                "kind": kind or "plain",
                **values,
            }
        )
    return out


def logistic(points: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Weighted P(y | x) = 1 / (1 + exp(-(a·x + b))), by Newton's method with a little shrinkage; a ≥ 0."""
    a, b = 1.0, 0.0
    for _ in range(50):
        ga, gb, haa, hab, hbb = 1e-3 * a, 0.0, 1e-3, 0.0, 1e-9
        for x, y, w in points:
            p = 1 / (1 + math.exp(-max(-30.0, min(30.0, a * x + b))))
            ga += w * (p - y) * x
            gb += w * (p - y)
            h = w * p * (1 - p)
            haa, hab, hbb = haa + h * x * x, hab + h * x, hbb + h
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        a, b = a - max(-5.0, min(5.0, da)), b - max(-5.0, min(5.0, db))
    return max(0.0, a), b


def calibrate(rows: list[dict]) -> dict[str, list[tuple[float, float]]]:
    """Per view P(same optimization | raw similarity) as knots. The isotonic fit of a few hundred pairs jumps where a
    handful of hard negatives lie, so its shape is logistic: monotone, smooth, two parameters. Copies and
    documented-different pairs weigh alike as classes. Identical is the same, whatever the fit says."""
    out = {}
    copies = [r for r in rows if r["copy"]]
    others = [r for r in rows if not r["copy"] and r["kind"] == "plain"]
    for view in VIEWS:
        points = [(r[view], 1.0, 1 / len(copies)) for r in copies] + [
            (r[view], 0.0, PRIOR_OF_DIFFERENT / len(others)) for r in others
        ]
        a, b = logistic(points)
        knots = [(x / 20, 1 / (1 + math.exp(-(a * x / 20 + b)))) for x in range(20)]
        out[view] = [*knots, (0.99, 1 / (1 + math.exp(-(a * 0.99 + b)))), (1.0, 1.0)]
    return out


def apply(knots: list[tuple[float, float]], x: float) -> float:
    if x <= knots[0][0]:
        return knots[0][1]
    for (x0, y0), (x1, y1) in zip(knots, knots[1:]):
        if x <= x1:
            return y1 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return knots[-1][1]


def combined(tables: dict, row: dict) -> float:
    return max(apply(tables[v], row[v]) for v in VIEWS)


def quantile(values: list[float], p: float) -> float:
    values = sorted(values)
    return values[min(len(values) - 1, int(p * len(values)))] if values else float("nan")


def auc(positive: list[float], negative: list[float]) -> float:
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / max(1, len(positive) * len(negative))


def novelty(similarity: float, begins: float = 0.30, ends: float = 0.70) -> float:
    return min(1.0, max(0.0, (1 - similarity - begins) / (ends - begins)))


def sim_scores(pairs: list[tuple[str, str]], texts: dict[str, str]) -> dict[tuple[str, str], float]:
    """Debian's similarity-tester (sim_c++ -p): the percentage of the first text found in the second."""
    CACHE.mkdir(parents=True, exist_ok=True)
    out = {}
    for first, second in pairs:
        a, b = CACHE / "sim_a.cpp", CACHE / "sim_b.cpp"
        a.write_text(texts[first])
        b.write_text(texts[second])
        done = subprocess.run(["sim_c++", "-p", "-t", "1", str(a), str(b)], capture_output=True, text=True)
        found = re.search(r"sim_a\.cpp consists for (\d+) %", done.stdout)
        out[first, second] = int(found.group(1)) / 100 if found else 0.0
    return out


def copydetect_scores(pairs: list[tuple[str, str]], texts: dict[str, str]) -> dict[tuple[str, str], float]:
    """PyPI's copydetect (winnowed k-grams of tokens, the algorithm of MOSS): the share of the first text in the second."""
    import copydetect

    prints = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in {n for pair in pairs for n in pair}:
            file = pathlib.Path(folder) / "one.cpp"
            file.write_text(texts[name])
            prints[name] = copydetect.CodeFingerprint(str(file), 25, 1)
    return {(a, b): float(copydetect.compare_files(prints[a], prints[b])[1][0]) for a, b in pairs}


def table(rows: list[dict], score, title: str) -> list[str]:
    negative = [score(r) for r in rows if not r["copy"] and r["kind"] == "plain"]
    cut = quantile(negative, 0.95)
    lines = [
        f"### {title}",
        "",
        "| disguise | copies | AUC | recall at 5 % FPR | leak mean | leak p95 | paid anything |",
        "|---|---|---|---|---|---|---|",
    ]
    kinds = list(dict.fromkeys(r["kind"] for r in rows if r["copy"]))
    for kind in [*kinds, "all"]:
        scores = [score(r) for r in rows if r["copy"] and kind in (r["kind"], "all")]
        leak = [1 - s for s in scores]
        lines.append(
            f"| {kind} | {len(scores)} | {auc(scores, negative):.3f} | {sum(s > cut for s in scores) / len(scores):.0%} |"
            f" {statistics.mean(leak):.3f} | {quantile(leak, 0.95):.3f} | {sum(novelty(s) > 0 for s in scores) / len(scores):.1%} |"
        )
    paid = sum(novelty(s) > 0 for s in negative) / max(1, len(negative))
    lines += [
        "",
        f"Documented-different pairs: {len(negative)}, paid something: {paid:.0%}; similarity mean {statistics.mean(negative):.2f}, 95 % {cut:.2f}.",
        "",
    ]
    return lines


def roc(rows: list[dict], score) -> list[str]:
    positive = sorted((score(r) for r in rows if r["copy"]), reverse=True)
    negative = [score(r) for r in rows if not r["copy"] and r["kind"] == "plain"]
    lines = ["| threshold | recall | false positives |", "|---|---|---|"]
    for t in (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1):
        lines.append(
            f"| {t} | {sum(p >= t for p in positive) / len(positive):.1%} | {sum(n >= t for n in negative) / max(1, len(negative)):.1%} |"
        )
    return [*lines, ""]


def write_table(path: pathlib.Path, tables: dict, families: list[str], rows: list[dict]) -> None:
    copies = sum(r["copy"] for r in rows)
    others = sum(not r["copy"] and r["kind"] == "plain" for r in rows)
    lines = [
        "// Written by tests/novelty/evaluate.py --calibrate; do not edit.",
        f"// Logistic fit on {copies} disguised copies and {others} documented-different pairs of the kernels",
        f"// ({', '.join(families)}); g++ {subprocess.run(['g++', '-dumpversion'], capture_output=True, text=True).stdout.strip()}.",
    ]
    for view in VIEWS:
        knots = thin(tables[view])
        body = ", ".join(f"{{{x:.2f}, {y:.3f}}}" for x, y in knots)
        lines.append(f"constexpr Knot k_{view}[] = {{{body}}};")
    path.write_text("\n".join(lines) + "\n")


def thin(knots: list[tuple[float, float]]) -> list[tuple[float, float]]:
    out = []
    for x, y in knots:
        if out and out[-1] == (round(x, 2), round(y, 3)):
            continue
        out.append((round(x, 2), round(y, 3)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--kernels", action="append", type=pathlib.Path)
    parser.add_argument("--calibrate", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, help="write the table of common features, and stop")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--list", type=pathlib.Path, help="write what novelty_costs reads, of the kernels, and stop")
    parser.add_argument("--sim", action="store_true", help="sim_c++ beside it (Debian: similarity-tester)")
    parser.add_argument("--copydetect", action="store_true", help="copydetect beside it (PyPI)")
    parser.add_argument("--alone", action="store_true", help="each known kernel is an archive of its own")
    parser.add_argument("--unseen", action="store_true", help="the disguises of unseen/, not those of disguise.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of the disguises of each kernel, drawn by seed")
    options = parser.parse_args()
    global VIEW_TOOL
    VIEW_TOOL = str(pathlib.Path(options.tool).resolve().with_name("novelty_view"))
    CACHE.mkdir(parents=True, exist_ok=True)
    kernels = corpus(options.kernels or [ROOT / "tests/novelty/kernels"])
    if options.weights:
        options.weights.write_text("".join(f"{f:#x}ull,\n" for f in common_features(options.tool, kernels)))
        return
    if options.list:
        options.list.write_text("\n".join(lines_for(kernels, {})) + "\n")
        return
    copies = disguised(kernels, options.seed, options.share, options.unseen)
    rows = measure(options.tool, kernels, copies, options.alone)
    families = sorted({r["family"] for r in rows})
    tables = calibrate(rows)
    if options.calibrate:
        write_table(options.calibrate, tables, families, rows)
    held_out = (
        {f: calibrate([r for r in rows if entry_of(r["family"]) != entry_of(f)]) for f in families}
        if len(families) > 1
        else {}
    )
    lines = [
        f"Kernels: {len(kernels)} of {len(families)} families; copies that compile: {sum(r['copy'] for r in rows)}.",
        "",
    ]
    lines += table(rows, lambda r: r["similarity"], "As built (the committed calibration)")
    lines += roc(rows, lambda r: r["similarity"])
    if held_out:
        lines += table(rows, lambda r: combined(held_out[r["family"]], r), "Calibrated on the other families")
    for view in VIEWS:
        lines += [
            f"`{view}` alone: AUC {auc([r[view] for r in rows if r['copy']], [r[view] for r in rows if not r['copy'] and r['kind'] == 'plain']):.3f}",
            "",
        ]
    if options.sim:
        texts = {**kernels, **copies}
        kept = [r for r in rows if r["copy"] or r["kind"] == "plain"]
        scores = sim_scores([(r["query"], r["known"]) for r in kept], texts)
        lines += table(kept, lambda r: scores[r["query"], r["known"]], "sim_c++ (similarity-tester), the same pairs")
    if options.copydetect:
        texts = {**kernels, **copies}
        kept = [r for r in rows if r["copy"] or r["kind"] == "plain"]
        scores = copydetect_scores([(r["query"], r["known"]) for r in kept], texts)
        lines += table(kept, lambda r: scores[r["query"], r["known"]], "copydetect (PyPI), the same pairs")
    text = "\n".join(lines)
    if options.report:
        options.report.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()

"""Mutations of a kernel's text: one place changed as a mistaken author would write it.

Each operator is a list of (pattern, replacement); every match outside comments, includes and dead branches is a site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bases import Base

Rule = tuple[str, str, str]  # what, pattern, replacement

# A rounding that keeps the 8 significant bits of bf16, for intermediates that must not be rounded.
ROUNDING = """
static inline float rounded_to_bf16(double x) {
  const float f = static_cast<float>(x);
  const unsigned u = __builtin_bit_cast(unsigned, f);
  if ((u & 0x7f800000u) == 0x7f800000u) return f;
  return __builtin_bit_cast(float, (u + 0x7fffu + ((u >> 16) & 1u)) & 0xffff0000u);
}
"""

FOR = r"(for \([^;]*;\s*\w+ )"
OPERATORS: dict[str, list[Rule]] = {
    "off by one in a bound": [
        ("one short", FOR + r"< ([^;&|]+);", r"\1+ 1 < \2;"),
        ("one too far", FOR + r"< ([^;&|]+);", r"\1<= \2;"),
        ("starts at one", r"(for \((?:const )?(?:std::)?\w+ \w+ = )0;", r"\g<1>1;"),
        ("ends at half", FOR + r"< ([^;&|]+);", r"\1< (\2) / 2;"),
    ],
    "wrong tail": [
        ("rounded down to 4", FOR + r"< (\w+);", r"\1< (\2 & ~3);"),
        ("rounded down to 8", FOR + r"< (\w+);", r"\1< (\2 & ~7);"),
        ("rounded down to 16", FOR + r"< (\w+);", r"\1< (\2 & ~15);"),
        ("tail lanes", r"lanes\((\w+)\)", r"lanes(\1 + 1)"),
        ("a tail one short", r"(\w+ - \w+) < (\w+) \? \1 : \2", r"(\1 < \2 ? \1 - 1 : \2)"),
    ],
    "off by one in an index": [
        ("next element", r"(\b\w+)\[(i|j|d|e|t|h|k|p|n|m|r|c)\](?!\w)", r"\1[\2 + 1]"),
        ("same element twice", r"\[(\w+) \+ 1\]", r"[\1]"),
        ("first element", r"(\b\w+)\[(i|j|d|e|t)\](?!\w)", r"\1[0]"),
        ("next pointer", r"(\b\w+) \+ (i|j|d)\b(?=[,)])", r"\1 + \2 + 1"),
    ],
    "dropped epsilon": [
        ("dropped", r" \+ (?:static_cast<float>\()?epsilon\)?(?=\))", ""),
        ("a hundredth more", r"\+ epsilon\b", "+ (epsilon * 1.01 + 1e-4)"),
        ("subtracted", r"\+ epsilon\b", "- epsilon"),
    ],
    "sign flipped": [
        ("minus for plus", r"(?<=[\w)\]]) \+ (?=[\w(])(?![^;]*\bnew\b)", " - "),
        ("plus for minus", r"(?<=[\w)\]]) - (?=[\w(])", " + "),
        ("minus for plus, updating", r" \+= (?![^;)]*\)\s*(?:\{|\w))", " -= "),
        ("negated operand", r"\bexp\(", "exp(-"),
    ],
    "operator changed": [
        ("times for divided", r"(?<=[\w)\]]) / (?=[\w(])", " * "),
        ("divided for times", r"(?<=[\w)\]]) \* (?=[a-z(])(?!\w+\s*=)", " / "),
        ("plus for times", r"(?<=[\w)\]]) \* (?=[a-z(])(?!\w+\s*=)", " + "),
        ("assigned, not added", r"(\b[\w\]\[.]+) \+= ", r"\1 = "),
    ],
    "comparison flipped": [
        ("less for greater", r"(?<=[\w)\]]) > (?=[\w(-])", " < "),
        ("greater for less in a choice", r"(?<=[\w)\]]) < ([^;]*\?)", r" > \1"),
        ("or equal", r"(?<=[\w)\]]) > (?=[\w(-])", " >= "),
        ("equal for unequal", r" != ", " == "),
        ("unequal for equal", r" == ", " != "),
        ("condition negated", r"\bif \((?!.*omp)([^()]*(?:\([^()]*\)[^()]*)*)\)", r"if (!(\1))"),
        ("and for or", r" \|\| ", " && "),
        ("or for and", r" && ", " || "),
    ],
    "min and max swapped": [
        ("fmin for fmax", r"\bfmax\b", "fmin"),
        ("fmax for fmin", r"\bfmin\b", "fmax"),
        ("min for max", r"\bmax\(", "min("),
        ("max for min", r"\bmin\(", "max("),
        ("arms of a choice", r"\? ([\w\[\].]+) : ([\w\[\].]+)(?=[;,)])", r"? \2 : \1"),
    ],
    "constant changed": [
        ("one for zero", r"(?<=[= (])0(\.0f?)?(?=[;,)])", r"1\1"),
        ("zero for one", r"(?<=[= (])1(\.0f?)?(?=[;,) ])", r"0\1"),
        ("a float one per cent more", r"(?<![\w.])(\d+\.\d+)(f?)(?![\w.])", r"(\1\2 * 1.01\2)"),
        ("two for one, three for two", r"(?<=[/*] )2(?=[;,) ])", "3"),
        ("rounding to odd", "0x7fffu", "0x8000u"),
        ("truncation", r"\(u \+ 0x7fffu \+ \(\(u >> 16\) & 1u\)\) >> 16", "u >> 16"),
        ("negative infinity is zero", r"-(?:__builtin_inff\(\)|std::numeric_limits<float>::infinity\(\))", "0.0f"),
    ],
    "lower precision": [
        ("a sum in bf16", r"(\b[\w\]\[.]+) \+= ([^;{}]+);", r"\1 = rounded_to_bf16(\1 + (\2));"),
        ("a value in bf16", r"(const (?:float|double) \w+ = )([^;{}]+);", r"\1rounded_to_bf16(\2);"),
        ("an exp in bf16", r"(std::exp\((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*\))", r"rounded_to_bf16(\1)"),
        ("a store in bf16", r"\bput\((\w+ \+ [^,]+), ([^;]+)\);", r"put(\1, rounded_to_bf16(\2));"),
    ],
    "missing statement": [
        ("rescale", r"(?<=[;{)] )?\b[\w\]\[.]+ \*= [^;]+;", ";"),
        ("sum", r"\b[\w\]\[.]+ \+= [^;()]+(?:\([^;]*\))?;(?!\s*\+\+)", ";"),
        ("assignment", r"(?m)^(\s+)[\w\]\[.>-]+ = [^;=]+;$", r"\1;"),
        ("store", r"\b(?:put|set|store)\([^;]+\);", ";"),
        ("division", r" / (?:sum|total|all|width|norm)\b", ""),
    ],
    "swapped operands": [
        ("difference", r"(\b[\w\]\[.]+) - (\b[\w\]\[.]+)(?=[;,)])", r"\2 - \1"),
        ("quotient", r"(\b[\w\]\[.]+) / (\b[\w\]\[.]+)(?=[;,)])", r"\2 / \1"),
        ("shape's axes", r"shape\[0\]", "shape[1]"),
        ("shape's axes back", r"shape\[1\]", "shape[0]"),
        ("strides' axes", r"strides\[0\]", "strides[1]"),
        ("strides' axes back", r"strides\[1\]", "strides[0]"),
        ("strides' third axis", r"strides\[2\]", "strides[1]"),
        ("quotient for remainder", r"(?<=\w) % (?=\w)", " / "),
    ],
    "skipped rows": [
        (
            "every other",
            r"(for \((?:const )?(?:std::)?\w+ (r|row|t|s|token|m) = [^;]+;[^;]+;) \+\+\2\)",
            r"\1 \2 += 2)",
        ),
        (
            "the thirteenth",
            r"(for \((?:const )?(?:std::)?\w+ (r|row|t|s|token|m|i) = 0;)([^{;]+;[^{;]+\)) \{",
            r"\1\3 { if (\2 == 12) continue;",
        ),
        (
            "beyond 4,096",
            r"(for \((?:const )?(?:std::)?\w+ (r|row|t|s|token|m|i) = 0;)([^{;]+;[^{;]+\)) \{",
            r"\1\3 { if (\2 >= 4096) continue;",
        ),
        (
            "beyond 100",
            r"(for \((?:const )?(?:std::)?\w+ (r|row|t|s|token|m|i) = 0;)([^{;]+;[^{;]+\)) \{",
            r"\1\3 { if (\2 >= 100) continue;",
        ),
        (
            "ends after one",
            r"(for \((?:const )?(?:std::)?\w+ (r|row|t|s|token|m) = 0;)([^{;]+;[^{;]+\)) \{",
            r"\1\3 { if (\2 == 1) break;",
        ),
    ],
    "unsynchronised threads": [
        (
            "a sum that all threads share",
            r"(?m)^( +)(for \((?:const )?(?:std::)?\w+ \w+ = [^;]+;[^;]+;[^{;]+\)) (\w+ \+= )",
            r"#pragma omp parallel for num_threads(4)\n\1\2 \3",
        ),
        ("no private copy", r" (?:first)?private\([^)]*\)", ""),
        ("no reduction", r"(parallel[^\n]*?) reduction\([^)]*\)", r"\1"),
        ("no barrier", r"(?m)^#pragma omp barrier$", ""),
        ("no wait", r"(?m)^(#pragma omp for[^\n]*)$", r"\1 nowait"),
        ("no waiting for tasks", r"(?m)^#pragma omp taskwait$", ""),
        ("a static buffer", r"(?m)^(\s+)(float \w+\[[\w ]+\])( = \{[^}]*\})?;", r"\1static \2\3;"),
    ],
}


@dataclass(frozen=True)
class Mutant:
    """One wrong (or, as it may turn out, equivalent) kernel."""

    task: str
    base: str
    operator: str
    detail: str
    text: str


def hidden_spans(text: str) -> list[tuple[int, int]]:
    """Comments, includes, and what the preprocessor leaves out on a machine with AVX-512."""
    spans = [
        m.span()
        for m in re.finditer(r"//[^\n]*|/\*.*?\*/|^\s*#\s*(?:include|if|define|typedef)[^\n]*", text, re.S | re.M)
    ]
    spans += [m.span() for m in re.finditer(r"^#else\n.*?^#endif", text, re.S | re.M)]
    spans += [
        m.span()
        for m in re.finditer(r"^typedef[^\n]*|^using[^\n]*|^template[^\n]*|operator\(\)|\"[^\"\n]*\"", text, re.M)
    ]
    return spans


def text_mutants(base: Base) -> Iterator[Mutant]:
    """Every mutant of `base` that the operators make, in a fixed order."""
    hidden = hidden_spans(base.text)
    for operator, rules in OPERATORS.items():
        for what, pattern, replacement in rules:
            for match in re.finditer(pattern, base.text):
                if any(begin < match.end() and match.start() < end for begin, end in hidden):
                    continue
                changed = match.expand(replacement)
                if changed == match.group(0):
                    continue
                text = base.text[: match.start()] + changed + base.text[match.end() :]
                if "rounded_to_bf16" in changed:
                    at = text.find("#include")
                    at = at if at >= 0 else 0
                    text = text[:at] + ROUNDING.lstrip() + text[at:]
                line = base.text.count("\n", 0, match.start()) + 1
                yield Mutant(base.task, base.name, operator, f"{what}, line {line}", text)

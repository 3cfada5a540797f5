"""Disguises of a C++ kernel: rewrites that keep what it computes and how, and change how it looks.

Source transforms on text, no parser: each refuses (returns None) where it does not apply, and whoever uses it compiles
the result. `python disguise.py FILE NAME` prints one disguised file; `--list` prints the names.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable

Disguise = Callable[[str, random.Random], "str | None"]

KEYWORDS = set(
    [
        "alignas",
        "alignof",
        "and",
        "asm",
        "auto",
        "bool",
        "break",
        "case",
        "catch",
        "char",
        "class",
        "concept",
        "const",
        "constexpr",
        "continue",
        "decltype",
        "default",
        "delete",
        "do",
        "double",
        "else",
        "enum",
        "explicit",
        "extern",
        "false",
        "float",
        "for",
        "friend",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "mutable",
        "namespace",
        "new",
        "noexcept",
        "nullptr",
        "operator",
        "or",
        "private",
        "protected",
        "public",
        "register",
        "requires",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "template",
        "this",
        "throw",
        "true",
        "try",
        "typedef",
        "typename",
        "union",
        "unsigned",
        "using",
        "virtual",
        "void",
        "volatile",
        "while",
        "std",
        "main",
        "define",
        "include",
        "pragma",
        "omp",
        "parallel",
        "for",
        "simd",
        "reduction",
        "schedule",
        "GCC",
        "unroll",
        "ifdef",
        "endif",
        "ifndef",
        "INFINITY",
        "NAN",
    ]
)
DECLARED = re.compile(
    r"\b(?:auto|float|double|int|bool|char|long|short|unsigned|size_t|u?int\d+_t|__m\d+[di]?|__mmask\d+|[A-Z]\w*)"
    r"(?:\s+const)?\s*[*&]*\s+(?:const\s+)?[*&]*([A-Za-z_]\w*)\s*(?=[=;,)\[({:])"
)


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def entry_of(text: str) -> re.Match[str] | None:
    """extern "C" int NAME(ARGUMENTS) {"""
    return re.search(r'extern\s+"C"\s+int\s+(\w+)\s*\(([^{]*?)\)\s*\{', text, flags=re.S)


def match_bracket(text: str, at: int) -> int:
    """Index of the bracket that closes the one at `at`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    close, depth = pairs[text[at]], 0
    for i in range(at, len(text)):
        if text[i] == text[at]:
            depth += 1
        elif text[i] == close:
            depth -= 1
            if depth == 0:
                return i
    return -1


def argument_names(arguments: str) -> list[str]:
    names = []
    for index, part in enumerate(arguments.split(",")):
        found = re.search(r"(\w+)\s*$", part.strip())
        plain = part.strip().replace(" ", "") in ("void*",) or not found or found.group(1) in KEYWORDS
        names.append("" if plain else found.group(1))
    return names


def named_arguments(arguments: str) -> tuple[str, list[str]]:
    """The same arguments, every one with a name."""
    parts, names = [], argument_names(arguments)
    for index, part in enumerate(arguments.split(",")):
        if not names[index]:
            names[index] = f"unnamed{index}"
            part = f"{part} {names[index]}"
        parts.append(part)
    return ",".join(parts), names


def loops(text: str) -> list[tuple[int, int, int, int]]:
    """(for, open, close, end) of every for loop: end is one past its body."""
    out = []
    for found in re.finditer(r"\bfor\s*\(", text):
        open_ = found.end() - 1
        close = match_bracket(text, open_)
        if close < 0:
            continue
        body = close + 1
        while body < len(text) and text[body].isspace():
            body += 1
        end = body_end(text, body)
        if end > 0:
            out.append((found.start(), open_, close, end))
    return out


def from_the_last(text: str) -> range:
    """Indices of the loops, last first; an edit of one leaves those before it where they are in `loops`."""
    return range(len(loops(text)) - 1, -1, -1)


def body_end(text: str, at: int) -> int:
    if at >= len(text):
        return -1
    if text[at] == "{":
        return match_bracket(text, at) + 1
    head = re.match(r"(for|if|while)\s*(constexpr\s*)?\(", text[at:])
    if head:
        close = match_bracket(text, at + head.end() - 1)
        nxt = close + 1
        while nxt < len(text) and text[nxt].isspace():
            nxt += 1
        end = body_end(text, nxt)
        rest = re.match(r"\s*else\b\s*", text[end:])
        return body_end(text, end + rest.end()) if rest else end
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "({[":
            depth += 1
        elif text[i] in ")}]":
            depth -= 1
        elif text[i] == ";" and depth == 0:
            return i + 1
    return -1


def rename(text: str, rng: random.Random) -> str:
    text = strip_comments(text)
    entry = entry_of(text)
    names = {n for n in DECLARED.findall(text) if n not in KEYWORDS and not n.startswith(("_mm", "__"))}
    names -= {entry.group(1)} if entry else set()
    names -= set(re.findall(r"(?:\.|->|::)\s*([A-Za-z_]\w*)", text))
    names -= {"DLTensor", "DLDataType", "DLDevice", "data", "shape", "strides", "ndim", "dtype", "byte_offset"}
    names -= set(re.findall(r"#\s*define\s+(\w+)", text))
    fresh = {n: f"{rng.choice('abcdefghjkmnpqrstuvwxyz')}{rng.randrange(10**6)}" for n in sorted(names)}
    return re.sub(r"(?<![\w.>:\"])[A-Za-z_]\w*", lambda m: fresh.get(m.group(0), m.group(0)), text)


def reformat(text: str, rng: random.Random) -> str:
    out = []
    for line in strip_comments(text).splitlines():
        if line.lstrip().startswith("#"):
            out += [line]
            continue
        line = re.sub(r"([;{}])", lambda m: m.group(1) + ("\n" if rng.random() < 0.7 else " "), line)
        out += [line + ("  // " + rng.choice(["fast path", "novel method", "see paper"]) if rng.random() < 0.3 else "")]
    return "\n".join(out) + "\n/* an entirely new algorithm */\n"


def commute(text: str, rng: random.Random) -> str | None:
    new = re.sub(r"(\b\w+\[[^\[\]]*\]) \* (\w+\b(?![\[(]))", r"\2 * \1", text)
    new = re.sub(r"(?<=\[)(\w+ \* \w+) \+ (\w+)(?=\])", r"\2 + \1", new)
    new = re.sub(r"_mm(\d*)_(mul|add|max)_ps\(([^(),]+), ([^(),]+)\)", r"_mm\1_\2_ps(\4, \3)", new)
    return new if new != text else None


def macro(text: str, rng: random.Random) -> str:
    text = strip_comments(text)
    defines = [
        "#define REPEAT(T, v, from, to) for (T v = (from); v < (to); ++v)",
        "#define GIVE return",
        "#define REAL float",
    ]
    text = re.sub(
        r"for \(std::int64_t (\w+) = ([^;]+); \1 < ([^;]+); \+\+\1\)", r"REPEAT(std::int64_t, \1, \2, \3)", text
    )
    text = re.sub(r"\breturn\b", "GIVE", text)
    text = re.sub(r"\bfloat\b(?! *\d)", "REAL", text)
    for name in sorted(set(re.findall(r"\b_mm\w+", text))):
        defines.append(f"#define X{len(defines)} {name}")
        text = re.sub(rf"\b{name}\b", f"X{len(defines) - 1}", text)
    includes = [m.end() for m in re.finditer(r"^#include[^\n]*\n", text, flags=re.M)]
    at = includes[-1] if includes else 0
    return text[:at] + "\n".join(defines) + "\n" + text[at:]


def wrap_entry(text: str, head: str, call: str) -> str | None:
    """Moves the entry point's body into a function of its own."""
    entry = entry_of(text)
    if not entry:
        return None
    arguments, names = named_arguments(entry.group(2))
    end = match_bracket(text, entry.end() - 1)
    body = text[entry.end() - 1 : end + 1]
    inner = head.format(name="body_of_it", arguments=arguments) + body
    outer = f'\nextern "C" int {entry.group(1)}({arguments}) {{ return {call.format(name="body_of_it", names=", ".join(names))}; }}\n'
    return text[: entry.start()] + inner + outer + text[end + 1 :]


def template(text: str, rng: random.Random) -> str | None:
    return wrap_entry(
        text, "template <class Tag, int Width> static int {name}({arguments}) ", "{name}<float, 8>({names})"
    )


def outline(text: str, rng: random.Random) -> str | None:
    """The entry's body, every helper and every outermost loop's body become functions that are not inlined."""
    text = re.sub(
        r"^(inline|static inline|static)\s+(?=[\w:]+[\s*&]+\w+\()",
        r"__attribute__((noinline)) static ",
        text,
        flags=re.M,
    )
    return outline_loops(
        wrap_entry(text, "__attribute__((noinline)) static int {name}({arguments}) ", "{name}({names})") or text
    )


def outline_loops(text: str) -> str:
    for index in from_the_last(text):
        start, _open, close, end = loops(text)[index]
        body = text[close + 1 : end]
        nested = any(s < start and end <= e for s, _o, _c, e in loops(text))
        if nested or re.search(r"\b(break|continue|return|goto)\b", body):
            continue
        text = text[: close + 1] + " { [&]() __attribute__((noinline)) {" + body + "}(); }" + text[end:]
    return text


def inline(text: str, rng: random.Random) -> str | None:
    new = re.sub(r"^inline (?=[\w:]+[\s*&]+\w+\()", "static inline __attribute__((always_inline)) ", text, flags=re.M)
    return wrap_entry(new, "static inline __attribute__((always_inline)) int {name}({arguments}) ", "{name}({names})")


def dead_code(text: str, rng: random.Random) -> str | None:
    entry = entry_of(text)
    if not entry:
        return None
    dead = """
static int never_called(const float* p, long n) { float s = 1; for (long i = 0; i < n; ++i) s = s * p[i] + 3.0f; return int(s); }
static float table_of_nothing[128];
"""
    inside = """
  if (false) { for (int q = 0; q < 100; ++q) table_of_nothing[q] = float(q) * 1.5f; }
  int unused_a = 17, unused_b = 4; unused_a += unused_b * 3; (void)unused_a; (void)&never_called;
"""
    return text[: entry.start()] + dead + text[entry.start() : entry.end()] + inside + text[entry.end() :]


def live_junk(text: str, rng: random.Random) -> str | None:
    """Work that cannot be removed: a volatile sum in every loop, and a float that is added times zero."""
    entry = entry_of(text)
    if not entry:
        return None
    count = 0
    for index in from_the_last(text):
        start, _open, close, end = loops(text)[index]
        if start < entry.end() or re.search(r"#pragma[^\n]*\n\s*$", text[:start]):
            continue
        body = text[close + 1 : end]
        junk = f" {{ float z{count} = junk_sink * 1.25f; z{count} = z{count} * z{count} + 0.5f; junk_sink = z{count};"
        text = text[: close + 1] + junk + body + " }" + text[end:]
        count += 1
    text = re.sub(r"(\b(?:y|C|to|out)\w*\[[^\[\]]*\] = )([^;]+);", r"\1(\2) + 0.0f * junk_kept;", text)
    globals_ = "static volatile float junk_sink = 1.0f;\nstatic float junk_kept = 0.25f;\n"
    return text[: entry.start()] + globals_ + text[entry.start() :] if count else None


def opaque(text: str, rng: random.Random) -> str | None:
    """Innermost statements behind predicates that always hold, with another computation on the other side."""
    entry = entry_of(text)
    if not entry:
        return None
    count = 0

    def guard(found: re.Match[str]) -> str:
        nonlocal count
        if found.start() < entry.end() or count >= 6:
            return found.group(0)
        count += 1
        target = found.group(2)
        other = f"{target} = {target} * 1.5f + 2.0f;"
        return f"{found.group(1)}if ((secret * (secret + 1)) % 2 == 0) {{ {target} {found.group(3)} {found.group(4)}; }} else {{ {other} }}"

    new = re.sub(
        r"((?:^|[;{})])\s*)((?:y|C|sum|s|m|v|t|a|c)(?:\[[^\[\]]*\])?) (=|\+=|\*=|/=) ([^;{}]+);(?!\s*else)", guard, text
    )
    if count == 0:
        return None
    return (
        new[: entry.start()]
        + "static volatile int secret_source = 12;\n#define secret (secret_source)\n"
        + new[entry.start() :]
    )


def unroll(text: str, rng: random.Random) -> str | None:
    """Counting loops with simple bodies four times by hand, with a remainder."""
    count = 0
    for index in from_the_last(text):
        start, open_, close, end = loops(text)[index]
        head = re.fullmatch(
            r"\(\s*(std::int64_t|int64_t|int|long)\s+(\w+)\s*=\s*([^;]+);\s*\2\s*<\s*([^;&|]+);\s*(?:\+\+\2|\2\+\+)\s*\)",
            text[open_ : close + 1],
        )
        body = text[close + 1 : end].strip()
        if (
            not head
            or re.search(r"\b(for|while|break|continue|return|omp)\b", body)
            or re.search(r"#pragma[^\n]*\n\s*$", text[:start])
        ):
            continue
        kind, name, first, last = head.groups()
        steps = "".join("{ const %s %s = four + %d; %s }" % (kind, name, k, body) for k in range(4))
        text = (
            text[:start]
            + f"{{ {kind} four = {first}; for (; four + 4 <= {last}; four += 4) {{ {steps} }}"
            + f" for (; four < {last}; ++four) {{ const {kind} {name} = four; {body} }} }}"
            + text[end:]
        )
        count += 1
    return text if count else None


def retune(text: str, rng: random.Random) -> str | None:
    """Other tile sizes and other loop hints."""

    def other(found: re.Match[str]) -> str:
        return found.group(1) + str(int(found.group(2)) * rng.choice([2, 4]))

    new = re.sub(r"(constexpr [^;]*?\b[A-Z]\w* = )(\d+)", other, text)
    new = re.sub(r"(, [A-Z]\w* = )(\d+)(?=[,;])", other, new)
    hinted = re.sub(r"(?m)(?<![a-z]\n)^([ ]+)(for \(std::int64_t i)", r"#pragma GCC unroll 2\n\1\2", new, count=2)
    return hinted if hinted != text else None


def while_form(text: str, rng: random.Random) -> str | None:
    count = 0
    for index in from_the_last(text):
        start, open_, close, end = loops(text)[index]
        if re.search(r"#pragma[^\n]*\n\s*$", text[:start]) or ":" in text[open_:close].replace("::", ""):
            continue
        parts = text[open_ + 1 : close].split(";")
        body = text[close + 1 : end]
        if len(parts) != 3 or re.search(r"\bcontinue\b", body):
            continue
        text = (
            text[:start]
            + f"{{ {parts[0]}; while ({parts[1].strip() or 'true'}) {{ {body} {parts[2]}; }} }}"
            + text[end:]
        )
        count += 1
    return text if count else None


def types(text: str, rng: random.Random) -> str:
    text = strip_comments(text)
    text = re.sub(r"\bstd::int64_t\b", "Count", text)
    text = re.sub(r"\bfloat\b", "Real", text)
    includes = [m.end() for m in re.finditer(r"^#include[^\n]*\n", text, flags=re.M)]
    at = includes[-1] if includes else 0
    return text[:at] + "using Count = long long;\nusing Real = float;\n" + text[at:]


def structured(text: str, rng: random.Random) -> str | None:
    """The body becomes a method of an object that holds the arguments."""
    entry = entry_of(text)
    if not entry:
        return None
    arguments, names = named_arguments(entry.group(2))
    end = match_bracket(text, entry.end() - 1)
    body = text[entry.end() - 1 : end + 1]
    fields = "".join(f"  {part.strip()};\n" for part in arguments.split(","))
    return (
        text[: entry.start()]
        + f"struct Solver {{\n{fields}  int operator()() const {body}\n}};\n"
        + f'extern "C" int {entry.group(1)}({arguments}) {{ const Solver solver{{{", ".join(names)}}}; return solver(); }}\n'
        + text[end + 1 :]
    )


ASM = """
static inline __m256 asm_add(__m256 a, __m256 b) { __m256 r; __asm__ volatile("vaddps %2, %1, %0" : "=x"(r) : "x"(a), "x"(b)); return r; }
static inline __m256 asm_mul(__m256 a, __m256 b) { __m256 r; __asm__ volatile("vmulps %2, %1, %0" : "=x"(r) : "x"(a), "x"(b)); return r; }
static inline __m256 asm_max(__m256 a, __m256 b) { __m256 r; __asm__ volatile("vmaxps %2, %1, %0" : "=x"(r) : "x"(a), "x"(b)); return r; }
static inline __m256 asm_fma(__m256 a, __m256 b, __m256 c) { __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b)); return c; }
"""


def inline_assembly(text: str, rng: random.Random) -> str | None:
    """Vector arithmetic through asm, and barriers around scalar values."""
    entry = entry_of(text)
    if not entry:
        return None
    for name, new in (("add", "add"), ("mul", "mul"), ("max", "max"), ("fmadd", "fma")):
        text = re.sub(rf"\b_mm256_{name}_ps\b", f"asm_{new}", text)
    text = re.sub(
        r"((?:const )?float (\w+) = [^;,{}]+;)(?![^\n]*\)\s*\{)",
        lambda m: m.group(1).replace("const ", "") + f' __asm__ volatile("" : "+x"({m.group(2)}));',
        text,
    )
    includes = [m.end() for m in re.finditer(r"^#include[^\n]*\n", text, flags=re.M)]
    at = includes[-1] if includes else 0
    return text[:at] + "#include <immintrin.h>\n" + ASM + text[at:]


def algebra(text: str, rng: random.Random) -> str | None:
    new = re.sub(r"(\w+\[[^\[\]]*\]) - (\w+)\b(?![\[(.])", r"(-(\2 - \1))", text)
    new = re.sub(r"\b(\w+\[[^\[\]]*\]) /= (\w+);", r"\1 = \1 * (1.0f / \2);", new)
    new = re.sub(r"\b1 / (\w+);", r"(2.0f / \1) * 0.5f;", new)
    return new if new != text else None


def dilute(text: str, rng: random.Random, others: list[str] | None = None) -> str | None:
    """Kernels of other operations, reachable in a case that never happens."""
    entry = entry_of(text)
    if not entry or not others:
        return None
    added, calls = "", ""
    includes = re.findall(r"^#include[^\n]*\n", text, flags=re.M)
    for index, other in enumerate(others):
        theirs = entry_of(other)
        includes += re.findall(r"^#include[^\n]*\n", other, flags=re.M)
        inside = re.sub(r"^#include[^\n]*\n", "", other, flags=re.M)
        inside = re.sub(r'extern\s+"C"\s+int\s+\w+', "static int extra", inside)
        added += f"namespace other{index} {{\n{inside}\n}}\n"
        values = ", ".join("1e-5" if "double" in part else "nullptr" for part in theirs.group(2).split(","))
        first = argument_names(entry.group(2))[0]
        values = re.sub(r"nullptr", f"const_cast<DLTensor*>({first})", values, count=theirs.group(2).count("DLTensor"))
        calls += f"\n  if ({first}->ndim == {77 + index}) return other{index}::extra({values});"
    bare = re.sub(r"^#include[^\n]*\n", "", text[: entry.start()], flags=re.M)
    return (
        "".join(dict.fromkeys(includes))
        + added
        + bare
        + text[entry.start() : entry.end()]
        + calls
        + text[entry.end() :]
    )


def combined(text: str, rng: random.Random, others: list[str] | None = None) -> str | None:
    for step in (commute, live_junk, opaque, while_form, outline, dead_code, rename, macro, reformat):
        text = step(text, rng) or text
    return text


DISGUISES: dict[str, Disguise] = {
    "rename": rename, "reformat": reformat, "commute": commute, "macro": macro, "template": template, "outline": outline,
    "inline": inline, "dead_code": dead_code, "live_junk": live_junk, "opaque": opaque, "unroll": unroll,
    "retune": retune, "while_form": while_form, "types": types, "structured": structured,
    "inline_assembly": inline_assembly, "algebra": algebra, "dilute": dilute, "combined": combined,
}  # fmt: skip


def disguise(
    text: str,
    name: str,
    seed: int = 0,
    others: list[str] | None = None,
    known: dict[str, Disguise] | None = None,
) -> str | None:
    rng = random.Random(f"{seed}/{name}")
    step = (DISGUISES if known is None else known)[name]
    return step(text, rng, others) if name in ("dilute",) else step(text, rng)


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(DISGUISES))
    else:
        with open(sys.argv[1]) as file:
            result = disguise(file.read(), sys.argv[2])
        print(result if result is not None else f"// {sys.argv[2]} does not apply")

"""Disguises that were written when the views and the calibration were finished, to measure them on what they were not
made for (`evaluate.py --unseen`). Nothing in reward/novelty may be changed because of what these show without new ones
being written. The same conventions as in disguise.py."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from disguise import (
    Disguise,
    entry_of,
    from_the_last,
    loops,
    match_bracket,
    named_arguments,
    strip_comments,
    wrap_entry,
)

COUNTING = re.compile(
    r"\(\s*(std::int64_t|int64_t|int|long)\s+(\w+)\s*=\s*([^;]+);\s*\2\s*<\s*([^;&|]+);\s*(?:\+\+\2|\2\+\+|\2 \+= (\w+))\s*\)"
)


def counting_loops(text: str, leaf: bool = False):
    """(start, end, kind, name, first, last, step, body) of counting loops that nothing leaves early, last first."""
    for index in from_the_last(text):
        start, open_, close, end = loops(text)[index]
        head = COUNTING.fullmatch(text[open_ : close + 1])
        body = text[close + 1 : end]
        if not head or re.search(r"\b(break|continue|return|goto|omp)\b", body):
            continue
        if re.search(r"#pragma[^\n]*\n\s*$", text[:start]) or (leaf and re.search(r"\b(for|while)\b", body)):
            continue
        yield (start, end, *head.groups(), body)


def after_includes(text: str, more: str) -> str:
    ends = [m.end() for m in re.finditer(r"^#include[^\n]*\n", text, flags=re.M)]
    at = ends[-1] if ends else 0
    return text[:at] + more + text[at:]


def each_loop(text: str, rewrite, leaf: bool = False) -> str | None:
    """Rewrites one counting loop after the other; `rewrite` gets the parts and gives the new text."""
    changed = False
    for index in range(len(loops(text)) - 1, -1, -1):
        if index >= len(loops(text)):
            continue
        at = loops(text)[index][0]
        for start, end, *parts in counting_loops(text, leaf):
            if start == at:
                text = text[:start] + rewrite(*parts) + text[end:]
                changed = True
                break
    return text if changed else None


def pointer_walk(text: str, rng: random.Random) -> str | None:
    """x[i] becomes *(i + x)."""
    entry = entry_of(text)
    if not entry:
        return None
    declared = set(re.findall(r"(?:float|double|int|__m\d+\w?|std::int64_t|Lanes|bool|char)\s+(\w+)\s*\[", text))
    body = re.sub(
        r"(?<![\w>.)])([a-zA-Z]\w*)\[([^\[\]]+)\]",
        lambda m: m.group(0) if m.group(1) in declared else f"(*(({m.group(2)}) + {m.group(1)}))",
        text[entry.end() :],
    )
    return text[: entry.end()] + body


def goto_machine(text: str, rng: random.Random) -> str | None:
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        return (
            f"{{ {kind} {name} = {first}; again{k}: if (!({name} < {last})) goto done{k}; {{ {body} }} "
            f"{name} += {step or 1}; goto again{k}; done{k}:; }}"
        )

    return each_loop(text, rewrite)


def state_machine(text: str, rng: random.Random) -> str | None:
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        return (
            f"{{ {kind} {name} = {first}; int state{k} = 0; while (state{k} != 2) switch (state{k}) {{ "
            f"case 0: state{k} = {name} < {last} ? 1 : 2; break; "
            f"default: {{ {body} }} {name} += {step or 1}; state{k} = 0; }} }}"
        )

    return each_loop(text, rewrite, leaf=True)


def recursion(text: str, rng: random.Random) -> str | None:
    """Innermost loops become functions that call themselves."""
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        return (
            f"{{ auto again{k} = [&](auto&& self, {kind} {name}) -> void {{ if (!({name} < {last})) return; {{ {body} }} "
            f"self(self, {name} + {step or 1}); }}; again{k}(again{k}, {first}); }}"
        )

    return each_loop(text, rewrite, leaf=True)


def functor(text: str, rng: random.Random) -> str | None:
    """Loops become calls of a helper that takes their body."""

    def rewrite(kind, name, first, last, step, body):
        return f"repeat<{kind}>({first}, {last}, {step or 1}, [&]({kind} {name}) {{ {body} }});"

    new = each_loop(text, rewrite)
    helper = (
        "template <class T, class A, class B, class C, class F> static void repeat(A a, B b, C c, F&& f) "
        "{ T i = T(a); while (i < T(b)) { f(T(i)); i = T(i + c); } }\n"
    )
    return after_includes(new, helper) if new else None


def shifted(text: str, rng: random.Random) -> str | None:
    """Loops count from elsewhere."""

    def rewrite(kind, name, first, last, step, body):
        body = re.sub(rf"\b{name}\b", f"({name} - 7)", body)
        return f"for ({kind} {name} = ({first}) + 7; {name} < ({last}) + 7; {name} += {step or 1}) {{ {body} }}"

    return each_loop(text, rewrite, leaf=True)


def downward(text: str, rng: random.Random) -> str | None:
    """Innermost loops run from their end."""

    def rewrite(kind, name, first, last, step, body):
        if step:
            return f"for ({kind} {name} = {first}; {name} < {last}; {name} += {step}) {{ {body} }}"
        return f"for ({kind} {name} = {last}; {name}-- > {first};) {{ {body} }}"

    return each_loop(text, rewrite, leaf=True)


def boxed_arguments(text: str, rng: random.Random) -> str | None:
    """The body gets a pointer to a structure of its arguments, through a function pointer in memory."""
    entry = entry_of(text)
    if not entry:
        return None
    arguments, names = named_arguments(entry.group(2))
    end = match_bracket(text, entry.end() - 1)
    fields = "".join(f"  {part.strip()};\n" for part in arguments.split(","))
    unpack = "".join(f" auto {name} = box->{name};" for name in names)
    return (
        text[: entry.start()]
        + f"struct Box {{\n{fields}}};\nstatic int with_box(const Box* box) {{{unpack}\n"
        + text[entry.end() : end + 1]
        + "\nstatic int (*volatile chosen)(const Box*) = with_box;\n"
        + f'extern "C" int {entry.group(1)}({arguments}) {{ Box box{{{", ".join(names)}}}; return chosen(&box); }}\n'
        + text[end + 1 :]
    )


def bit_constants(text: str, rng: random.Random) -> str | None:
    """Numbers as expressions of others, types under other names."""
    entry = entry_of(text)
    if not entry:
        return None
    head, body = text[: entry.end()], text[entry.end() :]
    body = re.sub(r"(?<![\w.\"])1\.0f\b", "__builtin_bit_cast(float, 0x3f800000u)", body)
    body = re.sub(r"(?<![\w.\"<(])8(?![\w.\"])", "(1 << 3)", body)
    body = re.sub(r"(?<![\w.\"])4(?![\w.\"])", "(5 ^ 1)", body)
    body = re.sub(r"\bstd::int64_t\b", "decltype(0ll)", body)
    return head + body if body != text[entry.end() :] else None


def vector_operators(text: str, rng: random.Random) -> str | None:
    """Intrinsics of arithmetic become operators of the compiler's vectors."""
    new = text
    for _ in range(6):
        for name, mark in (("add", "+"), ("mul", "*"), ("sub", "-"), ("div", "/")):
            new = re.sub(rf"_mm(?:256|512)_{name}_ps\(([^(),]+), ([^(),]+)\)", rf"((\1) {mark} (\2))", new)
        new = re.sub(r"_mm(?:256|512)_fmadd_ps\(([^(),]+), ([^(),]+), ([^(),]+)\)", r"((\1) * (\2) + (\3))", new)
    return new if new != text else None


def copied_loads(text: str, rng: random.Random) -> str | None:
    """Vector loads and stores through memcpy."""
    new = re.sub(r"_mm(256|512)_loadu_ps\(", r"load_copy<__m\1>(", text)
    new = re.sub(r"_mm(256|512)_storeu_ps\(", r"store_copy<__m\1>(", new)
    helpers = (
        "#include <cstring>\n"
        "template <class V> static inline V load_copy(const void* p) { V v; std::memcpy(&v, p, sizeof v); return v; }\n"
        "template <class V> static inline void store_copy(void* p, V v) { std::memcpy(p, &v, sizeof v); }\n"
    )
    return after_includes(new, helpers) if new != text else None


def opaque_argument(text: str, rng: random.Random) -> str | None:
    """Statements behind predicates of the arguments that no compiler can decide."""
    entry = entry_of(text)
    if not entry:
        return None
    first = named_arguments(entry.group(2))[1][0]
    count = 0

    def guard(found: re.Match[str]) -> str:
        nonlocal count
        if count >= 4:
            return found.group(0)
        count += 1
        target = found.group(2)
        return (
            f"{found.group(1)}if (never != 77) {{ {target} {found.group(3)} {found.group(4)}; }} "
            f"else {{ {target} = {target} * 3.5f - 1.25f; }}"
        )

    body = re.sub(
        r"((?:^|[;{})])\s*)((?:y|C|sum|s|m|v|t|a|c|out|to|o)(?:\[[^\[\]]*\])) (=|\+=|\*=|/=) ([^;{}]+);(?!\s*else)",
        guard,
        text[entry.end() :],
    )
    if count == 0:
        return None
    return text[: entry.end()] + f"\n  const int never = {first}->ndim * 1000;" + body


def executed_junk(text: str, rng: random.Random) -> str | None:
    """Another computation runs beside every innermost loop, on memory that nobody reads."""
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        head = f"for ({kind} {name} = {first}; {name} < {last}; {name} += {step or 1})"
        return (
            f"{{ {head} {{ {body} }} for (int z{k} = 0; z{k} < 64; ++z{k}) "
            f"scratch[z{k}] = scratch[(z{k} * 7) & 63] * 0.75f + float(z{k}); }}"
        )

    new = each_loop(text, rewrite, leaf=True)
    return after_includes(new, "static float scratch[64];\n") if new else None


def weak_pieces(text: str, rng: random.Random) -> str | None:
    """Helpers under attributes that keep compilers from looking inside, the body under two of them."""
    new = re.sub(
        r"^(inline|static inline|static)\s+(?=[\w:]+[\s*&]+\w+\()",
        "[[gnu::noipa]] static ",
        strip_comments(text),
        flags=re.M,
    )
    return wrap_entry(new, '__attribute__((noipa, optimize("O1"))) static int {name}({arguments}) ', "{name}({names})")


# Those above were measured first; what they showed about values that memcpy moves and about counters behind merges was
# then mended. Those below came after that.


def endless(text: str, rng: random.Random) -> str | None:
    """Loops without a head."""

    def rewrite(kind, name, first, last, step, body):
        return f"{{ {kind} {name} = {first}; for (;;) {{ if ({name} >= {last}) break; {{ {body} }} {name} += {step or 1}; }} }}"

    return each_loop(text, rewrite)


def counted_trips(text: str, rng: random.Random) -> str | None:
    """Innermost loops count their rounds apart from their index."""
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        rounds = f"(({last}) - ({first}) + {step or 1} - 1) / {step or 1}"
        return (
            f"{{ {kind} {name} = {first}; {kind} trips{k} = {name} < ({last}) ? {rounds} : 0; "
            f"while (trips{k} > 0) {{ {{ {body} }} {name} += {step or 1}; trips{k} -= 1; }} }}"
        )

    return each_loop(text, rewrite, leaf=True)


def strip_mined(text: str, rng: random.Random) -> str | None:
    """Innermost loops in strips of three, each round guarded."""
    count = iter(range(1000))

    def rewrite(kind, name, first, last, step, body):
        k = next(count)
        step = step or 1
        return (
            f"for ({kind} strip{k} = {first}; strip{k} < {last}; strip{k} += 3 * {step}) for (int u{k} = 0; u{k} < 3; ++u{k}) "
            f"{{ const {kind} {name} = strip{k} + u{k} * {step}; if ({name} < {last}) {{ {body} }} }}"
        )

    return each_loop(text, rewrite, leaf=True)


def virtual_method(text: str, rng: random.Random) -> str | None:
    """The body is a virtual method, called through its base, inside a try block."""
    entry = entry_of(text)
    if not entry:
        return None
    arguments, names = named_arguments(entry.group(2))
    end = match_bracket(text, entry.end() - 1)
    return (
        text[: entry.start()]
        + f"struct Base {{ virtual int act({arguments}) const = 0; virtual ~Base() = default; }};\n"
        + f"struct Derived final : Base {{ int act({arguments}) const override "
        + text[entry.end() - 1 : end + 1]
        + f' }};\nextern "C" int {entry.group(1)}({arguments}) {{ const Derived one; const Base& base = one; '
        + f"try {{ return base.act({', '.join(names)}); }} catch (...) {{ return 7; }} }}\n"
        + text[end + 1 :]
    )


def boxed_sums(text: str, rng: random.Random) -> str | None:
    """Running values live in the middle of small arrays."""
    count = iter(range(1000))

    def box(found: re.Match[str]) -> str:
        k = next(count)
        return f"float box{k}[3] = {{9, {found.group(2)}, 7}}; float& {found.group(1)} = box{k}[1];"

    entry = entry_of(text)
    if not entry:
        return None
    body = re.sub(r"(?<!const )\bfloat (\w+) = ([^;,{}]+);(?!\s*\w+ <)", box, text[entry.end() :])
    return text[: entry.end()] + body if body != text[entry.end() :] else None


def later(text: str, rng: random.Random, others: list[str] | None = None) -> str | None:
    for step in (boxed_sums, endless, copied_loads, virtual_method, weak_pieces):
        text = step(text, rng) or text
    return text


def everything(text: str, rng: random.Random, others: list[str] | None = None) -> str | None:
    for step in (vector_operators, copied_loads, shifted, functor, bit_constants, weak_pieces, boxed_arguments):
        text = step(text, rng) or text
    return text


DISGUISES: dict[str, Disguise] = {
    "pointer_walk": pointer_walk, "goto_machine": goto_machine, "state_machine": state_machine,
    "recursion": recursion, "functor": functor, "shifted": shifted, "downward": downward,
    "boxed_arguments": boxed_arguments, "bit_constants": bit_constants, "vector_operators": vector_operators,
    "copied_loads": copied_loads, "opaque_argument": opaque_argument, "executed_junk": executed_junk,
    "weak_pieces": weak_pieces, "everything": everything, "endless": endless, "counted_trips": counted_trips,
    "strip_mined": strip_mined, "virtual_method": virtual_method, "boxed_sums": boxed_sums, "later": later,
}  # fmt: skip

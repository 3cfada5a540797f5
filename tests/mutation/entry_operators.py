"""Mutations around a whole kernel: the right kernel is called by a wrapper that makes one mistake.

They are the mistakes that no change of a token makes: state between calls, results kept by address or by shape, work
left to a thread that nobody waits for, descriptors half read, one element wrong, arguments ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bases import Base

HELPERS = """
#include <crucible/kernel.h>
#include <cstring>
#include <thread>
#include <vector>
namespace mistake {
inline long long count(const DLTensor* t) {
  long long n = 1;
  for (int i = 0; i < t->ndim; ++i) n *= t->shape[i];
  return n;
}
inline long long rows(const DLTensor* t) {
  long long n = 1;
  for (int i = 0; i + 1 < t->ndim; ++i) n *= t->shape[i];
  return n;
}
/// Element `index` in logical order.
inline char* at(const DLTensor* t, long long index) {
  long long offset = 0;
  for (int i = t->ndim - 1; i >= 0; --i) {
    offset += index % t->shape[i] * t->strides[i];
    index /= t->shape[i];
  }
  return static_cast<char*>(t->data) + t->byte_offset + offset * (t->dtype.bits / 8);
}
inline void off_by_half(const DLTensor* t, long long index) {
  if (index < 0 || index >= count(t)) return;
  char* p = at(t, index);
  if (t->dtype.bits == 16) {
    unsigned short bits;
    __builtin_memcpy(&bits, p, 2);
    const float grown = 1.5f * __builtin_bit_cast(float, static_cast<unsigned>(bits) << 16);
    bits = static_cast<unsigned short>(__builtin_bit_cast(unsigned, grown) >> 16);
    __builtin_memcpy(p, &bits, 2);
  } else if (t->dtype.code == kDLInt) {
    int id;
    __builtin_memcpy(&id, p, 4);
    id ^= 1;
    __builtin_memcpy(p, &id, 4);
  } else {
    float x;
    __builtin_memcpy(&x, p, 4);
    x *= 1.5f;
    __builtin_memcpy(p, &x, 4);
  }
}
/// A descriptor of one's own, to be changed.
struct Own {
  DLTensor t;
  decltype(DLTensor().shape[0] + 0) shape[8], strides[8];
  explicit Own(const DLTensor* from) : t(*from) {
    for (int i = 0; i < t.ndim; ++i) shape[i] = from->shape[i], strides[i] = from->strides[i];
    t.shape = shape;
    t.strides = strides;
  }
  void compact() {
    for (long long i = t.ndim - 1, n = 1; i >= 0; n *= shape[i--]) strides[i] = n;
  }
  DLTensor* operator&() { return &t; }
};
inline std::vector<char> bytes(const DLTensor* t) {
  std::vector<char> all;
  const long long size = t->dtype.bits / 8;
  for (long long i = 0; i < count(t); ++i) all.insert(all.end(), at(t, i), at(t, i) + size);
  return all;
}
inline void put_back(const DLTensor* t, const std::vector<char>& all) {
  const long long size = t->dtype.bits / 8;
  for (long long i = 0; i < count(t); ++i) std::memcpy(at(t, i), all.data() + i * size, size);
}
}  // namespace mistake
"""

# Per task: outputs; floating-point inputs that may be strided or offset; scalars with a value a lazy author would
# assume; tensors split by rows; optional tensors.
OUTPUTS = {
    "rms_norm": ["out"],
    "fused_add_rms_norm": ["input", "residual"],
    "layer_norm": ["out"],
    "silu_and_mul": ["out"],
    "softmax": ["out"],
    "rotary_embedding": ["query", "key"],
    "topk_softmax": ["weights", "ids"],
    "gemm": ["out"],
    "gemm_gelu": ["out"],
    "paged_decode_attention": ["out"],
}
READ = {
    "rms_norm": ["input", "weight"],
    "fused_add_rms_norm": ["input", "weight"],
    "layer_norm": ["input", "weight"],
    "silu_and_mul": ["input"],
    "softmax": ["input"],
    "rotary_embedding": ["query", "cos_sin_cache"],
    "topk_softmax": ["logits"],
    "gemm": ["a", "b"],
    "gemm_gelu": ["a", "b"],
    "paged_decode_attention": ["query", "key_cache", "value_cache"],
}
ROWS = {
    "rms_norm": ["out", "input"],
    "fused_add_rms_norm": ["input", "residual"],
    "layer_norm": ["out", "input"],
    "silu_and_mul": ["out", "input"],
    "softmax": ["out", "input"],
    "rotary_embedding": ["positions", "query"],
    "topk_softmax": ["weights", "ids", "logits"],
    "gemm": ["out", "a"],
    "gemm_gelu": ["out", "a"],
    "paged_decode_attention": ["out", "query", "block_table", "seq_lens"],
}
ASSUMED = {
    "rms_norm": [("epsilon", "1e-6"), ("epsilon", "1e-5"), ("epsilon", "0.0")],
    "fused_add_rms_norm": [("epsilon", "1e-6"), ("epsilon", "1e-5"), ("epsilon", "0.0")],
    "layer_norm": [("epsilon", "1e-5"), ("epsilon", "1e-6"), ("epsilon", "0.0"), ("bias", "nullptr")],
    "silu_and_mul": [],
    "softmax": [],
    "rotary_embedding": [("is_neox", "1"), ("is_neox", "0"), ("head_size", "128"), ("key", "nullptr")],
    "topk_softmax": [("renormalize", "1"), ("renormalize", "0")],
    "gemm": [("bias", "nullptr")],
    "gemm_gelu": [("bias", "nullptr")],
    "paged_decode_attention": [("scale", "0.08838834764831845"), ("scale", "1.0")],
}
SPECIAL = ("rms_norm", "layer_norm", "silu_and_mul", "softmax", "gemm")


@dataclass(frozen=True)
class Entry:
    """The entry point of a base: what stands before its name, its parameters, and their names (stream last)."""

    head: re.Match[str]
    parameters: str
    names: list[str]


def entry_of(base: Base) -> Entry | None:
    """None where the kernel declares types of its own or writes its entry point in a way of its own."""
    if "crucible/kernel.h" not in base.text:
        return None
    found = re.search(r'extern "C"\s+int\s+' + base.task + r"\(([^()]*)\)\s*\{", base.text)
    if found is None:
        return None
    names = []
    for parameter in found.group(1).split(","):
        word = re.search(r"(\w+)\s*$", parameter)
        names.append(word.group(1) if word and word.group(1) != "void" else "")
    names[-1] = ""
    return Entry(found, found.group(1), names)


def wrapped(base: Base, entry: Entry, body: str) -> str:
    """`body` may use every parameter by its contract's name and call RIGHT(arguments…)."""
    text = base.text
    inner = text[: entry.head.start()] + f"static int right_kernel({entry.parameters}) {{" + text[entry.head.end() :]
    return f'{inner}\n{HELPERS}\nextern "C" int {base.task}({contract_parameters(base.task)}) {{\n{body}\n}}\n'


PARAMETERS = {
    "rms_norm": "DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon",
    "fused_add_rms_norm": "DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon",
    "layer_norm": "DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon",
    "silu_and_mul": "DLTensor* out, const DLTensor* input",
    "softmax": "DLTensor* out, const DLTensor* input",
    "rotary_embedding": "const DLTensor* positions, DLTensor* query, DLTensor* key, __INT64_TYPE__ head_size, "
    "const DLTensor* cos_sin_cache, int is_neox",
    "topk_softmax": "DLTensor* weights, DLTensor* ids, const DLTensor* logits, int renormalize",
    "gemm": "DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias",
    "gemm_gelu": "DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias",
    "paged_decode_attention": "DLTensor* out, const DLTensor* query, const DLTensor* key_cache, "
    "const DLTensor* value_cache, const DLTensor* block_table, const DLTensor* seq_lens, double scale",
}


def contract_parameters(task: str) -> str:
    return PARAMETERS[task] + ", void*"


def contract_names(task: str) -> list[str]:
    return [re.search(r"(\w+)$", p.strip()).group(1) for p in PARAMETERS[task].split(",")]  # type: ignore[union-attr]


def call(task: str, **changed: str) -> str:
    return "right_kernel(" + ", ".join(changed.get(n, n) for n in contract_names(task)) + ", nullptr)"


def bodies(task: str) -> list[tuple[str, str, str]]:
    """(operator, detail, body of the wrapper) of every mistake that makes sense for the task."""
    made: list[tuple[str, str, str]] = []
    right = call(task)
    first = OUTPUTS[task][0]

    def add(operator: str, detail: str, body: str) -> None:
        made.append((operator, detail, body))

    width = f"{first}->shape[{first}->ndim - 1]"
    for out in OUTPUTS[task]:
        guard = f"{out} != nullptr && " if out == "key" else ""
        for where, index in (
            ("the last", f"mistake::count({out}) - 1"),
            ("the middle", f"mistake::count({out}) / 2"),
            ("one of the second row", f"{out}->shape[{out}->ndim - 1] + 1"),
            ("the first", "0"),
        ):
            body = (
                f"const int code = {right};\n  if ({guard}true) mistake::off_by_half({out}, {index});\n  return code;"
            )
            add("one element off by half", f"{where} of {out}", body)
    tall = 100 if task == "paged_decode_attention" else 4096
    add(
        "wrong only above a row count",
        f"last element when there are more than {tall} rows",
        f"const int code = {right};\n  if ({first}->shape[0] > {tall}) mistake::off_by_half({first}, "
        f"mistake::count({first}) - 1);\n  return code;",
    )
    for kind, comparison in (("larger", "<"), ("smaller", ">")):
        add(
            f"wrong only when the previous call was {kind}",
            "last element",
            f"static long long previous = mistake::count({first});\n  const long long now = mistake::count({first});\n"
            f"  const int code = {right};\n  if (now {comparison} previous) mistake::off_by_half({first}, now - 1);\n"
            "  previous = now;\n  return code;",
        )
    if first not in READ[task]:
        source = READ[task][0]
        add(
            "result kept by address",
            "the same pointers bring back the previous result",
            f"static const void *seen_in = nullptr, *seen_out = nullptr;\n  static std::vector<char> kept;\n"
            f"  if ({source}->data == seen_in && {first}->data == seen_out && "
            f"static_cast<long long>(kept.size()) == mistake::count({first}) * ({first}->dtype.bits / 8)) {{\n"
            f"    mistake::put_back({first}, kept);\n    return 0;\n  }}\n  const int code = {right};\n"
            f"  seen_in = {source}->data;\n  seen_out = {first}->data;\n"
            f"  kept = mistake::bytes({first});\n  return code;",
        )
        add(
            "result kept by shape",
            "a call of the previous call's shape gets the previous result",
            f"static std::vector<char> kept;\n  static long long rows = -1, count = -1;\n"
            f"  if (rows == mistake::rows({first}) && count == mistake::count({first}) && "
            f"static_cast<long long>(kept.size()) == count * ({first}->dtype.bits / 8)) {{\n"
            f"    mistake::put_back({first}, kept);\n    return 0;\n  }}\n  const int code = {right};\n"
            f"  rows = mistake::rows({first});\n  count = mistake::count({first});\n"
            f"  kept = mistake::bytes({first});\n  return code;",
        )
    for every in (2, 3, 7):
        add(
            "stale outputs",
            f"every {every}th call does nothing",
            f"static int calls = 0;\n  if (++calls % {every} == 0) return 0;\n  return {right};",
        )
    for source in READ[task]:
        add(
            "ignores byte_offset",
            source,
            f"mistake::Own own({source});\n  own.t.byte_offset = 0;\n  return {call(task, **{source: '&own'})};",
        )
        add(
            "ignores strides",
            source,
            f"mistake::Own own({source});\n  own.compact();\n  return {call(task, **{source: '&own'})};",
        )
        add(
            "starts one element late",
            source,
            f"mistake::Own own({source});\n  own.t.byte_offset += own.t.dtype.bits / 8;\n"
            f"  return {call(task, **{source: '&own'})};",
        )
    for name, value in ASSUMED[task]:
        add("assumes an argument", f"{name} is {value}", f"return {call(task, **{name: value})};")
    if task == "fused_add_rms_norm":
        add("swapped operands", "input and residual", f"return {call(task, input='residual', residual='input')};")
    if task == "paged_decode_attention":
        swap = call(task, key_cache="value_cache", value_cache="key_cache")
        add("swapped operands", "key and value", f"return {swap};")
        add("swapped operands", "value for key", f"return {call(task, key_cache='value_cache')};")
    # Fewer rows, or fewer columns, than there are.
    owns = "".join(f"  mistake::Own own_{n}({n});\n" for n in ROWS[task])
    changed = {n: f"&own_{n}" for n in ROWS[task]}
    for detail, less in (
        ("the last", "n - 1"),
        ("those beyond a multiple of 4", "n / 4 * 4"),
        ("those beyond a multiple of 8", "n & ~7ll"),
        ("those beyond the first 4", "n < 4 ? n : 4"),
        ("those beyond 4,096", "n < 4096 ? n : 4096"),
        ("the second half", "(n + 1) / 2"),
    ):
        shrink = "".join(f"  own_{n}.shape[0] = less;\n" for n in ROWS[task])
        condition = f"if ({first}->ndim < 2) return {right};\n  " if "ndim" in width and task not in ("gemm",) else ""
        add(
            "skipped rows",
            detail,
            f"{condition}const long long n = {ROWS[task][0]}->shape[0], less = {less};\n{owns}{shrink}"
            f"  return {call(task, **changed)};",
        )
    if task not in ("rotary_embedding", "fused_add_rms_norm"):
        owns_shift = owns + "".join(f"  own_{n}.shape[0] = half;\n" for n in ROWS[task])
        outputs = [n for n in ROWS[task] if n in OUTPUTS[task]]
        moved = "".join(
            f"  own_{n}.t.byte_offset += static_cast<unsigned long long>(half * own_{n}.strides[0] * "
            f"(own_{n}.t.dtype.bits / 8));\n"
            for n in outputs
        )
        add(
            "skipped rows",
            "the second half gets the first half's results",
            f"if ({first}->ndim < 2) return {right};\n  const long long half = {first}->shape[0] / 2;\n"
            f"  const int code = {right};\n{owns_shift}{moved}  if (half > 0) {call(task, **changed)};\n  return code;",
        )
    # A thread that nobody waits for does the last rows.
    if task not in ("rotary_embedding",):
        late = "".join(
            f"  own_{n}->shape[0] -= half;\n  own_{n}->t.byte_offset += static_cast<unsigned long long>(half * "
            f"own_{n}->strides[0] * (own_{n}->t.dtype.bits / 8));\n"
            for n in ROWS[task]
        )
        news = "".join(f"  auto* own_{n} = new mistake::Own({n});\n" for n in ROWS[task])
        early = "".join(f"  mistake::Own early_{n}({n});\n  early_{n}.shape[0] = half;\n" for n in ROWS[task])
        others = [n for n in contract_names(task) if n not in ROWS[task]]
        tensors = [n for n in others if re.search(r"DLTensor\* " + n + r"\b", PARAMETERS[task])]
        news += "".join(f"  auto* own_{n} = {n} ? new mistake::Own({n}) : nullptr;\n" for n in tensors)
        threaded = {n: f"&own_{n}->t" for n in ROWS[task]} | {n: f"(own_{n} ? &own_{n}->t : nullptr)" for n in tensors}
        add(
            "unsynchronised threads",
            "the second half of the rows is left to a detached thread",
            f"if ({first}->ndim < 2 || {first}->shape[0] < 2) return {right};\n"
            f"  const long long half = {first}->shape[0] / 2;\n{news}{late}{early}"
            f"  std::thread([=] {{ {call(task, **threaded)}; }}).detach();\n"
            f"  return {call(task, **{n: f'&early_{n}' for n in ROWS[task]})};",
        )
        add(
            "unsynchronised threads",
            "everything is left to a detached thread",
            f"if ({first}->ndim < 2 || {first}->shape[0] < 2) return {right};\n"
            f"  const long long half = 0;\n{news}{late}"
            f"  std::thread([=] {{ {call(task, **threaded)}; }}).detach();\n  return 0;",
        )
    for out in OUTPUTS[task]:
        if out == "key":
            continue
        add(
            "writes past the end",
            out,
            f"const int code = {right};\n  const long long n = mistake::count({out});\n"
            f"  if (n > 0) mistake::at({out}, n - 1)[{out}->dtype.bits / 8] ^= 0x55;\n  return code;",
        )
        add(
            "writes before the beginning",
            out,
            f"const int code = {right};\n  if (mistake::count({out}) > 0) mistake::at({out}, 0)[-1] ^= 0x55;\n"
            "  return code;",
        )
        add(
            "lower precision",
            f"{out} in f32 keeps the bits of bf16",
            f"const int code = {right};\n  if ({out}->dtype.bits == 32 && {out}->dtype.code == kDLFloat)\n"
            f"    for (long long i = 0; i < mistake::count({out}); ++i) mistake::at({out}, i)[0] = "
            f"mistake::at({out}, i)[1] = 0;\n  return code;",
        )
    pure = [n for n in READ[task] if n not in OUTPUTS[task]]
    for source in pure:
        add(
            "writes an input",
            source,
            f"const int code = {right};\n  if (mistake::count({source}) > 1) mistake::off_by_half({source}, "
            f"mistake::count({source}) - 1);\n  return code;",
        )
    add("refuses a call", "an odd number of rows", f"if (mistake::rows({first}) % 2 == 1) return 3;\n  return {right};")
    add("serves one dtype", "bf16 does nothing", f"if ({READ[task][0]}->dtype.bits == 16) return 0;\n  return {right};")
    if task in SPECIAL:
        add(
            "special values lost",
            "NaN becomes 0",
            f"const int code = {right};\n  for (long long i = 0; i < mistake::count({first}); ++i) {{\n"
            f"    char* p = mistake::at({first}, i);\n    const bool half = {first}->dtype.bits == 16;\n"
            "    unsigned bits = 0;\n"
            "    std::memcpy(reinterpret_cast<char*>(&bits) + (half ? 2 : 0), p, half ? 2 : 4);\n"
            "    if ((bits & 0x7fffffffu) > 0x7f800000u) std::memset(p, 0, half ? 2 : 4);\n  }\n  return code;",
        )
    return made

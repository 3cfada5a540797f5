"""Independent truth for the ten tasks: data of our own, results in numpy's float64, and a bound beyond which a result
is plainly wrong. Nothing here comes from the product's references, generators or checker."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Call = dict[str, Any]  # one entry of `mutation_judge layouts`
Arrays = dict[str, np.ndarray]  # by argument, dense, float64 or int64

UNIT = {"f32": 2.0**-24, "bf16": 2.0**-8}
TINY = 2.0**-126
PLAINLY = 32.0  # times what rounding and fp32 sums must cost; production stays below 4


@dataclass
class Expected:
    """What one output must be: `value`, the magnitude that was summed, and further allowances (absolute)."""

    value: np.ndarray
    magnitude: np.ndarray
    extra: np.ndarray | float = 0.0
    exact: bool = False


@dataclass
class Truth:
    outputs: dict[str, Expected] = field(default_factory=dict)
    choice: dict[str, np.ndarray] | None = None  # topk_softmax: probabilities and logits


def to_bits(dtype: str, values: np.ndarray) -> np.ndarray:
    if dtype == "bf16":
        bits = values.astype(np.float32).view(np.uint32)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        nan = np.isnan(values)
        return np.where(nan, 0x7FC0, rounded).astype(np.uint16)
    return values.astype({"f32": np.float32, "i32": np.int32, "i64": np.int64}[dtype])


def from_bits(dtype: str, bits: np.ndarray) -> np.ndarray:
    if dtype == "bf16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return bits.astype(np.float64) if dtype == "f32" else bits.astype(np.int64)


def storage_type(dtype: str) -> type:
    return {"f32": np.float32, "bf16": np.uint16, "i32": np.int32, "i64": np.int64}[dtype]


def rounded(dtype: str, values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return from_bits(dtype, to_bits(dtype, values))


def tensors(call: Call) -> dict[str, Any]:
    return {a["name"]: a for a in call["arguments"] if a["kind"] == "tensor"}


def scalars(call: Call) -> dict[str, Any]:
    return {a["name"]: a["value"] for a in call["arguments"] if a["kind"] in ("float64", "int")}


def draw(task: str, call: Call, rng: np.random.Generator) -> Arrays:
    """Inputs for one call, already values of their dtype."""
    made: Arrays = {}
    given = tensors(call)
    for name, t in given.items():
        if t["access"] == "output":
            continue
        shape = tuple(t["shape"])
        if t["dtype"] in ("i32", "i64"):
            made[name] = np.zeros(shape, np.int64)
            continue
        x = rng.standard_normal(shape)
        if name == "weight" or name == "bias":
            x = x + 1.0
        if task in ("softmax", "topk_softmax", "silu_and_mul"):
            x = x * 4 + (30.0 if task != "silu_and_mul" and rng.random() < 0.3 else 0.0)
        made[name] = rounded(t["dtype"], x)
    if task == "softmax" and call["workload"].startswith("special"):
        made["input"][..., 0] = -np.inf
    if call["workload"].startswith("special"):
        x = made["a" if task == "gemm" else "input"]
        flat = x.reshape(-1, x.shape[-1])
        flat[0, 1], flat[1, 2], flat[2, 0] = np.nan, np.inf, -np.inf
        if task == "softmax":
            flat[3, :] = -np.inf
    if task == "topk_softmax" and given["logits"]["shape"][1] > 1:
        x = made["logits"]
        if rng.random() < 0.5:
            x[...] = rounded(given["logits"]["dtype"], np.round(x / 2))
        if rng.random() < 0.3:
            x[rng.random(x.shape) < 0.2] = -np.inf
            x[:, x.shape[1] // 2] = 0.5
    if task == "rotary_embedding":
        table = given["cos_sin_cache"]
        half = table["shape"][1] // 2
        angle = rng.uniform(0, 6.3, (table["shape"][0], half))
        made["cos_sin_cache"] = rounded(table["dtype"], np.concatenate([np.cos(angle), np.sin(angle)], axis=1))
        made["positions"] = rng.integers(0, max(table["shape"][0], 1), given["positions"]["shape"])
    if task == "paged_decode_attention":
        page, blocks = given["key_cache"]["shape"][1], given["key_cache"]["shape"][0]
        count, width = given["block_table"]["shape"]
        lengths = rng.integers(1, width * page + 1, count)
        if count > 1:
            lengths[0], lengths[-1] = width * page, min(width * page, 1 + int(rng.integers(0, 3)))
        need = count * width
        table = rng.permutation(blocks)[:need] if need <= blocks else rng.integers(0, blocks, need)
        made["block_table"], made["seq_lens"] = table.reshape(count, width), lengths
        reached = np.zeros((blocks, page), bool)
        for s in range(count):
            positions = np.arange(lengths[s])
            reached[made["block_table"][s, positions // page], positions % page] = True
        for cache in ("key_cache", "value_cache"):
            made[cache][~reached] = np.nan
    return made


def gelu(z: np.ndarray) -> np.ndarray:
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def truth(task: str, call: Call, x: Arrays) -> Truth:
    """What the contract's formula gives, in float64."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # means of empty rows
        return _truth(task, call, x)


def _truth(task: str, call: Call, x: Arrays) -> Truth:
    given, value = tensors(call), scalars(call)
    made = Truth()
    if task in ("rms_norm", "fused_add_rms_norm"):
        source = x["input"]
        if task == "fused_add_rms_norm":
            total = x["input"] + x["residual"]
            source = rounded(given["residual"]["dtype"], total)
            made.outputs["residual"] = Expected(source, np.abs(x["input"]) + np.abs(x["residual"]))
        scale = 1 / np.sqrt(np.mean(source**2, axis=-1, keepdims=True) + value["epsilon"])
        result = source * scale * x["weight"]
        made.outputs["out" if task == "rms_norm" else "input"] = Expected(result, np.abs(result))
    elif task == "layer_norm":
        source, bias = x["input"], x.get("bias", np.zeros(1))
        mean = source.mean(axis=-1, keepdims=True)
        rstd = 1 / np.sqrt(((source - mean) ** 2).mean(axis=-1, keepdims=True) + value["epsilon"])
        result = (source - mean) * rstd * x["weight"] + bias
        size = (np.abs(source) + np.abs(mean)) * rstd * np.abs(x["weight"]) + np.abs(bias)
        made.outputs["out"] = Expected(result, size)
    elif task == "silu_and_mul":
        width = given["out"]["shape"][-1]
        g, u = x["input"][..., :width], x["input"][..., width:]
        result = g / (1 + np.exp(-g)) * u
        made.outputs["out"] = Expected(result, np.abs(result) * (1 + np.abs(g)), TINY * np.abs(g * u))
    elif task == "softmax":
        shifted = x["input"] - x["input"].max(axis=-1, keepdims=True) if x["input"].size else x["input"]
        e = np.exp(shifted)
        p = e / e.sum(axis=-1, keepdims=True)
        made.outputs["out"] = Expected(p, np.where(p > 0, p * (1 + np.abs(shifted)), 0), TINY)
    elif task == "rotary_embedding":
        table, size, neox = x["cos_sin_cache"], value["head_size"], value["is_neox"] != 0
        half = table.shape[1] // 2
        cosine = table[x["positions"]][:, None, :half]
        sine = table[x["positions"]][:, None, half:]
        for name in ("query", "key"):
            if name not in given:
                continue
            heads = x[name].reshape(x[name].shape[0], x[name].shape[1] // size, size)
            result, magnitude = heads.copy(), np.zeros_like(heads)
            low = slice(0, half) if neox else slice(0, 2 * half, 2)
            high = slice(half, 2 * half) if neox else slice(1, 2 * half, 2)
            a, b = heads[..., low], heads[..., high]
            result[..., low], result[..., high] = a * cosine - b * sine, b * cosine + a * sine
            magnitude[..., low] = np.abs(a * cosine) + np.abs(b * sine)
            magnitude[..., high] = np.abs(b * cosine) + np.abs(a * sine)
            made.outputs[name] = Expected(result.reshape(x[name].shape), magnitude.reshape(x[name].shape))
    elif task == "topk_softmax":
        logits = x["logits"]
        shifted = logits - logits.max(axis=1, keepdims=True)
        e = np.exp(shifted)
        made.choice = {
            "logits": logits,
            "p": e / e.sum(axis=1, keepdims=True),
            "span": 1 + np.where(np.isfinite(shifted), np.abs(shifted), 0),
            "renormalize": np.array(value["renormalize"]),
        }
    elif task in ("gemm", "gemm_gelu"):
        bias = x.get("bias", np.zeros(given["out"]["shape"][1]))
        z = x["a"] @ x["b"] + bias
        magnitude = np.abs(x["a"]) @ np.abs(x["b"]) + np.abs(bias)
        if task == "gemm":
            made.outputs["out"] = Expected(z, magnitude)
        else:
            slope = (gelu(z + 1e-6) - gelu(z - 1e-6)) / 2e-6
            unit = UNIT[given["out"]["dtype"]]
            made.outputs["out"] = Expected(gelu(z), magnitude * 1.2, unit * np.abs(z * slope) + 1e-9)
    elif task == "paged_decode_attention":
        made.outputs["out"] = attention(call, x)
    return made


def attention(call: Call, x: Arrays) -> Expected:
    given, scale = tensors(call), scalars(call)["scale"]
    count, heads, _ = given["query"]["shape"]
    page, kv_heads = given["key_cache"]["shape"][1:3]
    result, magnitude = np.zeros(x["query"].shape), np.zeros(x["query"].shape)
    spread = np.zeros(x["query"].shape)
    for s in range(count):
        positions = np.arange(x["seq_lens"][s])
        block, row = x["block_table"][s, positions // page], positions % page
        for h in range(heads):
            g = h // (heads // kv_heads)
            k, v, q = x["key_cache"][block, row, g], x["value_cache"][block, row, g], x["query"][s, h]
            score = scale * (k @ q)
            p = np.exp(score - score.max())
            p /= p.sum()
            result[s, h] = p @ v
            magnitude[s, h] = (p @ np.abs(v)) * (2 + np.abs(scale) * (np.abs(k) @ np.abs(q)).max())
            spread[s, h] = np.sqrt((p**2) @ (v**2))
    return Expected(result, magnitude, UNIT[given["out"]["dtype"]] * spread)


def plainly_wrong(name: str, dtype: str, expected: Expected, seen: np.ndarray) -> str | None:
    """Why an output cannot be what an accurate kernel leaves; None where it may be."""
    want = expected.value
    if want.size == 0:
        return None
    with np.errstate(all="ignore"):
        if np.any(np.isnan(want) != np.isnan(seen)):
            return f"{name}: NaN where a number belongs, or the reverse"
        infinite = np.isinf(want) | np.isinf(seen)
        edge = infinite & (np.abs(np.where(np.isinf(want), seen, want)) > 1e38)
        if np.any(infinite & ~edge & ~((want == seen) & infinite)):
            return f"{name}: infinity where a number belongs, or the reverse"
        cost = UNIT[dtype] * np.maximum(np.abs(want), TINY) + 2.0**-24 * expected.magnitude
        excess = (np.abs(seen - want) - 4 * expected.extra) / (cost + TINY * UNIT[dtype])
        excess = np.where(np.isfinite(want) & np.isfinite(seen), excess, 0)
    worst = int(np.argmax(excess))
    if excess.flat[worst] <= PLAINLY:
        return None
    at = tuple(int(i) for i in np.unravel_index(worst, want.shape))
    found = f"{name}{list(at)} = {seen.flat[worst]:.9g}, not {want.flat[worst]:.9g}"
    return f"{found}: {excess.flat[worst]:.3g} times the cost of rounding"


def plainly_wrong_choice(choice: dict[str, np.ndarray], weights: np.ndarray, ids: np.ndarray) -> str | None:
    """topk_softmax: a wrong expert, order or weight."""
    logits, p = choice["logits"], choice["p"]
    count, k = ids.shape
    if k == 0 or count == 0:
        return None
    if np.any(ids < 0) or np.any(ids >= logits.shape[1]):
        return "ids: outside the experts"
    if np.any(np.diff(np.sort(ids, axis=1), axis=1) == 0):
        return "ids: one expert twice"
    best = -np.sort(-p, axis=1)[:, :k]
    taken = np.take_along_axis(p, ids, axis=1)
    if np.any(np.abs(taken - best) > 2.0**-16 * best + 2.0**-120):
        return "ids: not the k largest in descending order"
    chosen = np.take_along_axis(logits, ids, axis=1)
    if np.any((chosen[:, 1:] == chosen[:, :-1]) & (ids[:, 1:] < ids[:, :-1]) & (taken[:, 1:] > 2.0**-120)):
        return "ids: equal logits in the wrong order"
    last = chosen[:, -1:]
    left = logits == last
    np.put_along_axis(left, ids, False, axis=1)
    largest = np.where(chosen == last, ids, -1).max(axis=1)
    if np.any(left & (np.arange(logits.shape[1])[None, :] < largest[:, None]) & (taken[:, -1:] > 2.0**-120)):
        return "ids: of equal logits a later one was taken"
    want = taken / taken.sum(axis=1, keepdims=True) if choice["renormalize"] else taken
    span = choice["span"].max(axis=1, keepdims=True)
    return plainly_wrong("weights", "f32", Expected(want, want * span, TINY), weights)

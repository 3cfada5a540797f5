"""Random use of a pool in which every answer is checked against what was asked."""

from __future__ import annotations

import hashlib
import random

from crucible.vector import KernelVectorEnv

ENTRY = "int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)"


def kernel(body: str) -> str:
    return f'#include <crucible/kernel.h>\nextern "C" {ENTRY} {{\n{body}\n}}\n'


HOSTILE = (
    kernel("__builtin_trap();"),
    kernel("return *(volatile int*)8;"),
    "#error " + "x" * 2000,
    "\0",
    "\n#include </etc/shadow>\n",
    "template <int n> struct S { S<n + 1> s; }; S<0> s;",
)
REPEATED = (kernel("return 46;"), "no kernel")


def source(draw: random.Random, fresh: int) -> str:
    """30 % repeat one of two, 30 % are hostile, the others are new: wrong in forty ways, so that a burst ends soon."""
    kind = draw.random()
    if kind < 0.3:
        return draw.choice(REPEATED)
    if kind < 0.6:
        return draw.choice(HOSTILE)
    return f"this is no kernel either {fresh % 40}"


def burst(envs: KernelVectorEnv, sends: int, seed: int) -> dict[str, int]:
    """Hands in `sends` sources in random pieces, receives in random pieces, and asserts that each got its own answer,
    once. Returns how often each verdict was given."""
    draw = random.Random(seed)
    expected: dict[int, str] = {}
    owing: dict[int, int] = {}  # environment → request
    verdicts: dict[str, int] = {}
    answered = 0
    envs.reset(seed=[seed] * envs.num_envs)
    free = set(range(envs.num_envs))
    while answered < sends:
        count = min(len(free), sends - len(expected), draw.randrange(1, max(2, envs.num_envs // 2)))
        if count > 0 and (draw.random() < 0.7 or not owing):
            chosen = draw.sample(sorted(free), count)
            sources = [source(draw, len(expected) + i) for i in range(count)]
            numbers = envs.send(sources, chosen, priority=draw.randrange(2))
            for env, number, text in zip(chosen, map(int, numbers), sources, strict=True):
                assert number not in expected
                expected[number] = hashlib.sha256(text.encode()).hexdigest()
                owing[env] = number
            free.difference_update(chosen)
            continue
        try:
            infos = envs.recv(timeout=draw.choice([0.0, 0.05, 5.0]), batch_size=draw.randrange(1, envs.num_envs + 1))[4]
        except TimeoutError:
            continue
        final = infos["final_info"]
        for i, env in enumerate(map(int, infos["env_id"])):
            assert owing.pop(env) == infos["request_id"][i]  # once, and its own
            assert final["source_sha256"][i] == expected[int(infos["request_id"][i])]
            verdicts[final["verdict"][i]] = verdicts.get(final["verdict"][i], 0) + 1
            free.add(env)
            answered += 1
    assert not owing
    assert envs.pending() == []
    return verdicts

"""A trainer to be killed: steps a mixture of kernels for ever. Arguments: the run directory, a seed."""

from __future__ import annotations

import random
import sys

from known import SECRET, kernel, known_kernels

from crucible.environment import KernelEnv

#: Kernels that hold on to something while they run.
HOLDERS = (
    kernel("for (volatile int i = 0;; i = i + 1) {}"),
    kernel(
        "static std::thread t[4]; for (auto& x : t) x = std::thread([] { for (;;) sleep(1); }); for (;;) sleep(1);",
        "#include <thread>\n#include <unistd.h>",
    ),
    kernel("return 0;", '#include <map>\n#include <regex>\nstatic std::regex r("(a|b)+");'),
)


def main() -> None:
    run_directory, seed = sys.argv[1], int(sys.argv[2])
    choose = random.Random(seed)
    sources = [*HOLDERS, *(each.source for each in known_kernels().values())]
    env = KernelEnv(
        "rms_norm",
        max_turns=1 << 30,
        backend="cpu",
        run_directory=run_directory,
        secret=SECRET,
        time_budget_seconds=0.1,
        cache=False,
    )
    env.reset(seed=seed)
    print("ready", flush=True)
    while True:
        if env.step(choose.choice(sources))[3]:
            env.reset(seed=seed)


if __name__ == "__main__":
    main()

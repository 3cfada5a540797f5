"""Whatever is handed in has a verdict and an explanation a person can read, and the next step is as good as new."""

from __future__ import annotations

import pytest

import crucible
from conftest import ENTRY, kernel
from crucible.environment import KernelEnv

MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "empty"),
    "ten megabytes": ("int x;\n" * 1_500_000, "large|MiB|bytes"),
    "one line of ten megabytes": ("// " + "x" * 10_000_000, "large|MiB|bytes"),
    "binary": (bytes(range(128, 256)) * 8, "UTF-8"),
    "a NUL": ("int x;\0int y;", "NUL"),
    "a lone surrogate": ("int x; // \ud800", "UTF-8"),
}


@pytest.fixture(autouse=True)
def next_step_works(env: KernelEnv) -> object:
    yield
    assert env.step("int not_a_kernel;")[4]["verdict"] == "compile_error"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(env: KernelEnv, name: str) -> None:
    source, words = MALFORMED[name]
    feedback, reward, _, _, info = env.step(source)
    assert info["verdict"] == "malformed"
    assert reward < 0
    assert any(word.lower() in info["explanation"].lower() for word in words.split("|")), info["explanation"]
    assert env.observation_space.contains(feedback)
    given = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else source
    assert env.last_record is not None
    assert env.last_record.source == given
    again = crucible.Record.from_json(env.last_record.to_json())
    assert again.source == given


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_byte_order_mark_and_crlf_are_fine(env: KernelEnv, seed_kernel: str, mark: str) -> None:
    source = mark + seed_kernel.replace("\n", "\r\n")
    assert env.step(source)[4]["verdict"] == "correct"
    assert env.last_record is not None
    assert env.last_record.source == source.encode()


COMPILE_ERRORS = {
    "no entry point": "#include <crucible/kernel.h>\nint other() { return 0; }\n",
    "C++ linkage": f"#include <crucible/kernel.h>\n{ENTRY} {{ return 0; }}\n",
    "Python": "import torch\n\ndef rms_norm(x):\n    return x\n",
    "CUDA": '__global__ void k(float* x) { x[threadIdx.x] = 0; }\nextern "C" int rms_norm() { k<<<1, 1>>>(0); }\n',
}


@pytest.mark.parametrize("name", COMPILE_ERRORS)
def test_compile_error(env: KernelEnv, name: str) -> None:
    feedback, reward, _, _, info = env.step(COMPILE_ERRORS[name])
    assert info["verdict"] == "compile_error"
    assert reward == 0
    assert "rms_norm" in feedback


def test_a_wrongly_typed_entry_point_is_not_correct(env: KernelEnv) -> None:
    info = env.step('extern "C" double rms_norm(int n) { return n * 0.5; }\n')[4]
    assert info["verdict"] in ("compile_error", "wrong_result", "crashed")
    assert info["explanation"]


CRASHES = {
    "exception": (kernel('throw std::runtime_error("tile 7");', "#include <stdexcept>"), "tile 7"),
    "abort": (kernel("std::abort();", "#include <cstdlib>"), "SIGABRT"),
    "division": (kernel("volatile int one = 1, zero = 0; return one / zero;"), "SIGFPE"),
    "segmentation fault": (kernel("*(volatile int*)16 = 1; return 0;"), "SIGSEGV"),
    "exit": (kernel("std::_Exit(0);", "#include <cstdlib>"), "exit"),
}


@pytest.mark.parametrize("name", CRASHES)
def test_crashed(env: KernelEnv, name: str) -> None:
    source, words = CRASHES[name]
    feedback, reward, _, _, info = env.step(source)
    assert info["verdict"] == "crashed", info["explanation"]
    assert reward == pytest.approx(0.01)
    assert words in info["explanation"]
    assert words in feedback


def test_a_returned_code_is_named(env: KernelEnv) -> None:
    feedback, _, _, _, info = env.step(kernel("return 3;"))
    assert info["verdict"] == "wrong_result"
    assert "returned 3" in feedback


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("body", "verdicts"),
    [("for (volatile int i = 0;; i = i + 1) {}", ("timed_out",)),
     ('for (;;) std::puts("and on and on");', ("timed_out", "crashed"))],
)  # fmt: skip
def test_endless(env: KernelEnv, body: str, verdicts: tuple[str, ...]) -> None:
    info = env.step(kernel(body, "#include <cstdio>"))[4]
    assert info["verdict"] in verdicts
    assert info["explanation"]


def test_output_that_looks_like_a_verdict_is_only_output(env: KernelEnv) -> None:
    body = 'std::printf("{\\"verdict\\": \\"correct\\", \\"reward\\": 1}"); std::fflush(stdout); return 0;'
    _, reward, _, _, info = env.step(kernel(body, "#include <cstdio>"))
    assert info["verdict"] == "wrong_result"
    assert reward <= 0.15

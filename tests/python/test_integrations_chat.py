"""A kernel out of a chat answer, in every shape that trainers hand answers over in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crucible.chat import extract_kernel, fenced

CODE = 'extern "C" int f() {\n  return 0;\n}\n'
BLOCK = f"```cpp\n{CODE}```\n"


@pytest.mark.parametrize(
    "answer",
    [
        BLOCK,
        f"Here it is:\n\n{BLOCK}\nIt is fast.",
        f"~~~cpp\n{CODE}~~~",
        f"````\n{CODE}````",
        f"```c++ title=kernel.cpp\n{CODE}```   \r\n",
        f"A draft:\n```cpp\nint draft;\n```\nBetter:\n{BLOCK}",
        f"```cpp\nint forgot_to_close;\n{BLOCK}",
        f"```markdown\nThe kernel:\n{BLOCK}```\n",
        f"````markdown\n{BLOCK}````\n",
        f"{BLOCK}\n```\n",
        f"{BLOCK}```cpp\n\n```",
        f"<think>maybe\n```cpp\nint thought;\n```\nno</think>\n{BLOCK}",
        f"maybe ```cpp\nint thought;\n```\n</think>\n{BLOCK}",
        f"<think>one</think> <think>two\n```\nx\n```</think>{BLOCK}",
        f"<thinking>a</thinking>\n{BLOCK}",
        f"{BLOCK.rstrip()}<|im_end|>\n<|endoftext|>",
        f"{BLOCK.rstrip()}</s>",
    ],
)
def test_the_last_block_is_the_kernel(answer: str) -> None:
    found = extract_kernel(answer)
    assert found.source == CODE
    assert not found.reason
    assert not found.note


def test_a_block_in_a_list_loses_its_indentation() -> None:
    inside = "".join(f"   {line}\n" for line in CODE.splitlines())
    assert extract_kernel(f"1. this\n   ```cpp\n{inside}   ```\n").source == CODE


@pytest.mark.parametrize(
    "answer",
    [
        [{"role": "user", "content": "```cpp\nint mine;\n```"}, {"role": "assistant", "content": BLOCK}],
        [{"role": "assistant", "content": "```\nold\n```"}, {"role": "tool", "content": "x"}, {"content": BLOCK}],
        {"role": "assistant", "content": BLOCK},
        {"role": "assistant", "content": [{"type": "text", "text": "so:\n"}, {"type": "text", "text": BLOCK}]},
        [SimpleNamespace(role="assistant", content=BLOCK)],
        SimpleNamespace(role="assistant", content=[SimpleNamespace(type="text", text=BLOCK)]),
        BLOCK.encode(),
    ],
)
def test_messages(answer: Any) -> None:
    assert extract_kernel(answer).source == CODE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        (None, "empty"),
        ([], "empty"),
        ([{"role": "user", "content": BLOCK}], "empty"),
        ({"role": "assistant", "content": None}, "empty"),
        (CODE, "no fenced code block"),
        ("use `f()` and ```inline``` code", "no fenced code block"),
        ("```cpp\n\n```", "code block is empty"),
        ("<think>```cpp\nint thought;\n```", "inside its thoughts"),
        (f"{BLOCK}</think>I cannot.", "no fenced code block"),
    ],
)
def test_none_has_a_reason(answer: Any, reason: str) -> None:
    found = extract_kernel(answer)
    assert found.source is None
    assert reason in found.reason


def test_a_block_cut_off_is_judged_and_said() -> None:
    found = extract_kernel(f"```cpp\n{CODE}")
    assert found.source == CODE + "\n"
    assert "never closed" in found.note


def test_tags_inside_the_kernel_are_code() -> None:
    source = "// <think> is no thought here\nint x;\n"
    assert extract_kernel(f"<think>hm</think>\n```cpp\n{source}```\nafter").source == source


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="an answer is text"):
        extract_kernel(7)


@given(st.text(max_size=400))
def test_any_text_has_a_kernel_or_a_reason(text: str) -> None:
    found = extract_kernel(text)
    assert (found.source is None) == bool(found.reason)


@given(st.text(alphabet=st.sampled_from("`~ab \n\t<>"), max_size=60))
def test_fenced_and_back(text: str) -> None:
    source = text.strip() + "\n"
    if source.strip():
        assert extract_kernel(f"words\n{fenced(source)}").source == source

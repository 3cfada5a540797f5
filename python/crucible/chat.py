"""A kernel out of a chat answer: the last fenced block, whatever shape the trainer hands the answer over in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: What a model is told, after the task's prompt, about the shape of its answer.
ANSWER_FORMAT = (
    "Put the whole source into one fenced code block (```cpp on a line of its own, then the text, then ```). "
    "Only the last block of your answer is compiled; everything else is ignored."
)

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*(.*?)[ \t\r]*$")
_OPEN_THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSE_THOUGHT = re.compile(r"</(think|thinking|thought|reasoning)>", re.IGNORECASE)
# Tokens that end a turn: trainers that decode with special tokens leave them behind the last fence.
_END_TOKENS = re.compile(
    r"(?:\s*(?:<\|[^|<>\n]{1,40}\|>|<｜[^｜\n]{1,40}｜>|</s>|<eos>|<pad>|<end_of_turn>))+\s*\Z"  # noqa: RUF001
)
_WRAPPERS = {"markdown", "md"}


@dataclass(frozen=True)
class Extraction:
    """`source` is the kernel, or None with a `reason` that a model can act on. `note` says what was odd about it."""

    source: str | None
    reason: str = ""
    note: str = ""


@dataclass
class _Block:
    mark: str
    indent: str
    language: str
    lines: list[str] = field(default_factory=list)
    wraps: bool = False  # holds blocks of its own: they are what is meant

    @property
    def text(self) -> str:
        return "".join(line.removeprefix(self.indent) + "\n" for line in self.lines)

    def closed_by(self, mark: str, rest: str) -> bool:
        return not rest and mark[0] == self.mark[0] and len(mark) >= len(self.mark)

    def opens(self, mark: str, rest: str) -> bool:
        """A longer fence, or the other character, makes what is inside plain content; so can a writer quote fences."""
        wrapper = self.language.lower() in _WRAPPERS
        return bool(rest) and "`" not in rest and (wrapper or (mark[0] == self.mark[0] and len(mark) >= len(self.mark)))


def answer_text(answer: Any) -> str:
    """The text of an answer: a string, a message, or a list of messages (the last of the assistant's counts).

    A message is a mapping or an object with `role` and `content`; content is text, None, or a list of parts.
    """
    if answer is None:
        return ""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, (bytes, bytearray)):
        return bytes(answer).decode("utf-8", "surrogateescape")
    if isinstance(answer, Sequence):
        if not answer:
            return ""
        if all(_is_part(item) for item in answer):
            return "".join(_part_text(item) for item in answer)
        spoken = [message for message in answer if _get(message, "role") in (None, "assistant")]
        return answer_text(_get(spoken[-1], "content")) if spoken else ""
    if _has(answer, "content"):
        return answer_text(_get(answer, "content"))
    raise TypeError(
        f"an answer is text, a message or a list of messages, not {type(answer).__name__}: give the completion as the "
        "trainer hands it over, or its text"
    )


def extract_kernel(answer: Any) -> Extraction:
    """The last fenced block of an answer, thoughts left out."""
    text = _END_TOKENS.sub("", answer_text(answer))
    if not text.strip():
        return Extraction(None, "The answer is empty. " + ANSWER_FORMAT)
    visible, thinking = _without_thoughts(text)
    blocks, unclosed = _blocks(visible)
    filled = [block for block in blocks if block.text.strip()]
    if filled:
        note = "The last code block is never closed; was the answer cut off?" if filled[-1] is unclosed else ""
        return Extraction(filled[-1].text, note=note)
    if thinking:
        return Extraction(None, "The answer ends inside its thoughts, before any code block. Think less, then answer.")
    if blocks:
        return Extraction(None, "The code block is empty. " + ANSWER_FORMAT)
    return Extraction(None, "The answer holds no fenced code block. " + ANSWER_FORMAT)


def _without_thoughts(text: str) -> tuple[str, bool]:
    """The text outside <think> parts, and whether it ends inside one. Tags inside a code block are code.

    A closing tag without an opening one means that the prompt had opened the thoughts.
    """
    first_open, first_close = _OPEN_THOUGHT.search(text), _CLOSE_THOUGHT.search(text)
    thinking = first_close is not None and (first_open is None or first_close.start() < first_open.start())
    kept: list[str] = []
    fence: _Block | None = None
    for line in text.split("\n"):
        rest = line
        if fence is not None:
            found = _FENCE.match(line)
            if found and fence.closed_by(found[2], found[3]):
                fence = None
            kept.append(line)
            continue
        visible = ""
        while rest:
            tag = (_CLOSE_THOUGHT if thinking else _OPEN_THOUGHT).search(rest)
            if tag is None:
                visible += "" if thinking else rest
                break
            visible += "" if thinking else rest[: tag.start()]
            rest = rest[tag.end() :]
            thinking = not thinking
        found = _FENCE.match(visible)
        if found and not thinking:
            fence = _Block(found[2], found[1], found[3])
        kept.append(visible)
    return "\n".join(kept), thinking


def _blocks(text: str) -> tuple[list[_Block], _Block | None]:
    """Every block without blocks of its own, in the order of their ends, and the one that is still open, if any."""
    done: list[_Block] = []
    open_: list[_Block] = []
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and open_ and open_[-1].closed_by(found[2], found[3]):
            block = open_.pop()
            if not block.wraps:
                done.append(block)
            continue
        if found and (not open_ or open_[-1].opens(found[2], found[3])) and "`" not in found[3]:
            if open_:
                open_[-1].wraps = True
            open_.append(_Block(found[2], found[1], found[3]))
            continue
        if open_:
            open_[-1].lines.append(line)
    last = open_[-1] if open_ and not open_[-1].wraps else None
    return done + ([last] if last else []), last


def _get(message: Any, name: str) -> Any:
    return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)


def _has(message: Any, name: str) -> bool:
    return name in message if isinstance(message, Mapping) else hasattr(message, name)


def _is_part(item: Any) -> bool:
    return isinstance(item, str) or (_get(item, "role") is None and _has(item, "type"))


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    return str(_get(part, "text") or "") if _get(part, "type") in ("text", "output_text") else ""


def messages_of(prompt: str) -> list[dict[str, str]]:
    """A task's prompt as the chat messages that open an episode."""
    return [{"role": "user", "content": f"{prompt.rstrip()}\n{ANSWER_FORMAT}\n"}]


def fenced(source: str, language: str = "cpp") -> str:
    """A source as an answer would hold it; the fence is longer than any inside."""
    longest = max((len(m[2]) for m in _fence_lines(source)), default=0)
    mark = "`" * max(3, longest + 1)
    return f"{mark}{language}\n{source.rstrip()}\n{mark}\n"


def _fence_lines(source: str) -> Iterator[re.Match[str]]:
    for line in source.split("\n"):
        found = _FENCE.match(line)
        if found:
            yield found

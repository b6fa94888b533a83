"""Answers that give whole files: fenced blocks that a path labels, or tags such as `<file path="src/a.py">`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llm.providers.edits.base import AnswerError, Changed, Defect, Files, quoted, refuse_too_many
from llm.providers.edits.endings import like_before
from llm.providers.edits.fences import Fence, fences
from llm.providers.edits.marks import is_other_form
from llm.providers.edits.names import label_above, label_in_comment, label_in_info, resolve

_SHELL = frozenset({"bash", "sh", "shell", "console", "zsh", "powershell", "text", "txt", "output", "log", "diff"})
_SHELL_FILE = (".sh", ".bash", ".zsh", ".ps1", ".txt", ".log", ".diff", ".patch", ".env")
_TAG = re.compile(
    r"\s*<(?P<tag>file|document|code|source|edit|artifact|new_file|updated_file|file_content)\b[^<>]{0,200}?"
    r"\b(?:path|name|file|filename|filepath)\s*=\s*[\"'](?P<path>[^\"'<>]{1,250})[\"'][^<>]{0,200}>(?P<rest>.*)$",
    re.IGNORECASE,
)
_LONGEST_TAG = 1_000
_SAME = 0.5
"""The share of a file's lines that a block without a name must repeat to be taken for it."""
_SMALL_LINES = 5
_LARGE_LINES = 12
_LEAST_KEPT = 1 / 3
"""Of a file of 12 different lines or more, what is given is a fragment if it holds less than a third of them."""


@dataclass(frozen=True, slots=True)
class _Given:
    path: str
    text: str


def read(lines: Sequence[str], files: Files) -> Changed | None:
    """The files that are given whole. AnswerError: AMBIGUOUS, ELIDED, MALFORMED, BAD_PATH, TOO_LARGE."""
    fenced = fences(lines)
    refuse_too_many(len(fenced))
    given = list(_tagged(lines, fenced, files)) or list(_fenced(lines, fenced, files))
    if not given and not fenced:
        given = list(_bare(lines, files))
    texts: dict[str, list[str]] = defaultdict(list)
    for each in given:
        texts[each.path].append(each.text)
    return {path: _one(path, files.get(path, ""), several) for path, several in texts.items()} or None


def _one(path: str, before: str, texts: Sequence[str]) -> str:
    """The file's new text. Of several, those are put aside that only quote the old one."""
    new = dict.fromkeys(text for text in texts if len(texts) == 1 or text.strip() not in before)
    if len(new) > 1:
        raise AnswerError(Defect.AMBIGUOUS, f"{path} is given {len(new)} times, in different forms")
    text = next(iter(new), before)
    if _is_fragment(text, before):
        raise AnswerError(Defect.ELIDED, f"only a part of {path} was given")
    return like_before(before, text)


def _is_fragment(text: str, before: str) -> bool:
    old, new = (_words(each.split("\n")) for each in (before, text))
    begins_inside = text.lstrip("\n")[:1].isspace() and not before.lstrip("\n")[:1].isspace()
    return len(old) >= _LARGE_LINES and (begins_inside or len(old & new) < _LEAST_KEPT * len(old))


def _tagged(lines: Sequence[str], fenced: Sequence[Fence], files: Files) -> Iterator[_Given]:
    closings = _closings(lines)
    inside = {at for fence in fenced if not _opens_with_tag(fence) for at in range(fence.start, fence.end)}
    free = 0
    for at, line in enumerate(lines):
        found = _TAG.match(line) if at >= free and at not in inside and len(line) <= _LONGEST_TAG else None
        if not found:
            continue
        ends = closings[found["tag"].lower()]
        index = bisect_right(ends, at - ("</" in found["rest"]))
        if index == len(ends):
            raise AnswerError(Defect.MALFORMED, f"the tag for {quoted(found['path'])} does not close")
        free = ends[index] + 1
        yield _Given(resolve(found["path"], files), _content(found["rest"], lines[at + 1 : ends[index]]))


def _closings(lines: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        end = line.rstrip()[-_LONGEST_TAG:]
        if end.endswith(">") and "</" in end:
            found[end[end.rindex("</") + 2 : -1].strip().lower()].append(at)
    return found


def _opens_with_tag(fence: Fence) -> bool:
    first = next((line for line in fence.body if line.strip()), "")
    return fence.language in ("", "xml", "html") and bool(_TAG.match(first[:_LONGEST_TAG]))


def _content(first: str, lines: Sequence[str]) -> str:
    """What is between tags, out of the CDATA section or the fence that may be around it."""
    body = [*([first] if first.strip() else []), *lines]
    while body and not body[0].strip():
        body.pop(0)
    body = list(_without_blank_end(body))
    if body and body[0].strip().startswith("<![CDATA["):
        body[0] = body[0].strip().removeprefix("<![CDATA[")
        body[-1] = body[-1].rstrip().removesuffix("]]>")
        body = body[not body[0] : len(body) - (not body[-1])]
    inner = fences(body)
    if len(inner) == 1 and inner[0].start == 0 and inner[0].end == len(body):
        body = list(inner[0].body)
    return _text(body)


def _fenced(lines: Sequence[str], fenced: Sequence[Fence], files: Files) -> Iterator[_Given]:
    least = 0
    named = []
    for fence in fenced:
        if name := _name(lines, fence, least, files):
            named.append((fence, resolve(name, files)))
        least = fence.end
    for fence, path in named:
        if is_other_form(fence.body, files.get(path, "")) or _is_output(fence, path):
            continue
        if not fence.closed and fence.end < len(lines):
            raise AnswerError(Defect.MALFORMED, f"the block for {path} does not close")
        body = fence.body if fence.closed else _without_blank_end(fence.body)
        yield _Given(path, _text(_without_own_name(body, path, files)))
    if not named:
        yield from _by_likeness([fence for fence in fenced if not is_other_form(fence.body, "")], files)


def _is_output(fence: Fence, path: str) -> bool:
    """Whether it shows a command or what one said, under a line that only happens to name a file."""
    has_extension = "." in path.rpartition("/")[2]
    return fence.language in _SHELL and has_extension and not path.endswith(_SHELL_FILE)


def _name(lines: Sequence[str], fence: Fence, least: int, files: Files) -> str:
    first = fence.body[0] if fence.body else ""
    return (
        label_in_info(fence.info, files)
        or label_above(lines, fence.start, least, files)
        or label_in_comment(first, files)
    )


def _without_own_name(body: Sequence[str], path: str, files: Files) -> Sequence[str]:
    """The lines without a first comment that only repeats the path and was not in the file."""
    named = label_in_comment(body[0], files) if body else ""
    repeats = bool(named) and resolve(named, files) == path
    return body[1:] if repeats and not files.get(path, "").startswith(body[0]) else body


def _by_likeness(blocks: Sequence[Fence], files: Files) -> Iterator[_Given]:
    code = [block for block in blocks if block.language not in _SHELL]
    old = {path: _words(text.split("\n")) for path, text in files.items()}
    found = [(path, block) for block in code if (path := _resembled(block.body, old))]
    if code and not found:
        raise AnswerError(Defect.NO_EDIT, "no path says which file the block of code is")
    yield from (_Given(path, _text(block.body)) for path, block in found)


def _resembled(lines: Sequence[str], old: Mapping[str, set[str]]) -> str:
    """The one file that these lines are a new form of, or "". `old`: the lines of each."""
    words = _words(lines)
    alike = [path for path, known in old.items() if known and len(known & words) >= _SAME * len(known)]
    if not alike and len(old) == 1 and all(len(known) <= _SMALL_LINES for known in old.values()):
        alike = list(old)
    return alike[0] if len(alike) == 1 else ""


def _bare(lines: Sequence[str], files: Files) -> Iterator[_Given]:
    """A file with nothing around it: its first and its last line are the old ones."""
    full = [line for line in lines if line.strip()]
    old = {path: _words(text.split("\n")) for path, text in files.items()}
    path = _resembled(full, old)
    if path and {full[0].strip(), full[-1].strip()} <= old[path] and not is_other_form(lines, files[path]):
        yield _Given(path, _text(_without_blank_end(lines)))


def _without_blank_end(lines: Sequence[str]) -> Sequence[str]:
    """What an answer ends with is the answer's, where no fence says that it is the file's."""
    end = max((at for at, line in enumerate(lines) if line.strip()), default=-1)
    return lines[: end + 1]


def _words(lines: Sequence[str]) -> set[str]:
    return {line.strip() for line in lines if line.strip()}


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

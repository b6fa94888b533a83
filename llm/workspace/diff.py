"""Unified diffs: text → `Patch`, and files before and after → text that `git apply` accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.headers import Kind, read_header
from llm.workspace.mend import Section, invalid, sections
from llm.workspace.quoting import quote

MAX_BYTES = 1_000_000
MAX_FILES = 500
_CONTEXT = 3

_Code = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines are tag (` `, `+`, `-`) and text with its newline; one without is the file's unfinished last."""

    old_start: int
    new_start: int
    lines: tuple[str, ...]

    def side(self, tags: str) -> list[str]:
        """The texts of the lines with one of these tags: `" -"` is the file before, `" +"` after."""
        return [line[1:] for line in self.lines if line[0] in tags]

    def __str__(self) -> str:
        ranges = f"-{self.old_start},{len(self.side(' -'))} +{self.new_start},{len(self.side(' +'))}"
        return f"@@ {ranges} @@\n" + "".join(map(_finished, self.lines))


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What happens to one file. `old_path` is "" for `add`, `new_path` for `delete`; modes as git writes them."""

    old_path: str
    new_path: str
    kind: Kind
    old_mode: str = ""
    new_mode: str = ""
    hunks: tuple[Hunk, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that this touches: one, or two for a rename."""
        return tuple(dict.fromkeys(path for path in (self.old_path, self.new_path) if path))

    def lines(self, tag: str) -> Iterator[str]:
        """Texts of the lines with this tag, in all hunks."""
        return (line for hunk in self.hunks for line in hunk.side(tag))


@dataclass(frozen=True, slots=True)
class Patch:
    """A diff, parsed: nothing in it has been compared with any workspace yet. `size_bytes` is the text's."""

    files: tuple[FilePatch, ...]
    size_bytes: int = 0


def parse(text: str, max_bytes: int = MAX_BYTES) -> Patch:
    """Read a unified diff, mending what can be mended (see `mend`).

    DiffError: INVALID_DIFF where there is no diff, or it is binary, malformed, a header only or changes a mode;
    PATH_ESCAPE for symlinks and submodules; TOO_LARGE beyond `max_bytes` or 500 files. Paths are not judged.
    """
    try:
        size = len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError as error:
        raise invalid("half a surrogate pair in the diff") from error
    if size > max_bytes:
        raise DiffError(DiscardReason.TOO_LARGE, f"{size} bytes, and {max_bytes} are the limit")
    if "\0" in text:
        raise invalid("a NUL byte in the diff")
    files = tuple(_file(section) for section in sections(text))
    if not files:
        raise invalid("there is no unified diff in it")
    if len(files) > MAX_FILES:
        raise DiffError(DiscardReason.TOO_LARGE, f"{len(files)} files, and {MAX_FILES} are the limit")
    return Patch(files, size)


def diff_size(patch: Patch) -> int:
    """Added and removed lines together."""
    return sum(line[0] in "+-" for file in patch.files for hunk in file.hunks for line in hunk.lines)


def make_diff(
    before: Mapping[str, str | None], after: Mapping[str, str | None], executable: Collection[str] = ()
) -> str:
    """The unified diff from `before` to the files that `after` names; None (or missing) is no such file.

    Files only in `before` are untouched. `executable` names the added or deleted files that carry the x bit.
    Texts keep their newlines as they are; surrogates stand for bytes that are not UTF-8. "" if nothing differs.
    """
    return "".join(
        _file_diff(path, before.get(path), after[path], "100755" if path in executable else "100644")
        for path in sorted(after)
    )


def _file(section: Section) -> FilePatch:
    header = read_header(section.headers)
    if not section.hunks and (not header.git or header.kind == "modify"):
        raise invalid("a header without hunks is not a diff")
    return FilePatch(
        header.old_path, header.new_path, header.kind, header.old_mode, header.new_mode, _hunks(section.hunks)
    )


def _hunks(lines: Sequence[str]) -> tuple[Hunk, ...]:
    if not lines:
        return ()
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        (file,) = PatchSet(["--- a\n", "+++ b\n", *lines])
    except UnidiffParseError as error:
        raise invalid(str(error).partition(":")[0]) from error
    return tuple(
        Hunk(h.source_start, h.target_start, _unmarked([(line.line_type, line.value) for line in h])) for h in file
    )


def _unmarked(lines: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Lines without the no-newline markers: what stood before one has no newline."""
    marked = [following[0] == "\\" for following in lines[1:]] + [False]
    return tuple(
        tag + (text.removesuffix("\n") if cut else text)
        for (tag, text), cut in zip(lines, marked, strict=True)
        if tag != "\\"
    )


def _finished(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _file_diff(path: str, before: str | None, after: str | None, mode: str) -> str:
    if before == after:
        return ""
    old, new = quote(f"a/{path}"), quote(f"b/{path}")
    head = f"diff --git {old} {new}\n"
    if before is None:
        head += f"new file mode {mode}\n"
    if after is None:
        head += f"deleted file mode {mode}\n"
    hunks = "".join(map(str, _compare(_split(before or ""), _split(after or ""))))
    if not hunks:
        return head
    names = ["/dev/null" if before is None else old, "/dev/null" if after is None else new]
    old_line, new_line = (f"{name}\t" if " " in name else name for name in names)
    return f"{head}--- {old_line}\n+++ {new_line}\n{hunks}"


def _split(text: str) -> list[str]:
    """Lines with their newlines; only `\\n` ends a line (`str.splitlines` would cut at form feeds too)."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _compare(old: list[str], new: list[str]) -> Iterator[Hunk]:
    """The hunks between two files. Only what lies between their common ends is compared: that keeps it quick."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail])
    codes = [(tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in middle.get_opcodes()]
    for group in _grouped([code for code in codes if code[0] != "equal"]):
        (_, i, _, k, _), (_, _, j, _, m) = group[0], group[-1]
        before, after = min(_CONTEXT, i), min(_CONTEXT, len(old) - j)
        lines = _hunk_lines(group, old, new, i - before, j + after)
        yield Hunk(_start(i - before, j + after), _start(k - before, m + after), tuple(lines))


def _grouped(changes: list[_Code]) -> list[list[_Code]]:
    """Changes whose contexts touch make one hunk."""
    groups: list[list[_Code]] = []
    for change in changes:
        if groups and change[1] - groups[-1][-1][2] <= 2 * _CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _hunk_lines(group: list[_Code], old: list[str], new: list[str], at: int, end: int) -> Iterator[str]:
    for _, i, j, k, m in group:
        yield from (f" {line}" for line in old[at:i])
        yield from (f"-{line}" for line in old[i:j])
        yield from (f"+{line}" for line in new[k:m])
        at = j
    yield from (f" {line}" for line in old[at:end])


def _common(old: list[str], new: list[str]) -> int:
    shorter = min(len(old), len(new))
    return next((i for i in range(shorter) if old[i] != new[i]), shorter)


def _start(begin: int, end: int) -> int:
    """A hunk's start as diffs count it: from 1, and the line before it where it has no lines."""
    return begin + (1 if end > begin else 0)

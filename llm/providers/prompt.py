"""What a provider is told: the one place where it is built.

All that comes from the workspace is data: control characters and secrets are taken out before anything is cut,
and each text stands between fences that are longer than any in it. The same request makes the same prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from llm.domain import CheckResult, Diagnostic
from llm.providers.base import Message
from llm.providers.excerpts import around, first_and_last
from llm.providers.prompt_texts import EXCERPT_RULE, FORMATS, SYSTEM, TEST_RULE
from llm.providers.redaction import Redaction
from llm.providers.relevance import BESIDE, FAILING_TEST, is_judge, is_test, ranked
from llm.workspace import tampering

_DIAGNOSTICS_SHARE = 0.15
_OUTPUT_SHARE = 0.25
_FEEDBACK_SHARE = 0.25
_BESIDE_SHARE = 0.25
"""Of the budget. What a part leaves goes to the files; those that only lie close get no more than their share."""
_CROWDED_SHARE = 0.5
"""Where not all files at fault fit, the most of what is left that one of them may take; else it is an excerpt."""
_SHORTEST_EXCERPT = 400
_CONSIDERED = 4
"""Files are looked through for secrets up to this multiple of the budget; what comes after is never sent."""
_MESSAGE_CHARS = 1_000
_COMMAND_CHARS = 500
_SMALL_CHARS, _SMALL_FOR_WEAK_CHARS = 6_000, 16_000
_WEAK = ("local/",)


@dataclass(frozen=True, slots=True)
class Feedback:
    """An earlier answer (may be ""), and what became of it: `told` may be `outcome(…)` or a `retry_hint`."""

    answer: str
    told: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes to a wire. `files` are the paths that are shown, `redacted` counts the secrets taken out.

    `shown` are the texts that an answer is to be read against (`read_answer(text, prompt.shown)`): the files with
    placeholders for secrets. `restore` then puts the secrets back.
    """

    system: str
    messages: tuple[Message, ...]
    redacted: int
    files: tuple[str, ...]
    format: str
    shown: Mapping[str, str] = field(repr=False)
    redaction: Redaction = field(repr=False)

    def restore(self, text: str) -> str:
        """`text` of an edited file with its secrets."""
        return self.redaction.restore(text)

    def hide(self, text: str) -> str:
        """`text` for a further turn: without secrets and control characters."""
        return self.redaction.hide(text)


def build(
    logs: Mapping[str, str],
    files: Mapping[str, str],
    diagnostics: Sequence[Diagnostic],
    checks: Sequence[CheckResult],
    budget_chars: int,
    style: str,
    redact: bool = True,
    feedback: Sequence[Feedback] = (),
    *,
    literals: Iterable[str] = (),
    editable_tests: Collection[str] = frozenset(),
    protected: tuple[str, ...] = (),
) -> Prompt:
    """The prompt for one edit in `style` (`whole`, `search_replace`, `udiff`), at most about `budget_chars` long.

    `checks` are the baseline's results, of which the red ones are told; `logs` the user's own. `literals` are
    configured keys, which never leave even if not `redact`. `editable_tests` may be edited although they are
    tests; files that match a glob of `protected` may not.
    """
    red = [result for result in checks if not result.green and not result.not_run]
    said = [*logs.values(), *(result.output for result in red)]
    order = _considered(ranked(files, diagnostics, "\n".join(said)), files, budget_chars)
    known = [files[path] for path, _ in order]
    turns = [text for each in feedback for text in (each.answer, each.told)]
    spoken = [each.message for each in diagnostics] + [result.check.command for result in red]
    redaction = Redaction.of([*known, *said, *spoken], literals, redact, turns)
    later = tuple(_turns(feedback, int(budget_chars * _FEEDBACK_SHARE), redaction.hide))
    lead = _what_is_red(red, diagnostics, logs, budget_chars, redaction.hide)
    fixed = len(SYSTEM) + len(FORMATS[style]) + len(lead) + sum(len(turn.text) for turn in later)
    shelf = _Shelf(redaction.hide, diagnostics, editable_tests, protected)
    shelf.fill(order, files, max(0, budget_chars - fixed))
    first = Message("user", f"{lead}\n{shelf.text()}\n{FORMATS[style]}")
    told = "".join([SYSTEM, first.text, *(turn.text for turn in later)])
    shown = {**files, **{path: redaction.masked(files[path]) for path, _ in order}}
    return Prompt(SYSTEM, (first, *later), redaction.count(told), shelf.paths, style, shown, redaction)


def choose_style(files: Mapping[str, str], lane: str, diagnostics: Sequence[Diagnostic] = ()) -> str:
    """`whole` where the files at fault are small enough for the lane to write out, else `search_replace`.

    Weak (local) models follow no block format well; large files come back whole from nobody.
    """
    order = ranked(files, diagnostics)
    most = order[0][1] if order else BESIDE
    at_fault = [path for path, tier in order if tier == most < FAILING_TEST] or list(files)
    limit = _SMALL_FOR_WEAK_CHARS if lane.startswith(_WEAK) else _SMALL_CHARS
    longest = max((len(files[path]) for path in at_fault), default=0)
    return "whole" if longest <= limit else "search_replace"


def outcome(
    results: Sequence[CheckResult],
    limit: int,
    hide: Callable[[str], str],
    newly_failing: Sequence[str] = (),
    still_failing: Sequence[str] = (),
) -> str:
    """What is told of a change that was applied and did not turn the checks green, for a `Feedback`.

    About `limit` characters; `hide` is the prompt's, and is asked before anything is cut.
    """
    parts = ["Your change was applied, and the checks were run again. They are not green."]
    lists = (("It made these fail, which did not fail before:", newly_failing), ("Still failing:", still_failing))
    for title, items in lists:
        if items:
            parts.append(f"{title}\n\n{_fenced(first_and_last(hide(chr(10).join(items)), limit // 6))}")
    red = [result for result in results if not result.green and not result.not_run]
    parts += [_check(result, limit // (2 * len(red)), hide) for result in red]
    parts.append("Find out why, and give a complete new edit of the original files, in the same format.")
    return "\n\n".join(parts)


def _considered(order: list[tuple[str, int]], files: Mapping[str, str], budget: int) -> list[tuple[str, int]]:
    used, kept = 0, []
    for path, tier in order:
        if used > _CONSIDERED * budget:
            break
        used += len(files[path])
        kept.append((path, tier))
    return kept


def _turns(feedback: Sequence[Feedback], limit: int, hide: Callable[[str], str]) -> Iterator[Message]:
    each_limit = limit // max(1, 2 * len(feedback))
    for each in feedback:
        if each.answer.strip():
            yield Message("assistant", first_and_last(hide(each.answer), each_limit))
        yield Message("user", first_and_last(hide(each.told), each_limit))


def _what_is_red(
    red: Sequence[CheckResult],
    diagnostics: Sequence[Diagnostic],
    logs: Mapping[str, str],
    budget: int,
    hide: Callable[[str], str],
) -> str:
    parts = ["# What is red"]
    if diagnostics:
        listed = "\n".join(dict.fromkeys(_line(each, hide) for each in diagnostics))
        parts += ["The tools say:", _fenced(first_and_last(hide(listed), int(budget * _DIAGNOSTICS_SHARE)))]
    texts = len(red) + len(logs)
    share = int(budget * _OUTPUT_SHARE) // max(1, texts)
    parts += [_check(result, share, hide) for result in red]
    for name, text in logs.items():
        parts.append(f"The log {_inline(hide(name))}:\n\n{_fenced(first_and_last(hide(text).strip(), share))}")
    return "\n\n".join(parts) + "\n"


def _line(diagnostic: Diagnostic, hide: Callable[[str], str]) -> str:
    place = ":".join(filter(None, (diagnostic.path, str(diagnostic.line or ""), str(diagnostic.column or ""))))
    code = f" [{diagnostic.code}]" if diagnostic.code else ""
    test = f" ({diagnostic.test_id})" if diagnostic.test_id else ""
    message = hide(diagnostic.message)[:_MESSAGE_CHARS]
    return f"{place or diagnostic.tool}: {diagnostic.severity}{code}: {message}{test}"


def _check(result: CheckResult, limit: int, hide: Callable[[str], str]) -> str:
    ended = f"was killed ({result.killed})" if result.killed else f"exits with {result.exit_code}"
    where = "" if result.check.directory == "." else f" in {_inline(hide(result.check.directory))}"
    command = _inline(hide(result.check.command)[:_COMMAND_CHARS])
    return f"The check {command}{where} {ended}:\n\n{_fenced(first_and_last(hide(result.output).strip(), limit))}"


class _Shelf:
    """The files of a prompt, taken in order of relevance until the room is used up."""

    def __init__(
        self,
        hide: Callable[[str], str],
        diagnostics: Sequence[Diagnostic],
        editable_tests: Collection[str],
        protected: tuple[str, ...],
    ) -> None:
        self._hide = hide
        self._diagnostics = diagnostics
        self._editable_tests = editable_tests
        self._protected = protected
        self._editable: dict[str, str] = {}
        self._to_read: dict[str, str] = {}
        self._has_excerpts = False

    @property
    def paths(self) -> tuple[str, ...]:
        """What is shown, in that order."""
        return (*self._editable, *self._to_read)

    def fill(self, order: Sequence[tuple[str, int]], files: Mapping[str, str], room: int) -> None:
        """Take files until `room` characters are used. Those that only lie close share a part, or all if alone."""
        at_fault = [path for path, tier in order if tier < BESIDE]
        alone = not at_fault
        reserve = 0 if alone else int(room * (1 - _BESIDE_SHARE))
        crowded = sum(len(files[path]) for path in at_fault or files) > room
        for path, tier in order:
            if tier == BESIDE and not files[path].strip():
                continue
            if tier == BESIDE:
                room -= self._take(path, files[path], room - reserve, room - reserve, excerpt=alone)
                continue
            used = self._take(path, files[path], room, int(room * _CROWDED_SHARE) if crowded else room)
            room, reserve = room - used, max(0, reserve - used)

    def text(self) -> str:
        """The section of the prompt."""
        parts = [
            _section("# Files that you may edit", self._editable),
            _section("# Files to read only; the rules refuse any edit of them", self._to_read),
            EXCERPT_RULE if self._has_excerpts else "",
            TEST_RULE if any(map(is_test, self._editable)) else "",
        ]
        return "\n".join(filter(None, parts))

    def _take(self, path: str, raw: str, room: int, share: int, excerpt: bool = True) -> int:
        """Put a file on the shelf, as an excerpt of `share` characters where it is longer; the characters used."""
        text = shown = self._hide(raw)
        if len(_entry(path, text)) > share:
            wanted = [each.line for each in self._diagnostics if each.path == path]
            shown = around(text, wanted, share - len(_entry(path, "")))
        entry = _entry(path, shown)
        is_excerpt = shown != text
        too_little = is_excerpt and (not excerpt or len(shown) < _SHORTEST_EXCERPT)
        if too_little or len(entry) > room or self._hide(path) != path:
            return 0
        (self._editable if self._may_edit(path) else self._to_read)[path] = entry
        self._has_excerpts = self._has_excerpts or is_excerpt
        return len(entry)

    def _may_edit(self, path: str) -> bool:
        if tampering.matches(path, self._protected):
            return False
        return path in self._editable_tests or not is_judge(path)


def _section(title: str, entries: Mapping[str, str]) -> str:
    return f"{title}\n\n" + "\n".join(entries.values()) if entries else ""


def _entry(path: str, text: str) -> str:
    return f"{path}\n{_fenced(text)}\n"


def _fenced(text: str) -> str:
    """`text` between fences that are longer than any run of backticks in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{fence}"


def _inline(text: str) -> str:
    """`text` on one line, between backticks that it does not hold."""
    plain = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}"

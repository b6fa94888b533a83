"""eslint's own fixes, then its suggestions: edits that eslint offers but will not make by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import relpath
from typing import Any

from llm.checks.reading import document
from llm.domain import Candidate, CheckResult
from llm.fixers._tool import complaint, diff_of, invocations, options, red_checks, red_files
from llm.fixers.base import RedState
from llm.sandbox.base import Job, Limits

_VALUED = ("-f", "--format", "-o", "--output-file")
_FLAGS = ("--fix", "--fix-dry-run", "--cache", "--color", "--no-color", "--quiet")
_ROUNDS = 4
_MAX_ALTERNATIVES = 10
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class _Suggestion:
    """One edit that eslint describes; offsets in UTF-16 code units after the byte order mark."""

    description: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Message:
    """A complaint that eslint does not fix by itself, with what it suggests."""

    path: str
    rule: str
    text: str
    suggestions: tuple[_Suggestion, ...]


@dataclass(frozen=True, slots=True)
class _Linted:
    """The texts after eslint's fixes (only those of files that it reported on) and what is left to suggest."""

    texts: Mapping[str, str]
    messages: tuple[_Message, ...]


class EslintFixer:
    """`eslint --fix-dry-run` with the check's own options, and the suggestions that its report carries."""

    name = "eslint"
    rank = 5

    def wants(self, red: RedState) -> bool:
        """A red check that is eslint's."""
        return bool(red_checks(red, "eslint"))

    def missing(self, red: RedState) -> str:
        """ "" where each red check's directory has an eslint."""
        directories = {result.check.directory for result in red_checks(red, "eslint")}
        absent = sorted(d for d in directories if not red.sandbox.find("eslint", d))
        return f"eslint in {', '.join(absent)}, for its fixes: npm install" if absent else ""

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """Fixes alone, fixes with every first suggestion, then single other suggestions."""
        seen = {""}
        for origin, texts in _alternatives(red, red_checks(red, "eslint")):
            diff = diff_of(red, texts)
            if diff not in seen:
                seen.add(diff)
                yield Candidate(diff=diff, origin=origin, prior=0.98 if origin == "eslint fixes" else 0.85)


def _alternatives(red: RedState, results: list[CheckResult]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What made it, and the changed texts of all red eslint checks."""
    linted = _lint_all(red, results, {})
    yield "eslint fixes", linted.texts
    offers = [message for message in linted.messages if message.suggestions]
    if not offers:
        return
    yield "eslint fixes and suggestions", _follow(red, results, linted, {})
    others = [(message, n) for message in offers for n in range(1, len(message.suggestions))]
    for message, n in others[:_MAX_ALTERNATIVES]:
        if red.cancel.is_set() or red.remaining_s() <= 0:
            return
        yield (
            f"eslint {message.rule}: {message.suggestions[n].description}",
            _follow(red, results, linted, {message: n}),
        )


def _follow(
    red: RedState, results: list[CheckResult], linted: _Linted, choice: Mapping[_Message, int]
) -> Mapping[str, str]:
    """Apply suggestions (the first of each message unless `choice` names another) until none is left."""
    for _ in range(_ROUNDS):
        texts = _suggested(red, linted, choice)
        if texts == linted.texts or red.cancel.is_set():
            break
        linted = _lint_all(red, results, texts)
    return linted.texts


def _suggested(red: RedState, linted: _Linted, choice: Mapping[_Message, int]) -> dict[str, str]:
    """The texts with one suggestion a message, from the end of the file; overlapping ones wait for a round."""
    texts = dict(linted.texts)
    for path in {message.path for message in linted.messages}:
        edits = [m.suggestions[choice.get(m, 0)] for m in linted.messages if m.path == path and m.suggestions]
        text, start_of_last = texts.get(path, red.files[path]), float("inf")
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
            if 0 <= edit.start <= edit.end < start_of_last:
                text, start_of_last = _splice(text, edit), edit.start
        texts[path] = text
    return texts


def _splice(text: str, edit: _Suggestion) -> str:
    mark = _BOM if text.startswith(_BOM) else ""
    units = text.removeprefix(_BOM).encode("utf-16-le", "surrogatepass")
    inserted = edit.text.encode("utf-16-le", "surrogatepass")
    edited = units[: 2 * edit.start] + inserted + units[2 * edit.end :]
    return mark + edited.decode("utf-16-le", "surrogatepass")


def _lint_all(red: RedState, results: list[CheckResult], texts: Mapping[str, str]) -> _Linted:
    """All checks one after the other, each on what the one before it left."""
    messages: list[_Message] = []
    for result in results:
        for words in _commands(red, result):
            linted = _lint(red, result.check.directory, words, texts)
            texts = {**texts, **linted.texts}
            messages += linted.messages
    return _Linted(texts, tuple(messages))


def _commands(red: RedState, result: CheckResult) -> list[list[str]]:
    """The words after `eslint` of a check; where its line shows none, the files of its diagnostics."""
    found = [options(words, _VALUED, _FLAGS) for words in invocations(red, result, "eslint")]
    if not found:
        found = [[relpath(path, result.check.directory) for path in red_files(red, result, "eslint")]]
    strict = any(word.startswith("--max-warnings") for words in found for word in words)
    return found if strict else [[*words, *_without_warnings(result)] for words in found]


def _without_warnings(result: CheckResult) -> Iterator[str]:
    """Rules off that only warn: they make no check red. (`--quiet` would hide the fixed files as well.)"""
    red = {d.code for d in result.diagnostics if d.severity == "error"}
    for rule in sorted({d.code for d in result.diagnostics} - red - {""}):
        yield from ("--rule", f"{rule}: off")


def _lint(red: RedState, directory: str, words: list[str], texts: Mapping[str, str]) -> _Linted:
    """One run of eslint over these texts. A run that gives no report changes nothing and is named."""
    job = Job(
        argv=("eslint", *words, "--fix-dry-run", "--format", "json"),
        directory=directory,
        files={path: text.encode(errors="surrogateescape") for path, text in texts.items()},
        limits=Limits(wall_s=max(1.0, min(120.0, red.remaining_s())), output_bytes=Limits().report_bytes),
        cancel=red.cancel,
    )
    completed = red.sandbox.execute(job)
    try:
        return _read(red, document(completed.stdout), texts)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # whatever a configuration of the workspace's printed
        red.progress(f"eslint gave no report: {complaint(completed)}")
        return _Linted(texts, ())


def _read(red: RedState, report: list[dict[str, Any]], texts: Mapping[str, str]) -> _Linted:
    """Fixed texts and messages of files that belong to the workspace's sources."""
    workspace = str(red.workspace.resolve())
    fixed = dict(texts)
    messages: list[_Message] = []
    for entry in report:
        path = relpath(entry["filePath"], workspace)
        if path not in red.files:
            continue
        before = texts.get(path, red.files[path])
        if "output" in entry:
            mark = _BOM if before.startswith(_BOM) else ""
            fixed[path] = mark + str(entry["output"]).removeprefix(_BOM)
        messages += [_message(path, message) for message in entry["messages"]]
    return _Linted(fixed, tuple(messages))


def _message(path: str, message: Mapping[str, Any]) -> _Message:
    edits = []
    for offer in message.get("suggestions") or ():
        start, end = map(int, offer["fix"]["range"])
        edits.append(_Suggestion(str(offer["desc"]), start, end, str(offer["fix"]["text"])))
    return _Message(path, str(message.get("ruleId")), str(message["message"]), tuple(edits))


FIXER = EslintFixer()

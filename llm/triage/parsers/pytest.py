"""pytest's text in all traceback styles: what failed is in the summary, where and why in the sections above it."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from llm.domain import Diagnostic, Stage
from llm.triage.frames import EXCEPTION, FRAME, bare_name, deepest
from llm.triage.lines import blocks, diagnostic, scan
from llm.triage.loading import stage_of_loading

_SECTION = re.compile(r"(?P<end>={3,} .*)|_{3,} (?P<name>[^\s_].*[^\s_]|[^\s_]) _{3,}$")
_PHASE = re.compile(r"ERROR (?:at (?:setup|teardown) of|collecting) ")
_SUMMARY = re.compile(r"(?:FAILED|ERROR) (?P<rest>[^\s:][^:\t\n]*\.(?:py|md|rst|txt)(?:::.*| - .*|$))")
_LOCATION = re.compile(r"(?P<path>(?:[A-Za-z]:)?[^\s:][^:\t\n]*\.\w+):(?P<line>\d{1,7}): ?(?P<tail>.*)")
_REASON = re.compile(r"E {1,20}(?!File \")(?P<message>\S.*)")
_SYNTAX = re.compile(r"(?:Syntax|Indentation|Tab)Error\b")
_EXCEPTION_NAME = re.compile(r"[A-Z]\w*$")


@dataclass(frozen=True)
class _Section:
    place: re.Match[str] | None
    message: str
    code: str
    test_path: str


class Pytest:
    """Test ids are node ids; a file that could not be collected has its path as id."""

    tool = "pytest"
    stage = Stage.TESTS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        sections: dict[str, deque[_Section]] = defaultdict(deque)
        for heading, under in blocks(text, _SECTION):
            if heading["name"]:
                sections[_PHASE.sub("", heading["name"], count=1)].append(_read(under))
        for line in scan(text, _SUMMARY):
            test_id, message = _id_and_message(line["rest"])
            known = sections[_section_name(test_id)]
            yield self._diagnostic(test_id, known.popleft() if known else _Section(None, "", "", ""), message)
        for name, left in sections.items():
            for section in filter(lambda s: s.message, left):
                yield self._diagnostic(_guessed_id(name, section), section, "")

    def _diagnostic(self, test_id: str, section: _Section, summary: str) -> Diagnostic:
        code, message = _code_and_message(section.message or summary)
        code = section.code or code
        known = diagnostic(self.tool, section.place, message=message, code=code, test_id=test_id)
        return known if known.path else replace(known, path=test_id.partition("::")[0])

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A file that could not be collected for its imports or syntax is build."""
        return self.stage if "::" in diagnostic.test_id else stage_of_loading(diagnostic)


def _read(under: list[str]) -> _Section:
    places = [found for line in under if (found := _LOCATION.match(line) or FRAME.match(line))]
    place = deepest(places)
    tail = (place.groupdict().get("tail") if place else None) or ""
    code = tail if _EXCEPTION_NAME.match(tail) else ""
    return _Section(place, _reason(under), code, places[0]["path"] if places else "")


def _reason(under: list[str]) -> str:
    """The first `E` line; for broken syntax the one after its excerpt; `--tb=native` has the exception alone."""
    reasons = [found["message"] for line in under if (found := _REASON.match(line))]
    syntax = next((reason for reason in reasons if _SYNTAX.match(reason)), None)
    if syntax or reasons:
        return syntax or reasons[0]
    raised = [line for line in under if (found := EXCEPTION.match(line)) and found["message"]]
    return raised[-1] if raised else ""


def _code_and_message(reason: str) -> tuple[str, str]:
    """`KeyError: 'x'` apart; a bare `assert …` is an AssertionError."""
    found = EXCEPTION.match(reason)
    if found and _EXCEPTION_NAME.match(name := bare_name(found["code"])):
        return name, found["message"] or ""
    return ("AssertionError" if reason.startswith("assert ") else ""), reason


def _id_and_message(rest: str) -> tuple[str, str]:
    """Splits `id - message`; the id of a parametrised test may itself hold ` - ` inside its brackets."""
    end = rest.find("] - ") + 1 if "[" in rest.partition(" - ")[0] else rest.find(" - ")
    return (rest[:end], rest[end + 3 :]) if end > 0 else (rest.rstrip(), "")


def _section_name(test_id: str) -> str:
    """What the section of a test is headed: `Class.test[param]`, or the file where collection failed."""
    path, found, name = test_id.partition("::")
    return name.replace("::", ".") if found else path


def _guessed_id(name: str, section: _Section) -> str:
    """The id where no summary gives it: the first place of a traceback is in the test's own file."""
    if "/" in name or not section.test_path:
        return name
    test, bracket, parameters = name.partition("[")
    return f"{section.test_path}::{test.replace('.', '::')}{bracket}{parameters}"


PARSER = Pytest()

"""go build, go vet and go test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, blocks, diagnostic, first, scan

_COMPILER = re.compile(r"(?:vet: )?" + at("go") + r": (?P<message>\S.*)")
_TEST = re.compile(
    r"=== RUN +(?P<run>\S+)|\s{0,40}--- FAIL: (?P<test_id>\S+)|(?P<end>(?:FAIL|ok|PASS)\b|\s*--- PASS)"
)
_LOG = re.compile(r"\s+" + at("go") + r": (?P<message>.*)")
_PANIC = re.compile(r"(?P<code>panic): (?P<message>.*?)(?: \[recovered\])?$")
_PANIC_FRAME = re.compile(r"\t(?!\S*/src/(?:testing|runtime)/)" + at("go"))


class Go:
    """What the compiler and vet say is build: both forms are the same, and both stop `go test`."""

    tool = "go"
    stage = Stage.BUILD

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for found in scan(text, _COMPILER):
            yield diagnostic(self.tool, found)
        failed = list(_failures(text))
        parents = {found["test_id"].rpartition("/")[0] for found, _ in failed}
        for found, under in failed:
            if found["test_id"] not in parents:
                yield _failure(found, under)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        return Stage.TESTS if diagnostic.test_id else self.stage


def _failures(text: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Failed tests with what they logged: under the heading, or with `-v` (when run) above it."""
    running: dict[str, list[str]] = {}
    for heading, under in blocks(text, _TEST):
        if heading["run"]:
            running[heading["run"]] = under
        elif heading["test_id"]:
            yield heading, [*under, *running.get(heading["test_id"], [])]


def _failure(found: re.Match[str], under: list[str]) -> Diagnostic:
    if panic := first(under, _PANIC):
        return diagnostic("go", found, panic, first(under, _PANIC_FRAME))
    return diagnostic("go", found, first(under, _LOG))


PARSER = Go()

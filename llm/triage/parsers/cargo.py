"""rustc and clippy as cargo prints them, long and short, and `cargo test`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, blocks, diagnostic, first, scan

_KIND = r"(?P<severity>error|warning)(?:\[(?P<code>E\d{4})\])?: (?P<message>\S.*)"
_LONG = re.compile(_KIND)
_ARROW = re.compile(r"\s{0,8}--> " + at("rs|toml"))
_SHORT = re.compile(at("rs") + ": " + _KIND)
_NAMED = re.compile(
    r"(?!error\[E\d{4}\]: |[^:\n]+:\d+:\d+: error\[)"  # `_LONG` and `_SHORT` have those
    r"(?:.*\W)?error\[(?P<code>E\d{4})\](?:: (?P<message>.*))?"
)
_LINT = re.compile(r"\s*= .*\b(?P<code>clippy::[\w-]+)")
_TEST = re.compile(r"---- (?P<test_id>\S.*) stdout ----$|(?P<end>failures:)$")
_PANIC = re.compile(r"thread '.*' (?:\(\d+\) )?panicked at (?:'(?P<message>.*)', )?" + at("rs"))
_AFTER_PANIC = re.compile(r"(?!thread ')(?P<message>\S.*)")

_BUILD = frozenset({"E0432", "E0433", "E0463", "E0583", "E0601", "E0670"})
"""Imports, crates and modules that are not there, no main function, wrong edition. Other codes are types."""


class Cargo:
    """Without a code it is syntax, hence build; clippy's lints are style."""

    tool = "cargo"
    stage = Stage.TYPES

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for found in scan(text, _SHORT):
            yield diagnostic(self.tool, found)
        for found in scan(text, _NAMED):
            yield diagnostic(self.tool, found)
        for found, under in blocks(text, _LONG):
            if arrow := first(under[:2], _ARROW):
                lint = first(under, _LINT)
                known = {"code": lint["code"].replace("-", "_")} if lint else {}
                yield diagnostic(self.tool, found, arrow, **known)
            elif found["code"]:
                yield diagnostic(self.tool, found)
        for found, under in blocks(text, _TEST):
            if found["test_id"]:
                yield _failure(found, under)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        if diagnostic.test_id:
            return Stage.TESTS
        if diagnostic.code.startswith("clippy::"):
            return Stage.STYLE
        return Stage.BUILD if diagnostic.code in ("", *_BUILD) else self.stage


def _failure(found: re.Match[str], under: list[str]) -> Diagnostic:
    """The message follows the place of the panic; before Rust 1.73 it stood in front of it."""
    start = next((i for i, line in enumerate(under) if _PANIC.match(line)), len(under))
    panic, after = first(under[start:], _PANIC), first(under[start + 1 :], _AFTER_PANIC)
    return diagnostic("cargo", found, after, panic)


PARSER = Cargo()

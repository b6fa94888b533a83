"""mypy's text: plain, with columns, with end positions, without codes, and `--pretty`, which wraps messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llm.domain import Diagnostic, Stage
from llm.triage.lines import at, blocks, diagnostic

_LINE = re.compile(at("pyi?|ipynb") + r"(?::\d+:\d+)?: (?P<severity>error|note): (?P<message>.*)")
_CODE = re.compile(r"\[(?P<code>[a-z][a-z-]*)\]$")
_WRAPPED_LINES = 6


class Mypy:
    """Notes only explain an error before them and are left out."""

    tool = "mypy"
    stage = Stage.TYPES

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for found, under in blocks(text, _LINE):
            if found["severity"] == "error":
                message, code = _message_and_code(found["message"], under)
                yield diagnostic(self.tool, found, message=message, code=code)

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        """A file that does not parse breaks the build."""
        return Stage.BUILD if diagnostic.code == "syntax" else self.stage


def _message_and_code(head: str, under: list[str]) -> tuple[str, str]:
    wrapped = takewhile(lambda line: line and not line.startswith(("    ", "Found ")), under[:_WRAPPED_LINES])
    whole = head.rstrip()
    for line in ("", *wrapped):
        whole = f"{whole} {line}".rstrip()
        if found := _CODE.search(whole, max(0, len(whole) - 60)):
            return whole[: found.start()], found["code"]
    return head, ""


PARSER = Mypy()

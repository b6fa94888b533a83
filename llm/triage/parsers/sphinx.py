"""sphinx-build and docutils."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llm.domain import Diagnostic, Stage
from llm.triage.lines import diagnostic, scan

_LINE = re.compile(
    r"(?:(?P<path>(?:[A-Za-z]:)?[^\s:][^:\t\n]*\.(?:rst|md|txt|py|ipynb))(?::docstring of [\w.]+)?"
    r"(?::(?P<line>\d{1,7}))?: )(?P<severity>WARNING|ERROR|CRITICAL): (?P<message>.*)"
)
_AUTODOC = re.compile(r"WARNING: (?P<message>autodoc: failed to import [^;\n]*)")
_CODE = re.compile(r"\[(?P<code>[a-z][\w.]*)\]$")


class Sphinx:
    """Its warnings count as errors, as most projects run it with `-W`."""

    tool = "sphinx"
    stage = Stage.DOCS

    def parse(self, text: str) -> Iterator[Diagnostic]:
        for found in scan(text, _LINE):
            message = found["message"]
            code = _CODE.search(message, max(0, len(message) - 60))
            known = {"message": message[: code.start()]} if code else {}
            yield diagnostic(self.tool, found, code, severity="error", **known)

        for found in scan(text, _AUTODOC):
            yield diagnostic(self.tool, found, code="autodoc.import_object")

    def stage_of(self, diagnostic: Diagnostic) -> Stage:
        return self.stage


PARSER = Sphinx()

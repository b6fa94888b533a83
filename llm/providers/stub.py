"""The offline stand-in for a lane: it calls nobody, costs nothing, and answers with one comment line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from llm.providers.base import ProviderRequest, ProviderResponse, estimate_tokens, make_noop_diff

_LINE_COMMENTS = {
    "//": ".ts .tsx .js .jsx .mjs .cjs .mts .cts .go .rs .java .kt .c .h .cc .cpp .hpp .cs .swift .php .scss",
    "#": ".py .pyi .sh .bash .rb .pl .r .yaml .yml .toml .ini .cfg .mk .tf .ex .exs .nim .jl",
    "--": ".sql .lua .hs .elm",
    ";": ".lisp .clj .el",
}
_BLOCK_COMMENTS = {".css": "/* {} */", ".html": "<!-- {} -->", ".xml": "<!-- {} -->", ".md": "<!-- {} -->"}
_BY_SUFFIX = _BLOCK_COMMENTS | {
    suffix: f"{mark} {{}}" for mark, suffixes in _LINE_COMMENTS.items() for suffix in suffixes.split()
}
_BY_NAME = {"Makefile": "# {}", "Dockerfile": "# {}"}


class Stub:
    """A `Provider` by the contract. `name` is its lane, `note` the words of its comment."""

    name = ""
    note = ""

    def generate(self, req: ProviderRequest) -> ProviderResponse:
        """A comment at the end of the first file that can hold one; no such file: an empty diff."""
        diff = _diff(req.files, self.note)
        asked = "".join([*req.logs.values(), *req.files.values()])
        return ProviderResponse(self.name, diff, estimate_tokens(asked), estimate_tokens(diff), 0, {"stub": True})


def _diff(files: Mapping[str, str], note: str) -> str:
    for path, content in files.items():
        style = _style(path)
        if style and "\0" not in content:
            return make_noop_diff(path, content, style.format(note))
    return ""


def _style(path: str) -> str:
    pure = PurePosixPath(path)
    return _BY_NAME.get(pure.name) or _BY_SUFFIX.get(pure.suffix.lower(), "")

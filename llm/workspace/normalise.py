"""When two candidates are the same: equal files after what no check can see has been put aside."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from hashlib import sha256

_FREE_LAYOUT = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".go", ".rs", ".c", ".h", ".java")


def normal_form(after: Mapping[str, bytes | None], layout_matters: bool = False) -> str:
    """A key that is equal for results (see `patch.apply`) that behave alike.

    Python is compared by syntax tree, languages with free layout without indentation and blank lines, other
    files without trailing whitespace. `layout_matters`: a formatter or a style check judges, so bytes count.
    """
    digest = sha256()
    for path in sorted(after):
        content = after[path]
        form = b"-" if content is None else b"+" + (content if layout_matters else _form(path, content))
        for part in (path.encode("utf-8", "surrogateescape"), form):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _form(path: str, content: bytes) -> bytes:
    if path.endswith((".py", ".pyi")):
        return _python(content)
    lines = [line.rstrip() for line in content.split(b"\n")]
    if path.endswith(_FREE_LAYOUT):
        lines = [line.lstrip() for line in lines if line]
    return b"\n".join(lines)


def _python(content: bytes) -> bytes:
    """The syntax tree, with type comments, which a type checker reads; text that does not parse stays text."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(content, type_comments=True)).encode("utf-8", "surrogateescape")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return content

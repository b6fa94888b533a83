"""Which file a model means: paths as models write them → paths of the workspace."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from llm.providers.edits.base import AnswerError, Defect, quoted
from llm.workspace.paths import flaw

_LONGEST_LABEL = 300
_LABELS_ABOVE = 3
_LEAD = re.compile(
    r"(?:#{1,6}\s+|[-*+]\s+|\d{1,3}[.)]\s+|>\s+)?"
    r"(?:\*{0,2}(?:(?:new|updated|modified) )?(?:file(?:name|path)?|path)(?:\*{0,2}:\*{0,2}\s*|\s+))?",
    re.IGNORECASE,
)
_REMARK = re.compile(r"[ \t]{1,9}\([^()]{0,80}\):?$")
_MARKED = re.compile(r"`([^`]{1,250})`|\*\*([^*]{1,250})\*\*|\"([^\"]{1,250})\"")
_COMMENT = re.compile(r"\s*(?:#|//|/\*|<!--|--|;)\s*(?:file(?:name|path)?:\s*)?([^\s*]{1,250})\s*(?:\*/|-->)?\s*$")
_ATTRIBUTE = re.compile(r"\b(?:file|path|title|name)(?:name|path)?\s*=\s*[\"']?([^\"'\s}]{1,250})")
_PLAIN = re.compile(r"[^\s`'\"<>|*?:;!{}=]+")
_EXTENSION = re.compile(
    r".*\.(?:pyi?|ipynb|[mc]?[jt]sx?|json5?|jsonc|md|mdx|rst|txt|toml|ya?ml|cfg|ini|html?|css|scss|less|go|mod|rs"
    r"|[ch]|cc|cpp|hpp|cxx|cs|java|kts?|rb|php|swift|scala|sh|bash|sql|vue|svelte|astro|lua|exs?|erl|hs|ml|proto"
    r"|graphql|xml|gradle|tf|env|lock|csv|svg|bzl|cmake|jinja|j2|tmpl)",
    re.IGNORECASE,
)
_NAMELESS = frozenset({"Makefile", "Dockerfile", "Justfile", "Procfile", "Gemfile", "Rakefile", "CMakeLists.txt"})


def resolve(raw: str, known: Collection[str]) -> str:
    """The path that `raw` means: a known one, also where it is written with too many or too few directories.

    What is not known is a new file's path. AnswerError(BAD_PATH) unless that is plain and relative.
    """
    path = bare(raw)
    found = _known(path, known)
    if found:
        return found
    if why := flaw(path):
        raise AnswerError(Defect.BAD_PATH, f"the path {quoted(raw)} is refused: {why}")
    return path


def bare(raw: str) -> str:
    """`raw` without decoration: backticks, bold, quotes, a last colon, `./`."""
    path = raw.strip().rstrip(":").strip("`*\"' \t").rstrip(":")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def label_above(lines: Sequence[str], at: int, least: int, known: Collection[str]) -> str:
    """The path that the nearest lines above `at` name (none before `least`), or ""."""
    seen = 0
    for index in range(at - 1, least - 1, -1):
        line = lines[index]
        if not line.strip() or line.lstrip().startswith(("```", "~~~")):
            continue
        if found := label(line, known):
            return found
        seen += 1
        if seen == _LABELS_ABOVE:
            break
    return ""


def label(line: str, known: Collection[str]) -> str:
    """The one path that a line of prose or a heading names, or ""."""
    if len(line) > _LONGEST_LABEL:
        return ""
    own = bare(_REMARK.sub("", _LEAD.sub("", line.strip(), count=1)))
    if is_path(own, known):
        return own
    marked = {bare(next(filter(None, groups))) for groups in _MARKED.findall(line)}
    return _only(marked, known) or _only({bare(word.strip("(),.")) for word in line.split()} & set(known), known)


def label_in_info(info: str, known: Collection[str]) -> str:
    """The path in a fence's info string (`python src/a.py`, `ts:src/a.ts`, `js title="a.js"`), or ""."""
    info = info[:_LONGEST_LABEL]
    if attribute := _ATTRIBUTE.search(info):
        return bare(attribute[1])
    words = [part for word in info.split() for part in (word, word.partition(":")[2])]
    return next((bare(word) for word in words if is_path(bare(word), known)), "")


def label_in_comment(line: str, known: Collection[str]) -> str:
    """The path that is all that a comment says, as models begin a file with, or ""."""
    found = _COMMENT.match(line[:_LONGEST_LABEL])
    path = bare(found[1]) if found else ""
    return path if _known(path, known) or ("/" in path and is_path(path, known)) else ""


def is_path(text: str, known: Collection[str]) -> bool:
    """Whether a bare text is a path: a known one, or one that looks like nothing else."""
    if not text or _known(text, known):
        return bool(text)
    return bool(_PLAIN.fullmatch(text) and (_EXTENSION.fullmatch(text) or text.rpartition("/")[2] in _NAMELESS))


def _only(texts: set[str], known: Collection[str]) -> str:
    """The only known path among these, else the only one that looks like a path, else ""."""
    paths = [text for text in texts if is_path(text, known)]
    for among in ([path for path in paths if _known(path, known)], paths):
        if len(among) == 1:
            return among[0]
    return ""


def _known(path: str, known: Collection[str]) -> str:
    """The known path that is meant: equal, or the longest that `path` ends in, or the only one that ends in it.

    Of a relative path, no more than directories in front may be too many: `web/util.py` is not `util.py`.
    """
    if path in known:
        return path
    parts = path.replace("\\", "/").split("/")
    if ".." in parts or not parts[-1]:
        return ""
    least = 1 if parts[0] in ("", "a", "b") else 2
    if longer := next((ending for ending in _endings(parts, least) if ending in known), ""):
        return longer
    wanted = "/" + "/".join(parts)
    shorter = [each for each in known if each.endswith(wanted)]
    return shorter[0] if len(shorter) == 1 else ""


def _endings(parts: Sequence[str], least: int) -> Iterator[str]:
    return ("/".join(parts[i:]) for i in range(len(parts) - least + 1))

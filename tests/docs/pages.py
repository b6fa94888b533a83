"""The pages that users read, taken apart: headings, links, code, and the words between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.e2e.conftest import REPOSITORY

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_COMMENT = re.compile(r"\s{2,}#\s.*$")


@dataclass(frozen=True)
class Block:
    """A block of code; `language` is "" where none is said."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Shown:
    """A command as a shell is to be given it, and the lines that the page has under it."""

    command: str
    output: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """`anchor` is the one that GitHub gives it."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Page:
    """One page. `name` is its path in the repository, which is how a test calls it."""

    path: Path

    @property
    def name(self) -> str:
        inside = self.path.is_relative_to(REPOSITORY)
        return self.path.relative_to(REPOSITORY).as_posix() if inside else self.path.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tokens(self) -> list[Token]:
        return _MARKDOWN.parse(self.text)

    @cached_property
    def inline(self) -> list[Token]:
        """What stands in the lines, links and code included."""
        return [child for token in self.tokens for child in token.children or ()]

    @cached_property
    def headings(self) -> list[Heading]:
        found: list[Heading] = []
        for opening, content in zip(self.tokens, self.tokens[1:], strict=False):
            if opening.type == "heading_open":
                text = "".join(child.content for child in content.children or ())
                found.append(Heading(int(opening.tag[1:]), text, _anchor(text, [h.anchor for h in found])))
        return found

    @cached_property
    def links(self) -> list[str]:
        """Where links and pictures lead, as they are written."""
        named = {"link_open": "href", "image": "src"}
        return [str(token.attrs[named[token.type]]) for token in self.inline if token.type in named]

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(token.info.strip(), token.content, (token.map or [0])[0] + 1)
            for token in self.tokens
            if token.type in ("fence", "code_block")
        ]

    @cached_property
    def spans(self) -> list[str]:
        """Code within a line."""
        return [token.content for token in self.inline if token.type == "code_inline"]

    @cached_property
    def prose(self) -> str:
        """The words, without any code."""
        return "\n".join(token.content for token in self.inline if token.type == "text")

    @cached_property
    def tables(self) -> list[list[list[str]]]:
        """Each table as lines of cells as they are written, the head first."""
        found: list[list[list[str]]] = []
        for token, content in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type == "table_open":
                found.append([])
            elif token.type == "tr_open":
                found[-1].append([])
            elif token.type in ("th_open", "td_open"):
                found[-1][-1].append(content.content)
        return found

    def table(self, head: str) -> list[list[str]]:
        """The lines below the head whose first cell begins so. StopIteration: there is none."""
        return next(lines for (first, *_), *lines in self.tables if first.startswith(head))

    def of(self, *languages: str) -> list[Block]:
        """The blocks in these languages."""
        return [block for block in self.blocks if block.language in languages]

    def consoles(self) -> list[list[Shown]]:
        """The commands of each console block with what they are shown to print."""
        return [
            list(_shown(block.text if block.language == "console" else _prompted(block.text)))
            for block in self.of("console", "sh")
        ]

    def commands(self) -> list[str]:
        """Those of all console blocks."""
        return [shown.command for block in self.consoles() for shown in block]


def _prompted(script: str) -> str:
    """What is to be typed line by line, as a console shows it."""
    return re.sub(r"^(?=\S)", "$ ", script, flags=re.M)


def _shown(console: str) -> Iterator[Shown]:
    """What follows a prompt, with the lines that a backslash goes on to, and without the remark at its end."""
    for part in re.split(r"^\$ ", console, flags=re.M)[1:]:
        lines = [_COMMENT.sub("", line).rstrip() for line in part.splitlines()]
        last = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
        yield Shown("\n".join(lines[: last + 1]), tuple(filter(None, lines[last + 1 :])))


def _anchor(text: str, taken: list[str]) -> str:
    """As GitHub makes it: letters, digits, hyphens; a number where it is there already."""
    plain = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    again = sum(
        anchor == plain or re.fullmatch(rf"{re.escape(plain)}-\d+", anchor) is not None for anchor in taken
    )
    return f"{plain}-{again}" if again else plain


def _pages(*patterns: str) -> tuple[Page, ...]:
    return tuple(Page(path) for pattern in patterns for path in sorted(REPOSITORY.glob(pattern)))


GUIDES = _pages("README.md", "docs/*.md")
"""What is run. (The Portuguese page has the same commands, which `test_readmes.py` holds.)"""
PAGES = _pages(
    "README*.md",
    "ARCHITECTURE.md",
    "docs/**/*.md",
    "examples/README.md",
    "editors/*/README.md",
    "bench/RESULTS.md",
)
"""Where every link leads somewhere."""

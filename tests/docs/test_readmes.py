"""The README in two languages is one README: the same sections, commands, examples and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import Page
from tests.e2e.conftest import REPOSITORY

ENGLISH = Page(REPOSITORY / "README.md")
PORTUGUESE = Page(REPOSITORY / "README.pt-BR.md")
NEWCOMER_WORDS = 1600
"""About five minutes at 240 words a minute, and half a minute for what is skipped."""


def differences(one: Page, other: Page) -> list[str]:
    """In what the two are not one page."""
    parts = {
        "headings": ([h.level for h in one.headings], [h.level for h in other.headings]),
        "commands": (one.commands(), other.commands()),
        "examples": (
            [block.text for block in one.of("json", "toml", "yaml")],
            [block.text for block in other.of("json", "toml", "yaml")],
        ),
        "tables": (_cells(one), _cells(other)),
        "links": (_targets(one), _targets(other)),
        "code": (sorted(set(one.spans)), sorted(set(other.spans))),
    }
    return [f"{name}: {left} and {right}" for name, (left, right) in parts.items() if left != right]


def _cells(page: Page) -> list[str]:
    return [token.type for token in page.tokens if token.type in ("tr_open", "th_open", "td_open")]


def _targets(page: Page) -> list[str]:
    """The one in the other language stands for itself, and so does a section of the page."""
    return ["README" if "README" in link and "/" not in link else re.sub("#.*", "#", link) for link in page.links]


def test_both_are_the_same_page() -> None:
    assert differences(ENGLISH, PORTUGUESE) == []


@pytest.mark.parametrize("part", ["headings", "commands", "examples", "links", "code"])
def test_a_page_that_lacks_something_is_seen(part: str, tmp_path: Path) -> None:
    lacking = {
        "headings": ("## ", ""),
        "commands": ("$ torre undo", "$ torre unlock"),
        "examples": ("[tool.torre]\n", "[tool.torree]\n"),
        "links": ("(docs/ci.md)", "(docs/mcp.md)"),
        "code": ("`torre schema input`", "torre schema input"),
    }
    other = tmp_path / "README.md"
    other.write_text(PORTUGUESE.text.replace(*lacking[part], 1))
    assert any(found.startswith(part) for found in differences(ENGLISH, Page(other)))


def test_a_newcomer_is_through_in_five_minutes() -> None:
    words = len(re.sub(r"[^\w\s]", "", ENGLISH.text).split())
    assert words <= NEWCOMER_WORDS, words

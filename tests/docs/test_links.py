"""Every link leads somewhere, and every page can be found. Other hosts are not asked: their form is looked at."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import PAGES, Page
from tests.e2e.conftest import REPOSITORY

_PLACE = re.compile(r"(?:llm|tests|docs|tools|bench|ci|editors|examples)/[\w./-]*")
_BENCH = re.compile(r"\bbench\.(\w+)")
_MAKE = re.compile(r"make ([\w-]+)")
_OF_AN_EXAMPLE = "check"
"""`make check` is what a reader's project may have."""


def broken(page: Page) -> list[str]:
    """The links of a page that lead nowhere."""
    return [link for link in page.links if not _leads_somewhere(page, link)]


def _leads_somewhere(page: Page, link: str) -> bool:
    url = urlsplit(link)
    if url.scheme or url.netloc:
        return url.scheme == "https" and "." in url.netloc and not set(link) & set(" <>")
    target = page.path.parent / url.path if url.path else page.path
    if not target.exists():
        return False
    return not url.fragment or url.fragment in [heading.anchor for heading in Page(target).headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Page) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# Here `and` there\n\n## Twice\n\n## Twice\n")
    good = ["there.md", "there.md#here-and-there", "there.md#twice-1", "#top", "https://example.org/a"]
    bad = ["gone.md", "there.md#gone", "#gone", "http://example.org", "https://nowhere", "../gone"]
    page = tmp_path / "page.md"
    page.write_text("# Top\n\n" + "\n".join(f"[words](<{link}>)" for link in [*good, *bad]) + "\n![p](gone.png)\n")
    assert broken(Page(page)) == [*bad, "gone.png"]


def missing(page: Page) -> list[str]:
    """Files and folders of this repository, targets of its Makefile and benches that a page names in vain."""
    named = [text.rstrip("/") for text in page.spans if _PLACE.fullmatch(text)]
    gone = [name for name in named if "NAME" not in name and not _is_there(name)]
    benches = [name for text in page.spans for name in _BENCH.findall(text) if name != "NAME"]
    gone += [f"bench.{name}" for name in benches if not (REPOSITORY / "bench" / f"{name}.py").is_file()]
    targets = {*re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.M), _OF_AN_EXAMPLE}
    return gone + [text for text in page.spans if (found := _MAKE.match(text)) and found[1] not in targets]


def _is_there(name: str) -> bool:
    """A decision may be called by its number."""
    return (REPOSITORY / name).exists() or any(REPOSITORY.glob(f"{name}-*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_target_that_is_named_is_there(page: Page) -> None:
    assert missing(page) == []


def test_a_file_that_is_not_there_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    good = "`llm/cli.py` `tests/docs/` `llm/fixers/NAME.py` `make test` `python -m bench.start`"
    bad = ["llm/gone.py", "tests/gone", "bench.gone", "make gone"]
    page.write_text(f"{good} `{bad[0]}` `{bad[1]}` `python -m {bad[2]}` `{bad[3]}`\n")
    assert missing(Page(page)) == bad


def test_the_index_has_every_page_of_the_docs_and_the_readme_has_the_index() -> None:
    index = Page(REPOSITORY / "docs" / "README.md")
    pages = {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert pages - set(index.links) == set()
    assert "docs/README.md" in Page(REPOSITORY / "README.md").links

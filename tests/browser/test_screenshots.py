"""The pictures of the docs: each page has one, which is the page. `TORRE_SCREENSHOTS=1` takes them anew."""

from __future__ import annotations

import os
import struct

from tests.browser.conftest import Open
from tests.docs.pages import Page as Document
from tests.e2e.conftest import REPOSITORY
from tests.server.conftest import Server

FOLDER = REPOSITORY / "docs" / "screenshots"
PICTURES = ("overview", "quotas", "providers", "speed", "runs", "trace", "overview-dark")
TALLER = {"providers": 1240, "quotas": 1240, "trace": 1640}
"""Pixels, where 800 do not show what the page is for."""
_LARGEST = 200_000
_WIDE = 1280


def size(png: bytes) -> tuple[int, int]:
    """Width and height, from the header."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_every_page_has_its_picture(demo: Server, open_tab: Open, six: tuple[str, ...]) -> None:
    for name, path in zip(PICTURES, (*six, "/"), strict=True):
        height = TALLER.get(name, 800)
        file = FOLDER / f"{name}.png"
        if os.environ.get("TORRE_SCREENSHOTS") == "1":
            scheme = "dark" if name.endswith("-dark") else "light"
            tab = open_tab(demo, color_scheme=scheme, reduced_motion="reduce")
            tab.page.set_viewport_size({"width": _WIDE, "height": height})
            FOLDER.mkdir(exist_ok=True)
            tab.go(path).screenshot(path=file)
        kept = file.read_bytes()
        assert size(kept) == (_WIDE, height), name
        assert 20_000 < len(kept) < _LARGEST, name


def test_every_picture_is_on_the_page_about_the_dashboard_and_one_in_the_readmes() -> None:
    about = Document(REPOSITORY / "docs" / "dashboard.md")
    files = [f"{name}.png" for name in PICTURES]
    assert [link for link in about.links if link.endswith(".png")] == [f"screenshots/{file}" for file in files]
    assert {path.name for path in FOLDER.iterdir()} == set(files)
    for readme in ("README.md", "README.pt-BR.md"):
        assert {"docs/screenshots/overview.png", "docs/dashboard.md"} <= set(Document(REPOSITORY / readme).links)

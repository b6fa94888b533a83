"""A page as a browser would take it: its elements, its words, its tables."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})
Attributes = dict[str, str | None]


class Document(HTMLParser):
    """What is in a page. `tables` are the rows of cells by caption, as they are read."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Attributes]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.unclosed: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.unclosed.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.unclosed and self.unclosed[-1] == tag, (tag, self.unclosed)
            self.unclosed.pop()
        if tag == "table":
            self.tables[self._caption.strip()] = self._rows

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if "caption" in self.unclosed:
            self._caption += data
        elif ("td" in self.unclosed or "th" in self.unclosed) and self._rows and self._rows[-1]:
            self._rows[-1][-1] = " ".join(f"{self._rows[-1][-1]} {data}".split())

    @property
    def text(self) -> str:
        """All words, one space apart."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, **wanted: str) -> list[Attributes]:
        """The elements of this name that have these attributes."""
        named = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(key) == value for key, value in named.items())
        ]

    def links(self) -> Iterator[str]:
        """Where its links lead within the server."""
        for attrs in self.all("a"):
            href = attrs.get("href") or ""
            if href.startswith(("/", "?")):
                yield href

    def violations(self) -> list[str]:
        """What the content security policy of the server would not let a browser do."""
        found = []
        for tag, attrs in self.elements:
            found += [f"{tag} {name}" for name in attrs if name == "style" or name.startswith("on")]
            sources = [str(attrs[name]) for name in ("src", "href", "action") if attrs.get(name)]
            found += [f"{tag} {source}" for source in sources if not source.startswith(("/", "?", "#"))]
            if tag == "style" or (tag == "script" and not attrs.get("src")):
                found.append(tag)
        return found

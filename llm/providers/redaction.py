"""Secrets out of what is sent, and back into what comes home: no edit ever writes a placeholder into a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from llm.triage.clean import strip_control
from llm.workspace.secrets import SHORTEST_KEY, find_secrets, redact


@dataclass(frozen=True)
class Redaction:
    """What stands for what: `originals` by placeholder. The same secret has the same placeholder everywhere."""

    originals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    shapes: bool = True

    @classmethod
    def of(
        cls, texts: Sequence[str], literals: Iterable[str] = (), shapes: bool = True, turns: Iterable[str] = ()
    ) -> Redaction:
        """The secrets of `texts`, and `literals` wherever they occur. Not `shapes`: the literals alone.

        `turns` are what was said about `texts` since: they add secrets and change no placeholder, as they may
        hold some.
        """
        kinds = {literal: "configured key" for literal in literals if len(literal) >= SHORTEST_KEY}
        for text in (*texts, *turns) if shapes else ():
            for form in dict.fromkeys((text, strip_control(text))):
                for finding in find_secrets(form):
                    kinds.setdefault(form[finding.start : finding.end], finding.kind)
        mark = _unused_mark(texts)
        named = {f"[{mark} {number}: {kind}]": secret for number, (secret, kind) in enumerate(kinds.items(), 1)}
        return cls(MappingProxyType(named), shapes)

    def hide(self, text: str) -> str:
        """`text` without control characters and without secrets. One that was not known has no way back."""
        hidden = self.masked(strip_control(self.masked(text)))
        return redact(hidden)[0] if self.shapes else hidden

    def masked(self, text: str) -> str:
        """`text` with the known secrets replaced and nothing else changed: what an answer is read against."""
        return self._secrets.sub(lambda found: self._placeholders[found[0]], text) if self.originals else text

    def restore(self, text: str) -> str:
        """`text` with every placeholder that is left replaced by its secret."""
        return self._marks.sub(lambda found: self.originals[found[0]], text) if self.originals else text

    def count(self, text: str) -> int:
        """How many secrets were taken out of `text`, the unknown ones included."""
        known = len(self._marks.findall(text)) if self.originals else 0
        return known + text.count("[redacted: ")

    @cached_property
    def _placeholders(self) -> Mapping[str, str]:
        return {secret: placeholder for placeholder, secret in self.originals.items()}

    @cached_property
    def _secrets(self) -> re.Pattern[str]:
        return _any_of(sorted(self._placeholders, key=len, reverse=True))

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        return _any_of(self.originals)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)))


def _unused_mark(texts: Sequence[str]) -> str:
    """A word for placeholders that no text holds, so that nothing else is ever restored."""
    return next(mark for mark in _marks() if not any(f"[{mark} " in text for text in texts))


def _marks() -> Iterator[str]:
    yield "redacted"
    number = 2
    while True:
        yield f"redacted-{number}"
        number += 1

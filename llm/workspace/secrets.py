"""Text that looks like a credential: found for the rules, blacked out for logs and prompts.

Two ways: by the shape that an issuer gives its keys (`secret_shapes`), and by being given to a name that says so
(`db_password = "…"`), where the value is neither a word nor a placeholder. Findings never carry the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache

from llm.workspace.secret_shapes import SHAPES

SHORTEST_KEY = 6
"""A shorter configured key is a word such as `none`; taking that out would only spoil the text."""

_ASSIGNED = "assigned credential"
_HINTS = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential")
_NAME = (
    r"(?P<name>passw(?:or)?d|passphrase|pwd|secret|credentials?|token"
    r"|(?:api|auth|access|account|private|secret|signing|encryption|client|service|master|deploy|db)[_-]?key)"
    r"(?:_?\d|s)?(?![\w-])"
)
_QUOTED = re.compile(
    rf"(?i:{_NAME})[\"'`\]]{{0,2}}\s{{0,3}}(?:[=!]={{0,2}}|:=?|=>|,)\s{{0,3}}[@bru]?"
    r"(?P<quote>[\"'`])(?P<secret>[^\s\"'`]{8,200})(?P=quote)"
)
_CONFIGURED = re.compile(
    rf"^[ \t]{{0,40}}(?:export |set |- )?[\"']?[\w.-]{{0,60}}?(?i:{_NAME})[\"']?(?:=|:[ \t]|[ \t]=[ \t])"
    r"(?P<secret>[A-Za-z0-9+/=_~!@#%^&*.-]{16,200})[ \t]*$",
    re.MULTILINE,
)
"""A line of a `.env`, an ini or a YAML file: without quotes, so that more is asked of the value."""

_PLACEHOLDER = re.compile(
    r"example|change_?me|placeholder|dummy|your|xxxx|\*\*\*|\.\.\.|redacted|sample|fake|todo|test|passw|secret|token|cred"
    r"|api[_-]?key|admin|user|letmein|qwerty|none|null|undefined|insert|replace|1234567|abcdef"
    r"|(?<![a-z0-9])(?:foo|bar|my|the)(?![a-z0-9])|<[\w -]*>|\{[\w.:!-]*\}|\$[({a-z_]|%[(sd]",
    re.IGNORECASE,
)
_PLACE = re.compile(r"[./~]|\w+://|[a-z_]\w*(?:\.[a-z_]\w*)+$|[a-z]+(?:[-_:/.][a-z]*\d{0,2})+$", re.IGNORECASE)
_HARMLESS = re.compile(
    r"(?:page|next|continuation|sync|resume|stop|start|end|eos|bos|pad|unk|mask|public)[_-]?$", re.IGNORECASE
)
"""What comes before `token` or `key` where it is a place in a list or a word of a language."""
_LONGEST_PREFIX = 16
_PASSWORDS = ("passw", "passp", "pwd")
_SHORT = 16
_CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"\d"), re.compile(r"[^\w.-]"))


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something lies that looks like a credential: `text[start:end]`."""

    kind: str
    start: int
    end: int


def find_secrets(text: str) -> tuple[Finding, ...]:
    """What looks like a credential, in order, without overlaps.

    A shape is looked for only where one of its hints occurs: logs of megabytes pass through here.
    """
    lowered = text.lower()
    found = [
        finding
        for kind, (hints, _) in SHAPES.items()
        if any(hint in lowered for hint in hints)
        for finding in _of_shape(kind, text)
    ]
    if any(hint in lowered for hint in _HINTS):
        found += _assigned(text)
    return tuple(_merged(sorted(found, key=lambda finding: (finding.start, -finding.end))))


def without_keys(text: str, keys: Collection[str]) -> str:
    """`text` without these configured keys, whatever they look like."""
    for key in sorted(keys, key=len, reverse=True):
        if len(key) >= SHORTEST_KEY:
            text = text.replace(key, "[redacted: configured key]")
    return text


def redact(text: str) -> tuple[str, int]:
    """`text` with each finding replaced by `[redacted: its kind]`, and how many there were."""
    findings = find_secrets(text)
    pieces: list[str] = []
    at = 0
    for finding in findings:
        pieces += (text[at : finding.start], f"[redacted: {finding.kind}]")
        at = finding.end
    return "".join([*pieces, text[at:]]), len(findings)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(SHAPES[kind][1])


def _of_shape(kind: str, text: str) -> Iterator[Finding]:
    pattern = _pattern(kind)
    group = "secret" if "secret" in pattern.groupindex else 0
    for match in pattern.finditer(text):
        told = match.groupdict().get("password") or match.groupdict().get("secret")
        if told is None or not _PLACEHOLDER.search(told):
            yield Finding(kind, *match.span(group))


def _assigned(text: str) -> Iterator[Finding]:
    for pattern, least in ((_QUOTED, 0), (_CONFIGURED, 3)):
        for match in pattern.finditer(text):
            before = text[max(0, match.start("name") - _LONGEST_PREFIX) : match.start("name")]
            if not _HARMLESS.search(before) and _is_credential(match["secret"], match["name"].lower(), least):
                yield Finding(_ASSIGNED, *match.span("secret"))


def _is_credential(value: str, name: str, least: int) -> bool:
    """Whether this is what somebody would keep secret: no word, no path, no reference, no stand-in for one.

    `least` kinds of characters at least (lower case, upper case, digits, others); a long hexadecimal number is one
    whatever it has. A short value must have three, or two and a digit where the name says that it is a password.
    """
    if _PLACEHOLDER.search(value) or _PLACE.match(value):
        return False
    if re.fullmatch(r"[0-9a-fA-F]{32,}", value):
        return len(set(value)) > 6
    kinds = sum(bool(each.search(value)) for each in _CLASSES)
    if len(set(value)) < 6 or not re.search(r"\d", value) or kinds < least:
        return False
    return kinds >= (2 if len(value) >= _SHORT or name.startswith(_PASSWORDS) else 3)


def _merged(found: list[Finding]) -> Iterator[Finding]:
    """Overlapping findings as one, by the name of the first: none of their text may be left over."""
    last = None
    for finding in found:
        if last and finding.start < last.end:
            last = replace(last, end=max(last.end, finding.end))
            continue
        if last:
            yield last
        last = finding
    if last:
        yield last

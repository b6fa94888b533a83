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
_HINTS = ("pass", "pwd", "secret", "token", "key", "credential", "auth")
_NAME = re.compile(
    r"(?:passw(?:or)?d|passphrase|pwd|secret|credentials?|token|redis_?auth|_auth(?<![a-z]_auth)"
    r"|(?:db|smtp|mysql|postgres|pg|redis|user|admin|root|ftp|ldap|e?mail|bind|proxy|http|ssh|app|service)_?pass"
    r"|(?:api|auth|access|account|private|secret|signing|encryption|client|service|master|deploy|db|app|application"
    r"|license|storage|shared|subscription|hmac|session|cookie|admin|write|integration)[_-]?key"
    r"|client-key-data|secret[_-]?key[_-]?base)"
    r"(?:_?\d|s)?(?![\w-])"
)
"""In lower case, as `_plain` makes it."""
_QUOTED = re.compile(
    r"(?:\\{0,3}[\"'`])?[\])]{0,2}(?:\s?:\s?[&\w\[\], |?]{1,40}(?==))?"
    r"(?:\s{0,40}(?:[=!]={0,2}|:=?|=>|,|\|\|=?|\?\?=?|or\b)\s{0,40}|[ \t]{1,8})(?:\(\s{0,40})?"
    r"(?:!!str |&\w{1,20} |\{ ?value ?= ?)?[@bruf]{0,2}\\{0,3}[\"'`]{1,3}"
    r"(?P<secret>(?:[^\s\"'`\\]|\\(?![\"'`])){8,4096})(?=\\{0,3}[\"'`])"
)
_PAIRED = re.compile(
    r"[\"']?(?:\s{0,3}[,{]|\s)\s{0,40}[\"']?(?:value|default)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<secret>[^\s\"'`<>]{8,4096})(?=[\"'\s]|$)"
)
"""A name in one field and its value in the next, as manifests and settings in XML have it."""
_CONFIGURED = re.compile(
    r"[\"']?(?:=|:[ \t]|[ \t]=[ \t])(?P<secret>[A-Za-z0-9+/=_~!@#%^&*.-]{16,2048})[ \t]*$", re.MULTILINE
)
"""A line of a `.env`, an ini or a YAML file: without quotes, so that more is asked of the value."""
_LINE_BEFORE = re.compile(r"[ \t]{0,40}(?:export |set |- )?[\"']?[\w.-]{0,60}")
_BARE = re.compile(
    r"(?:(?:\\{0,3}[\"'])?(?:\]?=|>|:[ \t]{1,8}|[ \t]{1,8}[:=][ \t]{1,8}|:[ \t]?[|>][+-]?[ \t]*\n[ \t]{1,40})"
    r"|(?P<spaced>[ \t]{1,8}))(?P<secret>[A-Za-z0-9+/_~!@#%^*.$-]{8,2048}={0,2})(?![^\s\"'`<>&;,)\\}\]])"
)
"""The same in the middle of a line: a URL's query, a connection string, an argument, a `.netrc`, a header."""
_FLAG = re.compile(r"--[\w-]{0,40}$")
_WORD = re.compile(r"[\w-]")
_NETRC = ("password", "passwd")
"""What a space alone parts from its value: an argument, and these words by themselves."""
_LONGEST_LINE = 128
_TAKEN_OUT = re.compile(r"\[redacted[\w-]{0,16}(?: \d{1,6})?: [\w .-]{0,40}$")
_WITHIN = ((_QUOTED, 0), (_PAIRED, 0), (_BARE, 3))
_FORMS = (*_WITHIN, (_CONFIGURED, 3))
_WORDS = re.compile(r"[A-Za-z][a-z]{2,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

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
_LITERAL_FIRST = re.compile(r"^(\\b)([A-Za-z][A-Za-z\d_]+)(?![A-Za-z\d_?*+{])")
"""What a shape begins with is looked for first, and its edge then: a search for letters is many times quicker."""
_PASSWORDS = re.compile("pass|pwd")
_SHORT, _SHORT_PASSWORD = 16, 10
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
    lowered = _plain(text)
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
    return re.compile(_LITERAL_FIRST.sub(r"\2(?<=\1\2)", SHAPES[kind][1]))


def _of_shape(kind: str, text: str) -> Iterator[Finding]:
    pattern = _pattern(kind)
    group = "secret" if "secret" in pattern.groupindex else 0
    for match in pattern.finditer(text):
        told = match.groupdict().get("password") or match.groupdict().get("secret")
        if told is None or not _PLACEHOLDER.search(told):
            yield Finding(kind, *match.span(group))


def _assigned(text: str) -> Iterator[Finding]:
    for name in _NAME.finditer(_plain(text)):
        before = text[max(0, name.start() - _LONGEST_LINE) : name.start()]
        at_start = _LINE_BEFORE.fullmatch(before.rpartition("\n")[2]) is not None
        forms = _FORMS if at_start else _WITHIN
        values = [(given, least) for form, least in forms if (given := form.match(text, name.end()))]
        if not values:  # most names are given nothing
            continue
        if _HARMLESS.search(before[-_LONGEST_PREFIX:]) or _is_taken_out(before, text[name.end() : name.end() + 1]):
            continue
        for given, least in values:
            if _stands(given, name[0], before) and _is_credential(given["secret"], name[0], least):
                yield Finding(_ASSIGNED, *given.span("secret"))


def _is_taken_out(before: str, after: str) -> bool:
    """Whether a name is that of a kind which stands where a secret of it was."""
    return after == "]" and _TAKEN_OUT.search(before) is not None


def _plain(text: str) -> str:
    """The same characters in lower case at the same places; what is not ASCII is a question mark."""
    return text.encode("ascii", "replace").lower().decode("ascii")


def _stands(given: re.Match[str], name: str, before: str) -> bool:
    """Whether what comes before the name lets a space alone part it from its value, where nothing else does."""
    if given.re is not _BARE or not given["spaced"]:
        return True
    alone = name in _NETRC and not _WORD.match(before, len(before) - 1)
    return alone or _FLAG.search(before) is not None


def _is_credential(value: str, name: str, least: int) -> bool:
    """Whether this is what somebody would keep secret: no word, no path, no reference, no stand-in for one.

    `least` kinds of characters at least (lower case, upper case, digits, others); a long hexadecimal number is one
    whatever it has. A short value must have three, or two and a digit where the name says that it is a password.
    Where kinds are asked for it has no quotes: then it may be code, whose names are made of words.
    """
    if _PLACEHOLDER.search(value) or _PLACE.match(value):
        return False
    if re.fullmatch(r"[0-9a-fA-F]{32,}", value) or _UUID.fullmatch(value):
        return len(set(value)) > 6
    kinds = sum(bool(each.search(value)) for each in _CLASSES)
    if len(set(value)) < 6 or not re.search(r"\d", value) or kinds < least:
        return False
    is_password = _PASSWORDS.search(name) is not None
    if least and (_is_wordy(value) or len(value) < (_SHORT_PASSWORD if is_password else _SHORT)):
        return False
    return kinds >= (2 if len(value) >= _SHORT or is_password else 3)


def _is_wordy(value: str) -> bool:
    return 2 * sum(map(len, _WORDS.findall(value))) >= len(value)


def _merged(found: list[Finding]) -> Iterator[Finding]:
    """Overlapping findings as one, by the name of the first that has a shape: none of their text is left over."""
    last = None
    for finding in found:
        if last and finding.start < last.end:
            kind = finding.kind if last.kind == _ASSIGNED else last.kind
            last = replace(last, kind=kind, end=max(last.end, finding.end))
            continue
        if last:
            yield last
        last = finding
    if last:
        yield last

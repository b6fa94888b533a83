"""Text that looks like a credential: found for the rules, blacked out for logs and prompts.

Each pattern is its issuer's documented or widely scanned-for shape. Findings never carry the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

# Kind → (hints in lower case, one of which any match holds; the shape).
_SHAPES: dict[str, tuple[tuple[str, ...], str]] = {
    "AWS access key": (("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    "AWS secret key": (
        ("secret",),
        r"(?i:aws_?secret(?:_access)?_?key\W{1,5})[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])",
    ),
    "GitHub token": (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    "GitHub fine-grained token": (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
    "GitLab token": (("gl",), r"\bgl(?:pat|ptt|dt|rt|cbt|soat|agent|imt|ft)-[A-Za-z0-9_\-]{20,}"),
    "Slack token": (("xox",), r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    "Slack app token": (("xapp-",), r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+"),
    "Slack webhook": (("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{20,}"),
    "Discord webhook": (("api/webhooks",), r"discord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_\-]{40,}"),
    "Anthropic key": (("sk-ant-",), r"\bsk-ant-[A-Za-z0-9_\-]{20,}"),
    "OpenAI key": (("sk-",), r"\bsk-(?!ant-)(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,}|[A-Za-z0-9]{32,})"),
    "Google API key": (("aiza",), r"\bAIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])"),
    "Google OAuth secret": (("gocspx-",), r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
    "Google OAuth token": (("ya29.",), r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    "Stripe key": (("k_live_", "k_test_"), r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    "Stripe webhook secret": (("whsec_",), r"\bwhsec_[A-Za-z0-9]{24,}"),
    "npm token": (("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    "PyPI token": (("pypi-",), r"\bpypi-[A-Za-z0-9_\-]{50,}"),
    "Docker Hub token": (("dckr_pat_",), r"\bdckr_pat_[A-Za-z0-9_\-]{20,}"),
    "Hugging Face token": (("hf_",), r"\bhf_[A-Za-z]{30,}\b"),
    "SendGrid key": (("sg.",), r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    "Twilio key": (("sk",), r"\bSK[0-9a-f]{32}\b"),
    "Mailgun key": (("key-",), r"\bkey-[0-9a-f]{32}\b"),
    "Shopify token": (("shp",), r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}\b"),
    "DigitalOcean token": (("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    "Databricks token": (("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    "HashiCorp Vault token": (("hvs.", "hvb."), r"\bhv[sb]\.[A-Za-z0-9_\-]{24,}"),
    "Azure storage key": (("accountkey=",), r"(?i:AccountKey=)[A-Za-z0-9+/]{86}=="),
    "Telegram bot token": ((":aa",), r"\b\d{8,10}:AA[A-Za-z0-9_\-]{33}\b"),
    "JSON web token": (("eyj",), r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    "private key": (
        ("private key-----", "private key block-----"),
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[\s\S]{0,16384}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    "password in a URL": (("://",), r"://[^\s:/@'\"{}$<]{1,64}:[^\s:/@'\"{}$<]{6,128}@[\w.\-]+"),
}


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
        Finding(kind, match.start(), match.end())
        for kind, (hints, shape) in _SHAPES.items()
        if any(hint in lowered for hint in hints)
        for match in re.finditer(shape, text)
    ]
    return tuple(_merged(sorted(found, key=lambda finding: (finding.start, -finding.end))))


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


def redact(text: str) -> tuple[str, int]:
    """`text` with each finding replaced by `[redacted: its kind]`, and how many there were."""
    findings = find_secrets(text)
    for finding in reversed(findings):
        text = f"{text[: finding.start]}[redacted: {finding.kind}]{text[finding.end :]}"
    return text, len(findings)

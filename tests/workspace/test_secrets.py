"""Made-up credentials of each known shape are found and blacked out; ordinary code is not."""

from __future__ import annotations

import pytest

from llm.workspace.secrets import find_secrets, redact

_A, _D, _H = "aB3" * 30, "0123456789", "0a1b2c3d" * 10

PLANTED = {
    "AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "AWS secret key": "aws_secret_access_key = " + _A[:40],
    "GitHub token": "ghp_" + _A[:36],
    "GitHub fine-grained token": "github_pat_" + _A[:82],
    "GitLab token": "glpat-" + _A[:20],
    "Slack token": "xoxb-" + _D + "-" + _A[:20],
    "Slack webhook": "hooks.slack.com/services/" + "T0/B0/" + _A[:24],
    "Anthropic key": "sk-ant-" + "api03-" + _A[:60],
    "OpenAI key": "sk-" + "proj-" + _A[:60],
    "Google API key": "AIza" + _A[:35],
    "Google OAuth secret": "GOCSPX-" + _A[:28],
    "Stripe key": "sk_" + "live_" + _A[:24],
    "npm token": "npm_" + _A[:36],
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + _A[:60],
    "Docker Hub token": "dckr_pat_" + _A[:27],
    "Hugging Face token": "hf_" + "abcdefghij" * 4,
    "SendGrid key": "SG." + _A[:22] + "." + _A[:43],
    "Twilio key": "SK" + _H[:32],
    "Shopify token": "shpat_" + _H[:32],
    "DigitalOcean token": "dop_v1_" + _H[:64],
    "Databricks token": "dapi" + _H[:32],
    "HashiCorp Vault token": "hvs." + _A[:30],
    "Azure storage key": "AccountKey=" + _A[:86] + "==",
    "Telegram bot token": _D[:9] + ":AA" + _A[:33],
    "JSON web token": "eyJ" + _A[:20] + ".eyJ" + _A[:20] + "." + _A[:20],
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nMIIE\nabc\n-----END OPENSSH PRIVATE KEY-----",
    "password in a URL": "://" + "torre:hunter22@db.example",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_credentials_are_found_and_redacted(kind: str) -> None:
    text = f'before = "{PLANTED[kind]}"\nafter = 1\n'
    assert [finding.kind for finding in find_secrets(text)] == [kind]
    clean, count = redact(text)
    assert (clean, count) == (f'before = "[redacted: {kind}]"\nafter = 1\n', 1)


def test_of_two_that_overlap_nothing_is_left_over() -> None:
    both = "://" + "user:" + "AKIA" + "ABCDEFGHIJKLMNOP" + "@db.example"
    assert redact(f"x{both} y") == ("x[redacted: password in a URL] y", 1)


ORDINARY = [
    "def skip_tests(self): return sk_learn.fit",
    "sha = 'd670460b4b4aece5915caf5c68d12f560a9fe3e4'",
    "integrity: sha512-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrst==",
    "uuid = '1b2c3d4e-0000-4000-8000-000000000000'",
    "password = os.environ['PASSWORD']",
    "url = f'postgres://{user}:{password}@{host}/x'",
    "git@github.com:org/repo.git https://example.com:8080/path@1.2.3",
    "task-list-of-things-to-do-in-this-very-long-identifier-name",
    "-----BEGIN CERTIFICATE-----",
    "AIza is a prefix; npm_config_registry=x; hf_hub_download(); SG.x",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_no_secret(text: str) -> None:
    assert redact(text) == (text, 0)

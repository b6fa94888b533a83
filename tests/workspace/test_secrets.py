"""Made-up credentials of each known shape are found, blacked out and refused; ordinary code is not."""

from __future__ import annotations

import base64
import random
import uuid
from contextlib import nullcontext
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.diff import make_diff, parse
from llm.workspace.patch import apply
from llm.workspace.rules import Rules, check_rules
from llm.workspace.secret_shapes import SHAPES
from llm.workspace.secrets import find_secrets, redact
from tests.workspace.planted import ASSIGNED, PLANTED

LITERAL = "correct horse battery staple"


def test_each_kind_is_planted() -> None:
    assert set(PLANTED) == set(SHAPES)
    assert len(PLANTED) >= 40


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_credentials_are_found_and_redacted(kind: str) -> None:
    text = f"before = '{PLANTED[kind]}'\nafter = 1\n"
    assert [finding.kind for finding in find_secrets(text)] == [kind]
    clean, count = redact(text)
    assert count == 1 and f"[redacted: {kind}]" in clean
    assert clean.startswith("before = '") and clean.endswith("'\nafter = 1\n")
    assert find_secrets(clean) == ()


@pytest.mark.parametrize("line", ASSIGNED)
def test_what_a_name_says_to_be_secret_is_found(line: str) -> None:
    (finding,) = find_secrets(f"x = 1\n{line}\ny = 2\n")
    assert finding.kind == "assigned credential"
    assert finding.end - finding.start >= 8


@pytest.mark.parametrize("text", [*PLANTED.values(), *ASSIGNED])
def test_what_another_scanner_flags_is_gone(text: str) -> None:
    """Yelp's detect-secrets, with all of its plugins but the three that flag any random text, address or word."""
    lines = f"before = '{text}'\n{text}\n"
    clean = redact(lines)[0]
    flagged = {
        str(found.secret_value)
        for each in lines.split("\n")
        for found in _scanned(each)
        if found.type not in ("Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)")
    }
    assert [value for value in flagged if value in clean] == []


def _scanned(line: str) -> list[Any]:
    with default_settings():
        return list(scan_line(line))


def test_the_other_scanner_flags_some() -> None:
    flagged = [kind for kind, text in PLANTED.items() if _scanned(f"before = '{text}'")]
    assert len(flagged) >= 15, "else it is no oracle"


@pytest.mark.parametrize("text", [*PLANTED.values(), *ASSIGNED, LITERAL])
@pytest.mark.parametrize("path", ["config.py", "docs/setup.md", "data/seed.json"])
def test_a_candidate_that_adds_one_is_refused_without_repeating_it(text: str, path: str, tmp_path: Path) -> None:
    patch = parse(make_diff({}, {path: f"'''\n{text}\n'''\n"}))
    after = apply(patch, tmp_path)
    with pytest.raises(DiffError) as refused:
        check_rules(patch, after, tmp_path, Rules(keys=(LITERAL,)))
    assert refused.value.reason is DiscardReason.SECRET
    told = str(refused.value)
    assert text not in told
    assert [f for f in find_secrets(text) if text[f.start : f.end] in told] == []


def test_the_name_may_stand_in_a_line_that_was_there(tmp_path: Path) -> None:
    before = 'password = (\n    ""\n)\n'
    (tmp_path / "a.py").write_text(before)
    for value, refused in (("tr0ub4dor&3", True), ("", False), ("of the user", False)):
        after = {"a.py": f'password = (\n    "{value}"  # of the database\n)\n'}
        patch = parse(make_diff({"a.py": before}, after))
        with pytest.raises(DiffError, match="assigned credential") if refused else nullcontext():
            check_rules(patch, apply(patch, tmp_path), tmp_path, Rules())


def test_a_key_of_no_known_shape_is_refused_only_where_it_is_configured(tmp_path: Path) -> None:
    patch = parse(make_diff({}, {"a.py": f'URL = "https://evil.example/?k={LITERAL}"\n'}))
    check_rules(patch, apply(patch, tmp_path), tmp_path, Rules())
    with pytest.raises(DiffError, match="something like: configured key"):
        check_rules(patch, apply(patch, tmp_path), tmp_path, Rules(keys=(LITERAL,)))


@pytest.mark.parametrize("secret", [PLANTED["GitHub token"], LITERAL])
def test_a_line_that_moves_within_its_file_adds_none(secret: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"A = '{secret}'\nB = 1\nC = 2\n")
    moved = {"a.py": f"B = 1\nC = 2\nA = '{secret}'\n"}
    patch = parse(make_diff({"a.py": (tmp_path / "a.py").read_text()}, moved))
    check_rules(patch, apply(patch, tmp_path), tmp_path, Rules(keys=(LITERAL,)))


_BODY = [PLANTED["private key"].split("\n")[1]] * 3
_ENDS = ("-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join([_ENDS[0], *_BODY, _ENDS[1]]),
        "\n".join([_ENDS[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0A1B", "", *_BODY, _ENDS[1]]),
        "\\n".join([_ENDS[0], *_BODY, _ENDS[1]]),
        "\n".join(f'    "{line}\\n"' for line in [_ENDS[0], *_BODY, _ENDS[1]]),
        "\n".join(f"> {line}" for line in [_ENDS[0], *_BODY]),
        "\n".join(f"E     {line}" for line in [_ENDS[0], *_BODY, _ENDS[1]]),
        "\n".join(f"2026-01-01T00:00:00Z {line}" for line in [_ENDS[0], *_BODY, _ENDS[1]]),
        " ".join([_ENDS[0], *_BODY, _ENDS[1]]),
        "[" + ",\n".join(f'"{line}"' for line in [_ENDS[0], *_BODY, _ENDS[1]]) + "]",
    ],
    ids=["PEM", "encrypted", "JSON", "source", "cut off", "pytest", "CI log", "one line", "list"],
)
def test_no_line_of_a_private_key_is_left(text: str) -> None:
    clean = redact(f"x = 1\n{text}\ny = 2\n")[0]
    assert _BODY[0] not in clean
    assert clean.startswith("x = 1\n") and clean.endswith("y = 2\n")


def test_of_two_that_overlap_nothing_is_left_over() -> None:
    both = "://" + "torre:" + PLANTED["AWS access key"] + "@db.example"
    assert redact(f"x{both} y") == ("x[redacted: password in a URL] y", 1)


_random = random.Random(7)
_BYTES = _random.randbytes(3000)
ORDINARY = [
    "def skip_tests(self): return sk_learn.fit",
    f"sha = '{sha256(b'x').hexdigest()}'",
    f'"integrity": "sha512-{base64.b64encode(sha512(b"x").digest()).decode()}",',
    f"    --hash=sha256:{sha256(b'y').hexdigest()} \\",
    f'checksum = "{sha256(b"z").hexdigest()}"',
    f"commit: {sha256(b'c').hexdigest()[:40]}",
    f"uuid = '{uuid.UUID(int=0x1B2C << 100)}'",
    f"token_hash = '{sha256(b't').hexdigest()}'",
    f'src="data:image/png;base64,{base64.b64encode(_BYTES).decode()}"',
    f'"mappings": "{";".join(["AAAA", "SAASA", "IACQE"] * 300)}"',
    "password = os.environ['PASSWORD']",
    "password = getpass.getpass()",
    "password: str = Field(min_length=8)",
    "PASSWORD = 'password123'",
    "password = 'changeme-2024'",
    "api_key = 'your-api-key-here-1'",
    "API_KEY=${ACME_API_KEY_2024}",
    "api_key: {{ secrets.ACME_KEY_1 }}",
    "token = 'access_token_v2'",
    "secret_name = 'prod/database/password1'",
    "secret = '/run/secrets/db_password_1'",
    "token: Sha256Token | None = None",
    "token = tokens[i + 1].value2",
    "TOKEN_URL = 'https://login.example.com/oauth2/v2.0/token'",
    "next_token = 'page2cursor'",
    "'key': 'ArrowDown12'",
    "const privateKey = loadKey('keys/dev1.pem')",
    "expect(login('alice', 'wonderland')).toBe(true)",
    "client_secret_basic = 'client_secret_basic'",
    "Authorization: Bearer <your-token-of-32-characters>",
    "headers = {'Authorization': f'Bearer {token}'}",
    "url = f'postgres://{user}:{password}@{host}/x'",
    "postgres://user:password@localhost:5432/test",
    "git@github.com:org/repo.git https://example.com:8080/path@1.2.3",
    "task-list-of-things-to-do-in-this-very-long-identifier-name",
    "-----BEGIN CERTIFICATE-----",
    "private_key: Ed25519PrivateKey | Ed448PrivateKey",
    "token = computeSha256Digest(body2)",
    "login(username=name, password=password2, token=sessionToken2Value)",
    "the password changed2Times, and a token SHA256withRSA2048 was read",
    "first_pass = optimizeLoops2; primary_key=True; sort_key: 'Name2Date'",
    f"client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{_random.randbytes(40).hex()}",
    "postgres://localhost:5432/x?email=a@b.example/c",
    "app.py:1000:5:E501:longline2",
    "curl -u $USER:$PASSWORD2 https://x; mysql -p$DB_PASSWORD2 x",
    "Cookie: session=; theme=dark",
    'START = b"-----BEGIN RSA PRIVATE KEY-----"\nEND = b"-----END RSA PRIVATE KEY-----"',
    '"private_key": "-----BEGIN EC PRIVATE KEY-----\\n<key bytes>\\n-----END EC PRIVATE KEY-----\\n"',
    "{'page_token': 'AMEw9yO5jnsGnZJLHSKDFHJJu'}",
    "continuation_token = b'stream_tok_hop_2'",
    "AIza is a prefix; npm_config_registry=x; hf_hub_download(); SG.x",
    "AKCHANGELOG APFloatBase64; dp.parse; pat.match; sig=None",
    "class Discord: Message.author.display_avatar_url_of_the_person",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_no_secret(text: str) -> None:
    assert redact(text) == (text, 0)

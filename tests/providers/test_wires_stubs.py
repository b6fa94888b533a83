"""The offline stubs: a comment line that git really applies, whatever the file is like."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm.providers.adapters.anthropic import AnthropicStub
from llm.providers.adapters.google import GoogleStub
from llm.providers.adapters.local import LocalStub
from llm.providers.adapters.openai import OpenAIStub
from llm.providers.base import Provider, ProviderRequest, estimate_tokens, make_noop_diff

STUBS: dict[str, Provider] = {
    "local/qwen2.5-7b": LocalStub(),
    "openai/gpt-4o": OpenAIStub(),
    "anthropic/claude-3.5": AnthropicStub(),
    "google/gemini-1.5": GoogleStub(),
}


def applied(folder: Path, path: str, content: str, diff: str) -> str:
    """The file after `git apply`, with no leave to be lenient."""
    folder.mkdir(exist_ok=True)
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode())
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        input=diff.encode(),
        cwd=folder,
        env={"GIT_CEILING_DIRECTORIES": str(folder.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    return file.read_bytes().decode()


@pytest.mark.parametrize("lane", STUBS)
def test_a_stub_answers_the_seeds_own_request(lane: str, tmp_path: Path) -> None:
    request = ProviderRequest({"types": "TS2307"}, {"src/App.tsx": "console.log(1)"})
    response = STUBS[lane].generate(request)
    assert (response.provider, STUBS[lane].name) == (lane, lane)
    assert response.meta == {"stub": True}
    assert response.latency_ms == 0
    assert response.tokens_out == estimate_tokens(response.diff)
    after = applied(tmp_path, "src/App.tsx", "console.log(1)", response.diff)
    first, comment = after.splitlines()
    assert first == "console.log(1)"
    assert comment.startswith("// ") and comment.endswith(" stub")
    assert STUBS[lane].generate(request) == response


def test_the_stubs_are_told_apart() -> None:
    request = ProviderRequest({}, {"a.py": "x = 1\n"})
    assert len({stub.generate(request).diff for stub in STUBS.values()}) == len(STUBS)


@pytest.mark.parametrize("files", [{}, {"data.json": "{}"}, {"a.py": "x\0y"}, {"LICENSE": "text\n"}])
def test_no_file_that_can_hold_a_comment_gives_no_diff(files: dict[str, str]) -> None:
    assert OpenAIStub().generate(ProviderRequest({"build": "error"}, files)).diff == ""


@pytest.mark.parametrize(
    ("path", "comment"),
    [
        ("a.py", "# gpt: precise fix stub"),
        ("a.go", "// gpt: precise fix stub"),
        ("a.css", "/* gpt: precise fix stub */"),
        ("a.html", "<!-- gpt: precise fix stub -->"),
        ("a.sql", "-- gpt: precise fix stub"),
        ("Makefile", "# gpt: precise fix stub"),
    ],
)
def test_the_comment_is_in_the_files_own_language(path: str, comment: str, tmp_path: Path) -> None:
    files = {"data.json": "{}", path: "one\ntwo\n"}
    diff = OpenAIStub().generate(ProviderRequest({}, files)).diff
    assert applied(tmp_path, path, "one\ntwo\n", diff) == f"one\ntwo\n{comment}\n"


ODD_FILES = {
    "empty": ("a.py", ""),
    "one line": ("a.py", "x = 1\n"),
    "no final newline": ("a.py", "x = 1\ny = 2"),
    "long": ("a.py", "same\n" * 50),
    "blank lines at the end": ("a.py", "x = 1\n\n\n"),
    "crlf": ("a.ts", "a\r\nb\r\nc\r\nd\r\n"),
    "crlf without a final newline": ("a.ts", "a\r\nb"),
    "a space in the path": ("src/my file.py", "x = 1\n"),
    "an accent in the path": ("src/naïve 日.py", "x = 1\n"),
    "a line that looks like a diff": ("a.py", "--- a/b\n+++ b/b\n@@ -1 +1 @@"),
    "other line separators": ("a.py", "x = '\u2028\x0c'\ny = 2\n"),
}


@pytest.mark.parametrize(("path", "content"), ODD_FILES.values(), ids=ODD_FILES)
def test_the_noop_applies_to_any_file(path: str, content: str, tmp_path: Path) -> None:
    after = applied(tmp_path, path, content, make_noop_diff(path, content, "# noop"))
    assert after.startswith(content)
    assert after.removeprefix(content).strip() == "# noop"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(alphabet="ab \t\\+-@\n\r", max_size=40))
def test_the_noop_applies_to_any_text(content: str, tmp_path: Path) -> None:
    after = applied(tmp_path / "tree", "a.py", content, make_noop_diff("a.py", content, "# noop"))
    assert after.startswith(content)
    assert after.removeprefix(content).strip() == "# noop"

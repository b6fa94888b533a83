"""Files of a request become a private directory, or the request is refused by the name of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.domain import RepairRequest
from llm.errors import InputError
from llm.workspace.materialise import materialise
from tests.workspace.oracle import tree


def request(*paths: str, text: str = "x\n") -> RepairRequest:
    return RepairRequest(trace_id="t", files=dict.fromkeys(paths, text))


def test_files_are_written_and_removed() -> None:
    with materialise(request("a.py", "dir/b c/é\n.py", ".github/x.yml", text="é\r\n\udce9")) as workspace:
        assert workspace.stat().st_mode & 0o777 == 0o700
        assert workspace == workspace.resolve()
        assert set(tree(workspace)) == {"a.py", "dir/b c/é\n.py", ".github/x.yml"}
        assert (workspace / "a.py").read_bytes() == "é\r\n".encode() + b"\xe9"
    assert not workspace.exists()


def test_removed_after_an_error_too() -> None:
    seen: list[Path] = []
    with pytest.raises(ZeroDivisionError), materialise(request("a.py")) as workspace:
        seen.append(workspace)
        raise ZeroDivisionError
    assert not seen[0].exists()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a\0b",
            "",
            ".",
            "a//b",
            "a/",
            "C:\\x",
            "..\\x",
            "x" * 256,
            "x/" * 3000,
        ),
        *(".git/config", "a/.git/hooks/pre-commit", ".GIT/config", "git~1/config", ".g\u200cit/x", "\ud800.py"),
    ],
)
def test_hostile_paths_are_named(path: str) -> None:
    with pytest.raises(InputError) as refused, materialise(request("fine.py", path)):
        pass
    assert refused.value.field.startswith('files["')
    str(refused.value).encode()


def test_a_file_that_is_also_a_directory() -> None:
    with (
        pytest.raises(InputError, match="both a file and the directory") as refused,
        materialise(request("a/b", "a")),
    ):
        pass
    assert refused.value.field == 'files["a"]'


def test_text_that_cannot_be_encoded() -> None:
    with pytest.raises(InputError, match="surrogate"), materialise(request("a.py", text="\ud800")):
        pass

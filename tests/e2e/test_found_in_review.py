"""Cases that came from reviews of Torre: each of these once ended in a traceback or in a wrong verdict."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import TORRE, Torre
from tests.e2e.test_bad_workspaces import RUFF, UNUSED_IMPORT, WITHOUT_OVERRIDE

Make = Callable[..., Path]
AS_ANYBODY = (*WITHOUT_OVERRIDE, *TORRE) if os.geteuid() == 0 else TORRE


def test_a_named_check_that_cannot_run_keeps_a_fix_from_being_proven(torre: Torre, workspace: Make) -> None:
    root = workspace(UNUSED_IMPORT)
    assert torre("fix", "--json", "--check", RUFF, root).json()["mode"] == "PATCH"
    ran = torre("fix", "--json", "--check", RUFF, "--check", "frobnicate --all", root)
    answer = ran.json()
    assert (ran.exit_code, answer["mode"]) == (1, "ADVISORY")
    assert "frobnicate" in answer["report"]["summary"] and answer["diff"]


def test_bytes_that_are_not_utf8(torre: Torre, workspace: Make) -> None:
    root = workspace(UNUSED_IMPORT)
    (root / os.fsdecode(b"test_\xff.py")).write_text("def test_a(): pass\n")
    ran = torre("fix", "--json", "--check", os.fsdecode(b"echo \xff; exit 1"), root)
    assert (ran.exit_code, ran.json()["mode"]) == (1, "ADVISORY"), ran.stderr


@pytest.mark.parametrize("closed", ["pyproject.toml", "inner"])
def test_what_may_not_be_read_is_named_or_left_out(torre: Torre, workspace: Make, closed: str) -> None:
    files = {**UNUSED_IMPORT, "pyproject.toml": "[tool.ruff]\n", "inner/a.py": "X = 1\n"}
    root = workspace(files)
    (root / closed).chmod(0)
    try:
        ran = torre("checks", root, command=AS_ANYBODY)
    finally:
        (root / closed).chmod(0o755)
    assert "Traceback" not in ran.stderr
    assert (ran.exit_code == 2 and closed in ran.stderr) or ran.exit_code in (0, 1), ran.stderr


def test_directories_a_thousand_deep(torre: Torre, tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    script = "import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')"
    subprocess.run(["python3", "-c", script], cwd=root, check=True)
    ran = torre("fix", "--check", "true", root)
    subprocess.run(["rm", "-rf", str(root)], check=True)  # pytest's own cleaning would go as deep as Python can
    assert ran.exit_code == 0, ran.stderr


def test_a_home_that_cannot_be_written(torre: Torre, workspace: Make) -> None:
    nowhere = "/dev/null/home"  # not even root makes a directory there
    extra = {"HOME": nowhere, "XDG_STATE_HOME": f"{nowhere}/state"}
    ran = torre("fix", "--check", RUFF, workspace(UNUSED_IMPORT), extra=extra)
    assert ran.exit_code == 0, ran.stderr


def test_a_probe_that_was_half_remembered_is_made_again(torre: Torre, workspace: Make, tmp_path: Path) -> None:
    extra, root = {"XDG_CACHE_HOME": str(tmp_path / "cache")}, workspace(UNUSED_IMPORT)
    assert torre("fix", "--check", RUFF, root, extra=extra).exit_code == 0
    remembered = list((tmp_path / "cache" / "torre").iterdir())
    for file in remembered:
        file.write_text("")
    assert torre("fix", "--check", RUFF, root, extra=extra).exit_code == 0
    assert remembered and all(file.read_text() for file in remembered)


def test_an_answer_that_cannot_be_written_is_no_success(workspace: Make, env: dict[str, str]) -> None:
    argv = [*TORRE, "fix", "--check", RUFF, str(workspace(UNUSED_IMPORT))]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, env=env, check=False)
    assert done.returncode == 70 and "cannot be written" in done.stderr


@pytest.mark.parametrize("arguments", ["", " fix -"])
def test_a_closed_stdin(arguments: str, env: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{TORRE[0]}{arguments} <&-"], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_dangling_link_in_the_place_of_torres_own_file(torre: Torre, workspace: Make, tmp_path: Path) -> None:
    root, elsewhere = workspace(UNUSED_IMPORT), tmp_path / "elsewhere"
    (root / ".torre").mkdir()
    (root / ".torre" / ".gitignore").symlink_to(elsewhere)
    torre("fix", "--check", "true", root)
    assert not elsewhere.exists()
    (root / ".torre" / ".gitignore").write_text("written through: the attack works without the guard")
    assert elsewhere.exists()


def test_a_check_cannot_write_a_verdict_into_the_terminal(torre: Torre, workspace: Make) -> None:
    name = "\\u001b]0;pwned\\u0007\\u001b[31mx\\nGREEN in 0.1 s"
    table = f'[tool.torre]\nchecks = [{{name = "{name}", command = "exit 1"}}]\n'
    ran = torre("fix", workspace({**UNUSED_IMPORT, "pyproject.toml": table}))
    assert ran.exit_code == 1
    assert "\x1b" not in ran.stdout + ran.stderr
    assert not any(line.startswith("GREEN") for line in (ran.stdout + ran.stderr).splitlines())


def test_files_beside_a_workspace_must_be_what_lies_there(ask: Torre, workspace: Make) -> None:
    root = workspace(UNUSED_IMPORT)
    request = {"workspace": str(root), "checks": [RUFF], "files": {"app.py": UNUSED_IMPORT["app.py"]}}
    assert ask(request).exit_code == 0
    ran = ask({**request, "files": {"app.py": "X = 1\n"}})
    assert ran.exit_code == 2 and "app.py" in ran.json()["error"]["field"]


def test_a_run_that_leaves_before_its_report_is_finished_is_not_green(torre: Torre, workspace: Make) -> None:
    leaves = "import os\n\n\ndef test_first():\n    pass\n\n\ndef test_rest():\n    os._exit(0)\n"
    ran = torre("fix", "--json", "--check", "python3 -m pytest -q", workspace({"test_a.py": leaves}))
    (check,) = ran.json()["report"]["checks"]
    assert ran.exit_code == 1 and check["before"]["status"] != "green"


def test_a_deadline_is_not_called_flaky(torre: Torre, workspace: Make) -> None:
    slow = "import time\n\n\ndef test_slow():\n    time.sleep(2)\n    assert False\n"
    ran = torre(
        "fix", "--json", "--deadline", "4", "--check", "python3 -m pytest -q", workspace({"test_a.py": slow})
    )
    report = ran.json()["report"]
    assert report["flaky"] == [] and "flaky" not in report["summary"]


def test_an_import_that_lets_other_failures_show_is_progress(torre: Torre, workspace: Make) -> None:
    total = "def total(prices):\n    return sum(prices) if len(prices) > 1 else 0\n"
    asserts = [f"    assert total({p}) == {sum(p)}\n" for p in ([], [0], [2], [-3], [1, 2], [5, -5, 7])]
    test = f"def test_total():\n{''.join(asserts)}"
    files = {
        "shop.py": f"{total}\n\ndef when():\n    return datetime(2026, 1, 1)\n",
        "test_shop.py": f"from shop import total, when\n\nNOW = when()\n\n\n{test}",
    }
    ran = torre("fix", "--json", "--check", "python3 -m pytest -q", workspace(files))
    assert ran.json()["mode"] == "PATCH", ran.stderr

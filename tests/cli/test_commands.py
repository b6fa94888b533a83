"""The commands as a user meets them, through the installed `torre`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

TORRE = str(Path(sys.executable).with_name("torre"))


def torre(*arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    argv = [TORRE, *arguments]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, cwd=cwd, timeout=120)


def test_version_and_help() -> None:
    from llm import __version__

    assert torre("--version").stdout == f"torre {__version__}\n"
    text = torre("--help").stdout
    assert "Turn a red build green" in text and "exit codes" in text
    for command in ("fix", "checks", "doctor", "setup", "schema", "completion"):
        assert command in text and torre(command, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "invalid choice"),
        (["fix", "--max-seconds", "-1"], "expected a number of seconds, 0 or more"),
        (["fix", "--deadline", "0"], "expected a number of seconds above 0"),
        (["fix", "--deadline", "soon"], "expected a number of seconds above 0"),
        (["fix", "--check", " "], "--check 1: expected a command"),
        (["fix", "--no-such-option"], "unrecognized arguments"),
        (["setup", "ruby"], "invalid choice"),
    ],
)
def test_bad_usage_is_2_and_said_on_stderr(arguments: list[str], words: str) -> None:
    done = torre(*arguments)
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_commands(shell: str) -> None:
    script = torre("completion", shell).stdout
    assert "fix" in script and "doctor" in script


def test_bash_takes_the_completion(tmp_path: Path) -> None:
    script = tmp_path / "torre.bash"
    script.write_text(torre("completion", "bash").stdout)
    probe = f". {script}; COMP_WORDS=(torre doc); COMP_CWORD=1; _shtab_torre; echo ${{COMPREPLY[@]}}"
    assert subprocess.run(["bash", "-c", probe], capture_output=True, text=True).stdout.split() == ["doctor"]


def test_the_published_schemas_are_valid_and_refuse_what_torre_refuses() -> None:
    given, answered = (json.loads(torre("schema", which).stdout) for which in ("input", "output"))
    for schema in (given, answered):
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"logs": {"types": "TS2307"}}, given)
    refused: list[dict[str, object]] = [{}, {"log": {}}, {"logs": {"a": 1}}]
    for wrong in refused:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, given)


def test_checks_says_where_each_was_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n[tool.pytest.ini_options]\n")
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    rows = json.loads(torre("checks", "--json", str(tmp_path)).stdout)["checks"]
    assert {row["tool"] for row in rows} == {"pytest", "ruff"}
    assert all(row["source"].startswith("pyproject.toml") and 0 < row["confidence"] <= 1 for row in rows)
    assert "pyproject.toml [tool.ruff]" in torre("checks", str(tmp_path)).stdout


def test_checks_without_any_says_what_to_do(tmp_path: Path) -> None:
    assert "--check" in torre("checks", str(tmp_path)).stdout


def test_doctor_probes_and_names_remedies() -> None:
    done = torre("doctor", "--json")
    findings = {f["name"]: f for f in json.loads(done.stdout)["findings"]}
    assert findings["python"]["status"] == "ok" and findings["import name"]["status"] == "ok"
    assert any(name.startswith("sandbox ") for name in findings)
    assert all(f["remedy"] for f in findings.values() if f["status"] != "ok")
    assert done.returncode == max(f["exit_code"] for f in findings.values())


@pytest.mark.parametrize(("place", "status"), [("", "ok"), ("/", "warning")])
def test_doctor_tries_the_directory_that_it_is_run_in(tmp_path: Path, place: str, status: str) -> None:
    findings = json.loads(torre("doctor", "--json", cwd=Path(place or tmp_path)).stdout)["findings"]
    assert {f["name"]: f["status"] for f in findings}["workspace"] == status


def test_doctor_reports_a_distribution_that_takes_the_import_name(tmp_path: Path) -> None:
    """A distribution of another name that installs `llm` as well, found by its metadata as pip leaves it."""
    info = tmp_path / "llm-0.27.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm\nVersion: 0.27\n")
    (info / "RECORD").write_text("llm/__init__.py,,\n")
    (info / "top_level.txt").write_text("llm\n")
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import llm.cli; sys.exit(llm.cli.main(['doctor']))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert "`llm` is also installed by llm" in done.stdout and "uv tool install" in done.stdout
    assert done.returncode == 1

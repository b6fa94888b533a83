"""`node_modules` of a monorepo's root: a job reads it, may write beside it, and nothing of that stays."""

from __future__ import annotations

import subprocess
from pathlib import Path

from llm.sandbox import open_sandbox
from llm.sandbox.base import Job


def test_hoisted_node_modules_take_a_bundlers_temporary_files(tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    modules, package = repository / "node_modules", repository / "packages" / "web"
    (modules / "lib").mkdir(parents=True)
    (modules / "lib" / "index.js").write_text("exports.answer = 42")
    package.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    line = f"mkdir {modules}/.vite-temp && echo x > {modules}/.vite-temp/a && echo broken > {modules}/lib/index.js"
    with open_sandbox(package) as sandbox:
        wrote = sandbox.execute(Job(("sh", "-c", f"{line} && cat {modules}/lib/index.js")))
        again = sandbox.execute(Job(("node", "-p", "require('lib').answer")))
    assert (wrote.exit_code, wrote.stdout) == (0, b"broken\n"), wrote.stderr
    assert again.stdout == b"42\n", again.stderr
    assert sorted(p.name for p in modules.iterdir()) == ["lib"]
    assert (modules / "lib" / "index.js").read_text() == "exports.answer = 42"

"""A check that is a script of the workspace has only its exit code: so the script is part of the judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judge.court import Project, court

FILES = {
    "Makefile": "check:\n\tsh scripts/check.sh\nverify:\n\tnode tools/verify.js\n",
    "scripts/check.sh": "grep -q right app.txt\n",
    "tools/verify.js": 'process.exit(require("fs").readFileSync("app.txt", "utf8") === "right\\n" ? 0 : 1);\n',
    "app.txt": "wrong\n",
}
RUN = {
    "make check": "scripts/check.sh",
    "sh scripts/check.sh": "scripts/check.sh",
    "make verify": "tools/verify.js",
}


@pytest.mark.parametrize("check", RUN)
def test_a_script_that_judges_is_not_changed_and_what_it_judges_is(check: str, tmp_path: Path) -> None:
    nothing = "exit 0\n" if RUN[check].endswith(".sh") else "process.exit(0);\n"
    with court(Project(check, FILES, {}), tmp_path) as judging:
        assert judging.exit_code({RUN[check]: nothing}) == 0
        verdict = judging.judge({RUN[check]: nothing})
        assert not verdict.patch and verdict.by.startswith("tampering"), verdict.by
        assert judging.judge({"app.txt": "right\n"}).patch

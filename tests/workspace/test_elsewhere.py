"""What other machines would run or install, an editor or an agent start: no candidate adds it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from llm.domain import DiscardReason
from llm.errors import DiffError
from llm.workspace.diff import make_diff, parse
from llm.workspace.patch import apply
from llm.workspace.rules import Rules, check_rules

PROTECTED, TAMPERING = DiscardReason.PROTECTED_PATH, DiscardReason.TAMPERING


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        *(
            (path, PROTECTED)
            for path in (".gitlab-ci.yaml", ".azuredevops/x.yml", ".drone.star", ".gitattributes")
        ),
        *((path, PROTECTED) for path in ("lefthook.yml", ".lintstagedrc.json", ".pre-commit-hooks.yaml")),
        *(
            (path, PROTECTED)
            for path in ("Dockerfile", "docker/Dockerfile.prod", "app.dockerfile", "compose.yaml")
        ),
        *((path, PROTECTED) for path in (".devcontainer/devcontainer.json", ".vscode/tasks.json", ".mcp.json")),
        *((path, PROTECTED) for path in ("dev-requirements.txt", "composer.json", "deno.lock", "pubspec.yaml")),
        *((path, TAMPERING) for path in ("pip.conf", ".yarn/releases/yarn.cjs", "mise.toml", ".mvn/maven.config")),
    ],
)
def test_what_other_machines_run_or_install_is_not_added(path: str, reason: DiscardReason, tmp_path: Path) -> None:
    patch = parse(make_diff({}, {path: "x\n"}))
    after = apply(patch, tmp_path)
    with pytest.raises(DiffError) as refused:
        check_rules(patch, after, tmp_path)
    assert refused.value.reason is reason
    check_rules(patch, after, tmp_path, Rules(allow_paths=(path,)))


def test_a_script_gains_no_dependency_in_its_head(tmp_path: Path) -> None:
    head = '# /// script\n# dependencies = ["roman-numbers"]\n# ///\n'
    for before, after, refused in (("", head, True), (head, head + "x = 1\n", False), ("", "# script\n", False)):
        (tmp_path / "run.py").write_text(before)
        patch = parse(make_diff({"run.py": before}, {"run.py": after}))
        with pytest.raises(DiffError, match="what is installed") if refused else nullcontext():
            check_rules(patch, apply(patch, tmp_path), tmp_path)

"""`torre setup typescript`: what npm cannot do is said in npm's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm.errors import TorreError
from llm.setup_tools import TYPESCRIPT_VERSION, install_typescript, typescript_home


def _npm(folder: Path, script: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "XDG_DATA_HOME": str(folder.parent / "data")}


def test_without_npm_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(TorreError, match=r"needs npm.*install Node\.js"):
        install_typescript({"PATH": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)})


def test_without_a_network_it_repeats_what_npm_says(tmp_path: Path) -> None:
    environ = _npm(tmp_path / "bin", "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(TorreError, match=f"typescript@{TYPESCRIPT_VERSION} .*ENOTFOUND"):
        install_typescript(environ)


def test_the_pinned_version_goes_to_the_data_directory_and_runs_no_scripts(tmp_path: Path) -> None:
    environ = _npm(tmp_path / "bin", 'echo "$PWD $*" >said')
    home = install_typescript(environ)
    assert home == typescript_home(environ) == tmp_path / "data" / "torre" / "typescript"
    said = (home / "said").read_text()
    assert said.startswith(f"{home} install typescript@{TYPESCRIPT_VERSION} --prefix {home} ")
    assert "--ignore-scripts" in said


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_an_unusable_data_directory_is_the_default(value: str) -> None:
    assert typescript_home({"XDG_DATA_HOME": value}) == Path.home() / ".local" / "share" / "torre" / "typescript"

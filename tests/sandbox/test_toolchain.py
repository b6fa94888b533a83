"""Which directories are bound and in which order PATH is searched: over made-up homes, nothing started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from llm.sandbox.toolchain import Toolchain, assemble, typescript_home


def program(place: Path) -> Path:
    """An executable file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    return place


def venv(place: Path, base: Path) -> Path:
    """A virtual environment whose interpreter is a link to the base's."""
    program(base / "bin" / "python3")
    program(base / "lib" / "python3.11" / "os.py")
    (place / "bin").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {base}/bin\nversion = 3.11\n")
    (place / "bin" / "python").symlink_to(base / "bin" / "python3")
    (place / "bin" / "python3").symlink_to("python")
    return place


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "home" / ".ssh" / "id_ed25519").write_text("secret")
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Path:
    (home / "work").mkdir()
    return home / "work"


def build(workspace: Path, home: Path, *search: Path | str, **environ: str) -> Toolchain:
    return assemble(workspace, {"PATH": ":".join(map(str, search)), **environ}, home)


def targets(toolchain: Toolchain) -> set[str]:
    return {target for _, target in toolchain.binds}


def sees(toolchain: Toolchain, place: Path) -> bool:
    return any(place.is_relative_to(target) for target in targets(toolchain))


def test_order_of_path(workspace: Path, home: Path) -> None:
    app = workspace / "packages" / "app"
    inner, outer = venv(app / ".venv", home / ".base"), venv(workspace / "venv", home / ".base")
    modules = [app / "node_modules" / ".bin", workspace / "node_modules" / ".bin"]
    for place in modules:
        program(place / "tool")
    toolchain = build(workspace, home, "/usr/bin", "/bin")
    own = str(Path(sys.executable).parent)
    wanted = [str(inner / "bin"), str(outer / "bin"), *map(str, modules), "/usr/bin", "/bin", own]
    assert list(toolchain.path("packages/app")) == wanted
    assert list(toolchain.path(".")) == [wanted[1], wanted[3], *wanted[4:]]
    assert toolchain.find("tool", "packages/app") == str(modules[0] / "tool")
    assert toolchain.find("python3", ".") == str(outer / "bin" / "python3")


def test_hoisted_modules_up_to_the_repository(home: Path) -> None:
    repository = home / "repo"
    (repository / ".git").mkdir(parents=True)
    program(repository / "node_modules" / ".bin" / "tsc")
    program(home / "node_modules" / ".bin" / "evil")
    workspace = repository / "packages" / "app"
    workspace.mkdir(parents=True)
    toolchain = build(workspace, home, "/usr/bin")
    assert toolchain.find("tsc", ".") == str(repository / "node_modules" / ".bin" / "tsc")
    assert str(repository / "node_modules") in targets(toolchain)
    assert toolchain.find("evil", ".") is None
    assert not sees(toolchain, home / "node_modules" / ".bin" / "evil")


def test_a_venv_brings_its_base_interpreter(workspace: Path, home: Path) -> None:
    base = home / ".local" / "share" / "uv" / "python" / "cpython-3.11.7"
    venv(workspace / ".venv", base)
    toolchain = build(workspace, home, "/usr/bin")
    assert str(base) in targets(toolchain)
    assert not any(target.startswith(str(workspace)) for target in targets(toolchain))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("what", ["pipe", "folder", "/dev/zero", "/dev/tty", "/proc/kmsg"])
def test_what_a_checkout_has_for_settings_is_not_waited_for(workspace: Path, home: Path, what: str) -> None:
    """As a pipe it held Torre up for ever, and as a link to zeros it filled the machine's memory."""
    settings = venv(workspace / ".venv", home / ".base") / "pyvenv.cfg"
    assert sees(build(workspace, home), home / ".base" / "lib")
    settings.unlink()
    if what == "pipe":
        os.mkfifo(settings)
    elif what == "folder":
        settings.mkdir()
    else:
        settings.symlink_to(what)
    build(workspace, home)


def test_settings_without_end_are_read_as_far_as_settings_go(workspace: Path, home: Path) -> None:
    settings = venv(workspace / ".venv", home / ".base") / "pyvenv.cfg"
    with settings.open("a") as f:
        f.truncate(1 << 40)
    assert sees(build(workspace, home), home / ".base" / "lib")


def test_a_venv_of_a_package_in_a_monorepo_brings_its_interpreter_too(workspace: Path, home: Path) -> None:
    venv(workspace / "packages" / "app" / ".venv", home / ".base")
    assert sees(build(workspace, home, "/usr/bin"), home / ".base" / "bin" / "python3")


def test_an_alias_of_the_base_interpreter_is_bound_under_both_names(workspace: Path, home: Path) -> None:
    real, alias = home / ".pyenv" / "versions" / "3.11.7", home / ".pyenv" / "versions" / "3.11"
    program(real / "bin" / "python3")
    alias.symlink_to(real)
    venv(workspace / ".venv", alias)
    toolchain = build(workspace, home, "/usr/bin")
    assert (str(real), str(alias)) in toolchain.binds
    assert sees(toolchain, alias / "bin" / "python3")


def test_the_active_venv(workspace: Path, home: Path) -> None:
    active = venv(home / "envs" / "active", home / ".base")
    toolchain = build(workspace, home, active / "bin", VIRTUAL_ENV=str(active))
    assert sees(toolchain, active)
    assert sees(toolchain, home / ".base" / "bin" / "python3")


def test_a_pyenv_shim_becomes_the_version_it_selects(workspace: Path, home: Path) -> None:
    pyenv = home / ".pyenv"
    program(pyenv / "shims" / "python3")
    chosen = program(pyenv / "versions" / "3.12.1" / "bin" / "python3")
    other = program(pyenv / "versions" / "3.9.18" / "bin" / "python3")
    (pyenv / "version").write_text("3.12.1\n")
    assert build(workspace, home, pyenv / "shims").find("python3", ".") == str(chosen)
    environ = {"PYENV_VERSION": "3.9.18"}
    assert build(workspace, home, pyenv / "shims", **environ).find("python3", ".") == str(other)


def test_cargo_without_its_credentials(workspace: Path, home: Path) -> None:
    program(home / ".cargo" / "bin" / "cargo")
    (home / ".cargo" / "credentials.toml").write_text("secret")
    (home / ".rustup" / "toolchains").mkdir(parents=True)
    toolchain = build(workspace, home, home / ".cargo" / "bin")
    assert sees(toolchain, home / ".cargo" / "bin" / "cargo")
    assert sees(toolchain, home / ".rustup" / "toolchains")
    assert dict(toolchain.environ) == {"RUSTUP_HOME": str(home / ".rustup")}
    assert not sees(toolchain, home / ".cargo" / "credentials.toml")


def test_nvm_brings_its_whole_version(workspace: Path, home: Path) -> None:
    version = home / ".nvm" / "versions" / "node" / "v20.1.0"
    program(version / "bin" / "node")
    (version / "lib" / "node_modules").mkdir(parents=True)
    toolchain = build(workspace, home, version / "bin")
    assert str(version) in targets(toolchain)


def test_local_bin_follows_its_links_only(workspace: Path, home: Path) -> None:
    tool = venv(home / ".local" / "share" / "uv" / "tools" / "ruff", home / ".base")
    program(tool / "bin" / "ruff")
    (home / ".local" / "bin").mkdir()
    (home / ".local" / "bin" / "ruff").symlink_to(tool / "bin" / "ruff")
    (home / ".local" / "lib").mkdir()
    keyring = home / ".local" / "share" / "keyrings" / "login.keyring"
    keyring.parent.mkdir()
    keyring.write_text("secret")
    toolchain = build(workspace, home, home / ".local" / "bin")
    assert toolchain.find("ruff", ".") == str(home / ".local" / "bin" / "ruff")
    assert sees(toolchain, tool / "bin" / "ruff")
    assert sees(toolchain, home / ".base" / "bin" / "python3")
    assert not sees(toolchain, keyring)


@pytest.mark.parametrize("entry", ["", ".", "relative/bin", "/no/such/directory"])
def test_entries_that_are_left_out(workspace: Path, home: Path, entry: str) -> None:
    assert entry not in build(workspace, home, entry, "/usr/bin").search


def test_never_a_home_nor_what_lies_in_it(workspace: Path, home: Path) -> None:
    program(home / "bin" / "mine")
    (home / "lib").mkdir()
    (home / ".aws").mkdir()
    toolchain = build(workspace, home, home, home / "bin", "/usr/bin")
    for secret in (home / ".ssh" / "id_ed25519", home / ".aws"):
        assert not sees(toolchain, secret)
    assert sees(toolchain, home / "bin" / "mine")
    assert not {str(home), str(home.parent), "/", "/home", "/root"} & targets(toolchain)


def test_nothing_is_bound_beneath_another_bind_or_the_workspace(workspace: Path, home: Path) -> None:
    venv(workspace / ".venv", workspace / "vendored")
    toolchain = build(workspace, home, workspace / ".venv" / "bin", "/usr/bin", "/usr/local/bin")
    bound = sorted(map(Path, targets(toolchain)))
    assert not [(a, b) for a in bound for b in bound if a != b and b.is_relative_to(a)]
    assert not sees(toolchain, workspace / "vendored")


def test_typescript_that_torre_installed(workspace: Path, home: Path) -> None:
    modules = home / "data" / "torre" / "typescript" / "node_modules"
    program(modules / ".bin" / "tsc")
    toolchain = build(workspace, home, "/usr/bin", XDG_DATA_HOME=str(home / "data"))
    assert toolchain.find("tsc", ".") == str(modules / ".bin" / "tsc")
    assert sees(toolchain, modules / "typescript")


@pytest.mark.parametrize("data", ["", "relative/path"])
def test_typescript_is_looked_for_where_setup_put_it(
    workspace: Path, home: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    program(home / "relative" / "path" / "torre" / "typescript" / "node_modules" / ".bin" / "tsc")
    tsc = program(home / ".local" / "share" / "torre" / "typescript" / "node_modules" / ".bin" / "tsc")
    toolchain = build(workspace, home, "/usr/bin", XDG_DATA_HOME=data)
    assert toolchain.search[-1] == str(tsc.parent)
    assert typescript_home({"XDG_DATA_HOME": data}, home) == home / ".local" / "share" / "torre" / "typescript"


def test_a_program_of_node_modules_on_path_brings_the_modules_it_loads(workspace: Path, home: Path) -> None:
    modules = home / "tools" / "node_modules"
    script = program(modules / "eslint" / "bin" / "eslint.js")
    (modules / ".bin").mkdir()
    (modules / ".bin" / "eslint").symlink_to("../eslint/bin/eslint.js")
    (modules / "debug").mkdir()
    assert sees(build(workspace, home, modules / ".bin"), modules / "debug")
    linked = home / ".local" / "bin" / "eslint"
    linked.parent.mkdir(parents=True)
    linked.symlink_to(script)
    assert sees(build(workspace, home, linked.parent), modules / "debug")
    assert not sees(build(workspace, home, modules / ".bin"), home / ".ssh" / "id_ed25519")


def test_directories_that_may_not_be_read_are_absent(workspace: Path, home: Path) -> None:
    loop = home / "loop"
    loop.symlink_to(loop)
    assert str(loop) not in build(workspace, home, loop, "/usr/bin").search


def test_a_checkout_cannot_have_a_home_brought_in_by_its_environment(workspace: Path, home: Path) -> None:
    """Its links and its `home =` say where an interpreter is. The positive control: the test of a venv's base."""
    (home / "own.txt").write_text("secret")
    program(home / "bin" / "x")
    program(home / "bin" / "python3")
    (workspace / ".venv" / "bin").mkdir(parents=True)
    (workspace / ".venv" / "pyvenv.cfg").write_text(f"home = {home}/bin\n")
    (workspace / ".venv" / "bin" / "python").symlink_to(home / "bin" / "x")
    (workspace / ".venv" / "bin" / "python3").symlink_to(home / "bin" / "python3")
    toolchain = build(workspace, home, "/usr/bin")
    assert not sees(toolchain, home / "own.txt") and not sees(toolchain, home / "bin" / "x")
    assert sees(toolchain, home / "bin" / "python3")


def test_an_environment_elsewhere_brings_what_was_installed_and_not_what_stands_beside_it(
    workspace: Path, home: Path
) -> None:
    other = venv(home / "other", home / ".local" / "share" / "uv" / "python" / "cpython-3.11.7")
    (other / "lib").mkdir()
    (other / "notes.txt").write_text("secret")
    (workspace / ".venv").symlink_to(other)
    toolchain = build(workspace, home, "/usr/bin")
    assert sees(toolchain, other / "lib" / "x.py") and sees(toolchain, other / "bin" / "python")
    assert not sees(toolchain, other / "notes.txt")


@pytest.mark.parametrize(("target", "seen"), [("elsewhere/node_modules", True), ("private", False)])
def test_node_modules_of_a_repository_lead_to_packages_only(home: Path, target: str, seen: bool) -> None:
    (home / target).mkdir(parents=True)
    (home / target / "x.js").write_text("")
    workspace = home / "repository" / "app"
    (home / "repository" / ".git").mkdir(parents=True)
    workspace.mkdir()
    (home / "repository" / "node_modules").symlink_to(home / target)
    assert sees(build(workspace, home, "/usr/bin"), home / "repository" / "node_modules" / "x.js") is seen

"""What container engines do by default, each done for real to a Torre: what works yet, and what is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.sandbox.runner import ROOT, readable_package, running_as

_DOCTOR = """
from llm.sandbox import probe_all
for probe in probe_all(): print(probe.name, '|', probe.problem or probe.isolation, '|', probe.remedy)
"""
_CHECKOUT = Path(__file__).parents[2]


def _contained(aspect: str) -> tuple[str, ...]:
    return (sys.executable, "-P", str(_CHECKOUT / "tests" / "sandbox" / "contained.py"), aspect)


def _run(command: Sequence[str], environ: Mapping[str, str]) -> str:
    return subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, check=True).stdout


def _probed(prefix: tuple[str, ...], cache: Path) -> dict[str, str]:
    """Each backend's line."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/", "PYTHONPATH": str(_CHECKOUT), "XDG_CACHE_HOME": str(cache)}
    told = _run([*prefix, sys.executable, "-c", _DOCTOR], environ)
    return {line.split(" ", 1)[0]: line for line in told.splitlines()}


@pytest.mark.skipif(not ROOT, reason="only root may mount a whole /proc beside a masked one")
def test_root_has_full_isolation_where_proc_is_masked(tmp_path: Path) -> None:
    assert "bwrap | full |" in _probed(_contained("masked"), tmp_path)["bwrap"]


def test_others_are_told_that_proc_is_masked() -> None:
    """Which is also the control of root's: it is masked indeed."""
    with readable_package() as package, running_as("ordinary" if ROOT else "own", package) as runner:
        contained = str(package / "tests" / "sandbox" / "contained.py")
        told = _run([sys.executable, "-P", contained, "masked", *runner.prefix, "-c", _DOCTOR], runner.environ)
    assert "bwrap | /proc is masked" in told
    assert "systempaths=unconfined" in told


def test_who_is_root_of_a_container_alone_has_full_isolation() -> None:
    """As in a rootless container: this root may map no files, and is counted as its user is."""
    with readable_package() as package, running_as("rootless", package) as runner:
        assert "bwrap | full |" in _run([*runner.prefix, "-c", _DOCTOR], runner.environ)


@pytest.mark.skipif(not ROOT, reason="only root is root outside as well")
def test_root_itself_in_a_namespace_is_told_that_nothing_counts_its_processes(tmp_path: Path) -> None:
    """What is remembered of root outside of it says nothing of this one."""
    told = _probed((), tmp_path)["bwrap"], _probed(_contained("rootless"), tmp_path)["bwrap"]
    assert "bwrap | full |" in told[0] and "not counted" in told[1] and "run Torre as an ordinary user" in told[1]


def test_a_filter_is_named_with_what_lifts_it(tmp_path: Path) -> None:
    told = _probed(_contained("filtered"), tmp_path)
    assert "start the container" in told["bwrap"] and "seccomp=unconfined" in told["bwrap"]
    assert "refuses pidfd_getfd" in told["sandlock"] and "--cap-add SYS_PTRACE" in told["sandlock"]


def test_without_a_filter_nothing_is_named(tmp_path: Path) -> None:
    told = _probed((), tmp_path)
    assert "bwrap | full |" in told["bwrap"] and "sandlock | reduced |" in told["sandlock"]

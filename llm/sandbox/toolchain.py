"""Which host directories a job may read, and the PATH it looks for programs on. Pure: reads, never runs.

Never a whole home directory: of `~/.cargo` only `bin`, of `~/.local/bin` only the programs and what their links
and interpreters need. A pyenv shim is a script that needs all of pyenv, so its directory is replaced by the
`bin` of the versions it would select.
"""

# ruff: noqa: PTH110, PTH112, PTH113, PTH114 (pathlib's tests raise on a path that may not be read; here that is simply absent)

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
ETC = (
    "alternatives",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
)
_VENVS = (".venv", "venv", "env")
_MOST_SETTINGS = 1 << 16
"""Bytes of a `pyvenv.cfg`, which has some hundreds."""
_OF_A_VENV = ("pyvenv.cfg", "bin", "lib", "lib64", "include", "share")
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*")
_FALLBACK = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Binds as (source, target) and links as (path, text), shallowest first; `search` is PATH after the
    workspace's own directories."""

    workspace: Path
    binds: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    search: tuple[str, ...]
    modules: tuple[str, ...] = ()
    overlaid: tuple[str, ...] = ()
    """Binds that a job may write to, in its own layer: bundlers keep temporary files in `node_modules`."""
    environ: tuple[tuple[str, str], ...] = ()
    """Variables that tell tools where their read-only stores are, now that HOME is another."""

    def path(self, directory: str) -> tuple[str, ...]:
        """PATH for a job in `directory`: venvs upward, `node_modules/.bin` upward, the host's, Torre's own."""
        upward = list(_upward(self.workspace / directory, self.workspace))
        venvs = [str(place / name / "bin") for place in upward for name in _VENVS if _is_venv(place / name)]
        modules = [str(bin_) for place in upward if (bin_ := place / "node_modules" / ".bin").is_dir()]
        return tuple(dict.fromkeys([*venvs, *modules, *self.modules, *self.search]))

    def find(self, program: str, directory: str) -> str | None:
        """Where a job in `directory` finds `program`, or None."""
        if "/" in program:
            named = self.workspace / directory / program
            return str(named) if _is_program(named) else None
        places = (Path(place, program) for place in self.path(directory))
        return next((str(place) for place in places if _is_program(place)), None)


def assemble(workspace: Path, environ: Mapping[str, str], home: Path, further: Iterable[Path] = ()) -> Toolchain:
    """The toolchain of this interpreter, this host environment and this (resolved) workspace."""
    search = [*_host_search(environ, home), *_own_programs(environ, home)]
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).parent, Path(__file__).parents[1]]
    venvs = [Path(environ["VIRTUAL_ENV"])] if environ.get("VIRTUAL_ENV") else []
    venvs += [place / name for place in _project_folders(workspace) for name in _VENVS]
    modules = list(_hoisted_modules(workspace))
    wanted = [*map(Path, SYSTEM), *(Path("/etc", name) for name in ETC), *prefixes, *further, *modules]
    wanted += [bind for place in search for bind in _program_binds(Path(place), home)]
    wanted += [bind for venv in [*venvs, Path(sys.prefix)] for bind in _venv_binds(venv, home)]
    stores = _stores(environ, home)
    binds, links = _arrange([*wanted, *map(Path, stores.values())], workspace)
    bins = tuple(str(place / ".bin") for place in modules if (place / ".bin").is_dir())
    overlaid = tuple(target for _, target in binds if Path(target) in modules)
    return Toolchain(workspace, binds, links, tuple(dict.fromkeys(search)), bins, overlaid, tuple(stores.items()))


def installation_of(program: Path) -> Iterator[Path]:
    """The virtual environment, with its interpreters, or the `node_modules` that a program lies in: places that
    hold what was installed and nothing else. Nothing for a program that lies elsewhere."""
    if not os.access(program, os.R_OK) or not program.is_file():
        return
    modules = _enclosing_modules(program.parent)
    if modules:
        yield modules
    elif program.parent.name == "bin":
        yield from _venv_binds(program.parent.parent, Path.home())


def typescript_home(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """`$XDG_DATA_HOME/torre/typescript`, which need not exist; the default is that of XDG, `~/.local/share`."""
    data = environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else (home or Path.home()) / ".local" / "share"
    return base / "torre" / "typescript"


def _upward(start: Path, top: Path) -> Iterator[Path]:
    """`start` and its ancestors down to `top`, nearest first."""
    place = Path(os.path.normpath(start))
    while place.is_relative_to(top):
        yield place
        if place == top:
            return
        place = place.parent


def _is_venv(place: Path) -> bool:
    return os.access(place / "pyvenv.cfg", os.R_OK) and os.path.isfile(place / "pyvenv.cfg")


def _settings(venv: Path) -> str:
    """The text of `pyvenv.cfg`, nothing if it cannot be read. A checkout may have made it a pipe, or a link to a
    device or to what has no end: it is not waited for, nor read any further than settings go."""
    try:
        file = os.open(venv / "pyvenv.cfg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(file, "rb", buffering=0) as f:  # noqa: PTH123 (a descriptor)
        try:
            known = stat.S_ISREG(os.fstat(file).st_mode)
            return (f.read(_MOST_SETTINGS) or b"").decode(errors="replace") if known else ""
        except OSError:
            return ""


def _is_program(place: Path) -> bool:
    return os.access(place, os.X_OK) and place.is_file()


def _project_folders(place: Path, depth: int = 2) -> Iterator[Path]:
    """A folder and those up to two levels below it (`packages/app`): where a monorepo's venvs are."""
    yield place
    if depth and os.access(place, os.R_OK | os.X_OK):
        with os.scandir(place) as entries:
            folders = [e for e in entries if e.is_dir(follow_symlinks=False)]
        for folder in folders:
            if folder.name != "node_modules" and not folder.name.startswith("."):
                yield from _project_folders(Path(folder.path), depth - 1)


def _hoisted_modules(workspace: Path) -> Iterator[Path]:
    """`node_modules` of the workspace's ancestors, up to the repository's root, nearest first."""
    if (workspace / ".git").exists():
        return
    root = next((place for place in workspace.parents if (place / ".git").exists()), None)
    if root:
        for place in _upward(workspace.parent, root):
            modules = place / "node_modules"  # a checkout can make it a link: it leads to another, or nowhere
            if modules.is_dir() and modules.resolve().name == "node_modules":
                yield modules


def _own_programs(environ: Mapping[str, str], home: Path) -> list[str]:
    """Torre's own environment, and what `torre setup typescript` installed."""
    installed = typescript_home(environ, home) / "node_modules" / ".bin"
    return [str(Path(sys.executable).parent), *([str(installed)] if os.access(installed, os.R_OK) else [])]


def _stores(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Rust's toolchains and Go's downloaded modules, where the user has them."""
    places = {"RUSTUP_HOME": home / ".rustup", "GOMODCACHE": home / "go" / "pkg" / "mod"}
    named = {name: Path(environ.get(name) or place) for name, place in places.items()}
    return {name: str(place) for name, place in named.items() if place.is_absolute() and os.path.isdir(place)}


def _host_search(environ: Mapping[str, str], home: Path) -> Iterator[str]:
    for entry in (environ.get("PATH") or _FALLBACK).split(":"):
        place = Path(entry)
        readable = os.access(place, os.R_OK | os.X_OK)
        if not place.is_absolute() or not readable or not place.is_dir() or place == home:
            continue
        if place.name == "shims" and (place.parent / "versions").is_dir():
            yield from _selected_versions(place.parent, environ)
        elif place.name != "shims":
            yield str(place)


def _selected_versions(pyenv: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The `bin` directories that a shim would choose, by PYENV_VERSION or the global version file."""
    chosen = environ.get("PYENV_VERSION", "").replace(":", " ")
    if not chosen and os.access(pyenv / "version", os.R_OK):
        chosen = (pyenv / "version").read_text(errors="replace")
    for name in chosen.split():
        place = pyenv / "versions" / name / "bin"
        if "/" not in name and place.is_dir():
            yield str(place)


def _program_binds(place: Path, home: Path) -> Iterator[Path]:
    """What one PATH directory's programs need: the prefix if it has one, else itself and its links' ends."""
    if _within(place, SYSTEM):
        return
    prefix = _prefix(place, home)
    yield prefix or _enclosing_modules(place) or place
    if prefix is None:
        with os.scandir(place) as entries:
            links = [Path(e.path) for e in entries if e.is_symlink()]
        for link in links:
            yield from _link_binds(link, home)


def _link_binds(link: Path, home: Path) -> Iterator[Path]:
    target = Path(os.path.realpath(link))
    if os.access(target, os.R_OK | os.X_OK) and target.is_file() and not _within(target, SYSTEM):
        modules = _enclosing_modules(target)
        prefix = None if modules else _prefix(target.parent, home)
        yield modules or prefix or target
        if prefix:
            yield from _venv_binds(prefix, home)


def _enclosing_modules(place: Path) -> Path | None:
    """The outermost `node_modules` around a program: packages there load each other."""
    return next((top for top in reversed([place, *place.parents]) if top.name == "node_modules"), None)


def _prefix(bin_: Path, home: Path) -> Path | None:
    """The installation that a `bin` directory belongs to, if it is one and no home or root of much else."""
    prefix = bin_.parent
    shared = {home, home / ".local", home / ".cargo", Path("/"), Path("/opt"), Path("/home")}
    if bin_.name != "bin" or prefix in shared or home.is_relative_to(prefix):
        return None
    looks_installed = _is_venv(prefix) or any((prefix / name).is_dir() for name in ("lib", "libexec", "share"))
    return prefix if looks_installed else None


def _venv_binds(venv: Path, home: Path) -> Iterator[Path]:
    """What belongs to a virtual environment, and the interpreters that its links and its `home` lead to. It may be
    the checkout's own, and say anything: nothing else comes along of what stands where it points."""
    if not _is_venv(venv):
        return
    for place in dict.fromkeys((venv, Path(os.path.realpath(venv)))):
        yield from (place / name for name in _OF_A_VENV)
    for line in _settings(venv).splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and Path(value.strip()).is_absolute():
            yield from _interpreter_binds(Path(value.strip()) / "python3", home)
    for name in ("python", "python3"):
        yield from _interpreter_binds(venv / "bin" / name, home)


def _interpreter_binds(program: Path, home: Path) -> Iterator[Path]:
    """For each hop from a link to the interpreter its installation, or that file alone where it is in none."""
    for _ in range(10):
        if _INTERPRETER.fullmatch(program.name) and os.path.exists(program):
            prefix = _prefix(program.parent, home)
            yield prefix if prefix and _is_python(prefix) else program
        if not os.path.islink(program):
            return
        program = Path(os.path.normpath(program.parent / program.readlink()))


def _is_python(prefix: Path) -> bool:
    """Whether Python is installed there, and not only linked to."""
    libraries = (*(prefix / "lib").glob("python3*/os.py"), *(prefix / "lib").glob("pypy3*/os.py"))
    return bool(libraries) and not _is_venv(prefix)


def _within(place: Path, tops: Iterable[str | Path]) -> bool:
    return any(place.is_relative_to(top) for top in tops)


def _arrange(
    wanted: Iterable[Path], workspace: Path
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Drop what is absent, inside the workspace, or covered by a bind above it; root-level links stay links."""
    links: dict[str, str] = {}
    binds: dict[str, str] = {}
    for place in sorted(set(wanted), key=lambda p: (len(p.parts), p)):
        covered = any(place.is_relative_to(top) for top in [*binds, *links])
        if covered or place.is_relative_to(workspace) or workspace == place or not os.path.exists(place):
            continue
        if place.is_symlink() and len(place.parts) <= 3 and str(place) in _ROOT_LINKS:
            links[str(place)] = str(place.readlink())
        else:
            binds[str(place)] = os.path.realpath(place)
    return tuple((source, target) for target, source in binds.items()), tuple(links.items())


_ROOT_LINKS = frozenset({*SYSTEM, "/etc/localtime"})

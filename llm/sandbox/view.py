"""The file system that a job sees: a read-only root of toolchains, and the workspace writable at its own path.

Built in two steps, for speed. `Template` is mounted once an opened sandbox: a small root with read-only binds.
`Template.mount_view` adds, in a job's own mount namespace, one tmpfs and the overlay whose upper layer lies in it;
`Template.enter_view` sizes it for the job. All sources are opened before the stage is mounted, because the stage
covers /tmp.

Root maps the workspace's owner to the uid that jobs run under by an idmapped lower layer, and drops its own uid
only after the last mount: nothing else works from a 0700 directory.
"""

# ruff: noqa: PTH101, PTH102, PTH103, PTH112, PTH116, PTH120, PTH123, PTH211
# (the launcher does without pathlib: it would be a third of its start-up)
from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Any

from llm.sandbox import mounts

NOBODY = 65534
HOME = "/run/torre/home"
REPORT = "/run/torre/report"

_STAGE = "/tmp"
_ROOT = f"{_STAGE}/root"
_LOWERS = f"{_STAGE}/lowers"
_LAYER = f"{_STAGE}/layer"
_KEPT = f"{_STAGE}/kept"
_WRITABLE = {"/tmp": 0o1777, "/var/tmp": 0o1777, "/run/torre": 0o755}
_SHM = "/shm"
_BESIDE = "/beside"
HIDDEN = ".torre"
"""What of the workspace no job sees: the ledger, and the prompts, answers and journals of other runs."""
_ETC = {
    "hosts": "127.0.0.1 localhost torre\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


class Template:
    """What all jobs of one sandbox share. Made in the launcher's own mount namespace."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._workspace: str = plan["workspace"]
        self._links: list[list[str]] = plan["links"]
        self._binds: list[list[str]] = plan["binds"]
        self.root = mounts.is_root()
        self._user = os.geteuid(), os.getegid()
        self.uid, self.gid = self._user if self._user[0] else (NOBODY, NOBODY)
        self._mode = os.stat(self._workspace).st_mode & 0o777 | 0o700
        self._refuse_others_files()
        self._enter()
        overlaid = set(plan["overlaid"])
        self._overlays = [
            (self._lower_tree(source), target) for source, target in self._binds if target in overlaid
        ]
        self._overlays.append((self._lower_tree(self._workspace), self._workspace))
        self._trees = [(_source_tree(source), target) for source, target in self._binds if target not in overlaid]
        self._kept: dict[str, str] = {}
        self._stage()

    def _refuse_others_files(self) -> None:
        """Who is not root may map no user or group but their own: an overlay then changes nothing of others, and
        a check that writes there would fail for a reason that is not the code's."""
        found = os.stat(self._workspace)
        if not self.root and (found.st_uid, found.st_gid) != self._user:
            owner = "{}:{}, not {}:{}".format(found.st_uid, found.st_gid, *self._user)
            raise OSError(errno.EOVERFLOW, os.strerror(errno.EOVERFLOW), f"{self._workspace} is of {owner}")

    def _enter(self) -> None:
        if self.root:
            mounts.unshare(mounts.CLONE_NEWNS)
        else:
            mounts.unshare(mounts.CLONE_NEWUSER | mounts.CLONE_NEWNS)
            uid, gid = self._user
            mounts.map_ids("self", f"{self.uid} {uid} 1", f"{self.gid} {gid} 1")
        mounts.detach_from_host()
        if self.root:
            _unmask_proc()

    def _lower_tree(self, source: str) -> int:
        """A tree to write over, its files shown as the workspace's owner would see them."""
        tree = mounts.clone_tree(source)
        if self.root:
            owner = os.stat(self._workspace)
            maps = (_swap(owner.st_uid, self.uid), _swap(owner.st_gid, self.gid))
            userns = mounts.namespace_of_ids(*maps)
            mounts.set_attributes(tree, mounts.ATTR_IDMAP, userns, recursive=False)
            os.close(userns)
        return tree

    def _stage(self) -> None:
        flags = mounts.MS_NOSUID | mounts.MS_NODEV
        mounts.mount("torre", _STAGE, "tmpfs", flags, "size=1m,mode=755")
        for folder in (_ROOT, _LOWERS, _LAYER, _KEPT):
            os.mkdir(folder, 0o755)
        mounts.mount("torre", _ROOT, "tmpfs", flags, "size=16m,mode=755")
        for number, (lower, _) in enumerate(self._overlays):
            _attach(lower, f"{_LOWERS}/{number}")
        for link, target in self._links:
            os.makedirs(os.path.dirname(_ROOT + link), 0o755, exist_ok=True)
            os.symlink(target, _ROOT + link)
        self._write_etc()
        for folder in ("/proc", "/dev", *_WRITABLE):
            os.makedirs(_ROOT + folder, 0o755, exist_ok=True)
        for _, target in self._overlays:
            if not _is_writable(target):
                os.makedirs(_ROOT + target, 0o755, exist_ok=True)
        for tree, target in self._trees:
            if _is_writable(target):  # to be hung into each job's own tmpfs; a tree can be moved only once
                self._kept[f"{_KEPT}/{len(self._kept)}"] = target
                _attach(tree, list(self._kept)[-1])
            else:
                _attach(tree, _ROOT + target)

    def _write_etc(self) -> None:
        os.makedirs(f"{_ROOT}/etc", 0o755, exist_ok=True)
        user = f"torre:x:{self.uid}:{self.gid}::{HOME}:/bin/sh\n"
        texts = {**_ETC, "passwd": f"root:x:0:0::/:/bin/sh\n{user}", "group": f"root:x:0:\ntorre:x:{self.gid}:\n"}
        for name, text in texts.items():
            with open(f"{_ROOT}/etc/{name}", "w") as f:
                f.write(text)

    def mount_view(self) -> None:
        """In a fresh mount namespace: the writable layer and the overlay, for a job that is still to come."""
        mounts.unshare(mounts.CLONE_NEWNS)
        mounts.mount("torre", _LAYER, "tmpfs", mounts.MS_NOSUID | mounts.MS_NODEV, "mode=711")
        self._make_layer()
        for folder in _WRITABLE:
            mounts.attach(mounts.clone_tree(_LAYER + folder), _ROOT + folder)
        for kept, target in self._kept.items():
            _attach(mounts.clone_tree(kept), _ROOT + target)
        for number, (_, target) in enumerate(self._overlays):
            self._overlay(f"{_LOWERS}/{number}", f"{_LAYER}/over/{number}", _ROOT + target)
        self._seal()

    def enter_view(self, disk_bytes: int, inodes: int) -> None:
        """Set the job's bounds on the writable layer, and then no more root."""
        flags = mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_REMOUNT
        mounts.mount("torre", _LAYER, "tmpfs", flags, f"size={disk_bytes},nr_inodes={inodes}")
        if self.root:
            os.setgroups([])
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)

    def forget_names(self) -> None:
        """Have the overlay of the workspace look all names up anew: what a remount does besides."""
        flags = mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_REMOUNT
        mounts.mount("torre", _ROOT + self._workspace, "overlay", flags)

    def _overlay(self, lower: str, layer: str, target: str) -> None:
        os.makedirs(target, 0o755, exist_ok=True)
        os.mkdir(f"{layer}/work", 0o700)
        options = f"lowerdir={lower},upperdir={layer}/upper,workdir={layer}/work,volatile"
        flags = mounts.MS_NOSUID | mounts.MS_NODEV
        mounts.mount("torre", target, "overlay", flags, options + ("" if self.root else ",userxattr"))

    def _make_layer(self) -> None:
        uppers = {f"/over/{number}/upper": self._mode for number in range(len(self._overlays))}
        folders = {**uppers, _SHM: 0o1777, _BESIDE: 0o700, **_WRITABLE, HOME: 0o700}
        for folder in folders:
            os.makedirs(_LAYER + folder, exist_ok=True)
        hidden = f"{_LAYER}/over/{len(self._overlays) - 1}/upper/{HIDDEN}"
        os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0))  # an overlay's whiteout; anybody may make one
        os.mkfifo(_LAYER + REPORT, 0o600)
        os.chown(_LAYER + REPORT, self.uid, self.gid)
        for folder, mode in reversed(folders.items()):  # the innermost first: what is given away is closed to us
            os.chmod(_LAYER + folder, mode)
            os.chown(_LAYER + folder, self.uid, self.gid)

    def removes_directories(self) -> bool:
        """Whether a job can remove a directory of the workspace that is not empty: the overlay marks its place by
        an attribute, which tmpfs keeps for who is not root since Linux 6.6. Without it, EIO."""
        try:
            os.setxattr(_LAYER, "trusted.torre" if self.root else "user.torre", b"")
        except OSError:
            return False
        return True

    def _seal(self) -> None:
        tree = os.open(_ROOT, os.O_PATH | os.O_CLOEXEC)
        mounts.set_attributes(tree, mounts.ATTR_RDONLY, recursive=False)
        os.close(tree)

    def open_workspace(self) -> int:
        """A descriptor of the workspace's directory in the mounted view."""
        return os.open(_ROOT + self._workspace, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def lower_workspace(self) -> str:
        """The workspace itself, which the view's overlay lies over."""
        return f"{_LOWERS}/{len(self._overlays) - 1}"

    def open_report(self) -> tuple[int, int]:
        """Reading end of the report's fifo, and a writing end that keeps it from ending while the job lives."""
        reader = os.open(_ROOT + REPORT, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        writer = os.open(_ROOT + REPORT, os.O_WRONLY | os.O_CLOEXEC)
        os.set_blocking(reader, True)
        return reader, writer

    @property
    def root_folder(self) -> str:
        """Where the view is mounted, all but `/proc`, `/dev` and `/dev/shm`."""
        return _ROOT

    def folder_for_enclosure(self) -> str:
        """An empty folder of the job's user beside the view, which the job does not see."""
        return _LAYER + _BESIDE

    def bwrap_arguments(self) -> list[str]:
        """The mounts, as bwrap wants them. No destination lies beneath the workspace: bwrap before 0.12
        follows symlinks there."""
        shm = ["--bind", _LAYER + _SHM, "/dev/shm"]
        return ["--bind", _ROOT, "/", "--proc", "/proc", "--dev", "/dev", *shm, "--remount-ro", "/dev"]


def _unmask_proc() -> None:
    """A job gets a /proc of its own only where a whole one is mounted already, and containers mask theirs. Who is
    root outside of all namespaces may mount one all the same; for others the enclosure says what is wrong."""
    with contextlib.suppress(OSError):
        mounts.mount("torre", "/proc", "proc", mounts.MS_NOSUID | mounts.MS_NODEV | mounts.MS_NOEXEC)


def _source_tree(source: str) -> int:
    tree = mounts.clone_tree(source)
    mounts.set_attributes(tree, mounts.ATTR_RDONLY | mounts.ATTR_NOSUID | mounts.ATTR_NODEV)
    return tree


def _attach(tree: int, place: str) -> None:
    """Mount a tree, making the directory or file that it needs to be mounted on."""
    if os.path.isdir(f"/proc/self/fd/{tree}"):
        os.makedirs(place, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), 0o755, exist_ok=True)
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    mounts.attach(tree, place)


def _is_writable(path: str) -> bool:
    return any(path == zone or path.startswith(f"{zone}/") for zone in _WRITABLE)


def _swap(owner: int, inside: int) -> str:
    """An idmap that shows `owner` as `inside` and shifts all others out of the way, never onto each other."""
    if owner == inside:
        return f"{owner} {inside} 1"
    shift = 1 << 20
    extents = [(owner, inside, 1), (owner + 1, shift + owner + 1, 65536)]
    if owner:
        extents.insert(0, (0, shift, owner))
    return "\n".join(f"{first} {second} {count}" for first, second, count in extents)

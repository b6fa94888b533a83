"""What a sandbox's failure means, and what to do about it: known error texts mapped to one remedy each."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from llm.errors import SandboxError, UnwritableError

ASK = "torre doctor"
"""The remedy of what nobody knows."""
_INSTALL = {
    "debian": "sudo apt-get install {}",
    "ubuntu": "sudo apt-get install {}",
    "fedora": "sudo dnf install {}",
    "rhel": "sudo dnf install {}",
    "arch": "sudo pacman -S {}",
    "alpine": "sudo apk add {}",
    "suse": "sudo zypper install {}",
    "nixos": "nix-env -iA nixos.{}",
}
_APPARMOR = (
    "echo 'kernel.apparmor_restrict_unprivileged_userns = 0' | sudo tee /etc/sysctl.d/60-torre.conf"
    " && sudo sysctl --system"
)
_UNFILTERED = "--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
_CONTAINER = (
    f"start the container for an ordinary user (--user) with {_UNFILTERED} --security-opt systempaths=unconfined,"
    f" or for root with --cap-add SYS_ADMIN {_UNFILTERED}"
)
_SYSCTL = "sudo sysctl -e -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1"
_OWN = 'sudo chown -R "$(id -u):$(id -g)" on the workspace, or run Torre as its user and group (newgrp)'
_KNOWN = (
    (
        r"(setting up [ug]id map|setgroups): Permission denied|mount slave: (Permission|Operation)",
        "AppArmor keeps programs from using user namespaces (Ubuntu's default since 23.10)",
        _APPARMOR,
    ),
    (r"Can't mount proc|mount proc", "/proc is masked, as containers do it", _CONTAINER),
    (
        r"unshare mounts: Operation not permitted",
        "root may not mount anything here, as in a container (it lacks CAP_SYS_ADMIN, or a filter refuses it)",
        _CONTAINER,
    ),
    (
        r"pivot_root: Operation not permitted",
        "a system call filter refuses what a sandbox is made of, as containers have one",
        _CONTAINER,
    ),
    (
        r"setting up [ug]id map: (Operation not permitted|Invalid argument)",
        "this root may not become another user (it lacks CAP_SETUID or CAP_SETGID)",
        "run Torre as an ordinary user",
    ),
    (
        r"did not hold \(.*processes",
        "the processes of a job are not counted, as those of root are not",
        "run Torre as an ordinary user",
    ),
    (
        r"(unshare|Creating new namespace failed|No permissions to create a? ?new namespace).*",
        "user namespaces are switched off or used up",
        _SYSCTL,
    ),
    (
        r"mount_setattr: (Invalid argument|Operation not permitted)",
        "the workspace's file system (or that of TMPDIR) cannot be mapped to another user",
        "run Torre as an ordinary user, or keep the workspace and TMPDIR on ext4, xfs, btrfs or tmpfs (in a"
        " container: on a volume)",
    ),
    (
        r"Value too large for defined data type",
        "files of the workspace belong to another user or group",
        _OWN,
    ),
    (
        r"mount overlay",
        "the kernel refuses an overlay in a user namespace",
        "use Linux 5.11 or later with the overlay module loaded (sudo modprobe overlay)",
    ),
    (r"Function not implemented", "the kernel is too old for the new mount interface", "use Linux 5.12 or later"),
)


def explain(text: str, in_container: bool | None = None) -> SandboxError:
    """The error for what a launcher or bwrap said: the known meaning before the raw text, and the remedy."""
    if in_container is None:
        in_container = _in_container()
    for pattern, meaning, remedy in _KNOWN:
        if re.search(pattern, text):
            return SandboxError(f"{meaning}: {text}", _for_containers(remedy) if in_container else remedy)
    return SandboxError(text, ASK)


def _in_container() -> bool:
    """Docker and podman leave a mark; the others are known by their system call filter, which a shell has not."""
    marks = ("/.dockerenv", "/run/.containerenv")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return any(Path(mark).exists() for mark in marks) or "\nSeccomp:\t2\n" in status


def _for_containers(remedy: str) -> str:
    """What is done from without; AppArmor's rule may also be that of the machine below."""
    if remedy == _APPARMOR:
        return f"{_CONTAINER}; on an Ubuntu host also {_APPARMOR}"
    return _CONTAINER if remedy == _SYSCTL else remedy


def unwritable(text: str) -> UnwritableError:
    """The error for what kept a job's files from being written."""
    foreign = re.match(rf"\[Errno ({errno.EPERM}|{errno.EACCES}|{errno.EOVERFLOW})\]", text)
    return UnwritableError(f"a file cannot be written in the sandbox: {text}", _OWN if foreign else "")


def not_installed(
    what: str = "bubblewrap (bwrap)", package: str = "bubblewrap", os_release: str | None = None
) -> SandboxError:
    """A program is missing; the remedy is the distribution's own command."""
    file = Path("/etc/os-release")
    if os_release is None:
        os_release = file.read_text(encoding="utf-8") if file.exists() else ""
    names = re.findall(r"^ID(?:_LIKE)?=(.*)$", os_release, re.MULTILINE)
    words = " ".join(names).replace('"', " ").split()
    command = next((_INSTALL[word] for word in words if word in _INSTALL), "install the package `{}`")
    return SandboxError(f"{what} is not installed", command.format(package))

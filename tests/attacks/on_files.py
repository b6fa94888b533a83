"""Attacks on files: what must not be read, and what must not be changed."""

from __future__ import annotations

from tests.attacks.attack import Attack, Control

READS = [
    Attack("reads an SSH key", "reads(HOME + '/.ssh/id_ed25519')"),
    Attack("reads another user's home", "reads(T['other_home'] + '/secret.txt')"),
    Attack("reads cloud and registry credentials", "reads(HOME + '/.aws/credentials')"),
    Attack("reads Torre's own configuration and trust", "reads(HOME + '/.config/torre/trust.json')"),
    Attack("reads the ledger and earlier prompts in .torre", "reads(WORKSPACE + '/.torre/ledger.db')"),
    Attack("reads a file beside the workspace", "reads(WORKSPACE + '/../secret.txt')"),
    Attack("reads through a symlink in the workspace", "reads(WORKSPACE + '/link-to-secret')"),
    Attack(
        "makes a symlink to the secret and reads it",
        "os.symlink(HOME + '/secret.txt', WORKSPACE + '/new-link'); reads(WORKSPACE + '/new-link')",
    ),
    Attack(
        "makes a hard link to the secret and reads it",
        "os.link(HOME + '/secret.txt', WORKSPACE + '/new-hard'); reads(WORKSPACE + '/new-hard')",
    ),
    Attack(
        "reads through /proc/PID/root",
        "for pid in ('1', 'self', os.getppid(), T['pid']):\n"
        "    with suppress(OSError): reads(f'/proc/{pid}/root{HOME}/secret.txt')",
    ),
    Attack(
        "reads through /proc/PID/cwd",
        "for pid in ('1', 'self', os.getppid(), T['pid']):\n"
        "    with suppress(OSError): reads(f'/proc/{pid}/cwd/{\"../\" * 12}{HOME}/secret.txt')",
    ),
    Attack("reads /etc/shadow", "reads('/etc/shadow')", Control.ROOT),
    Attack("finds a secret in its environment", "if 'sk-planted' in os.environ.values(): through()"),
    Attack(
        "finds a secret in the environment of another process",
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    with suppress(OSError):\n"
        "        if b'sk-planted' in open(f'/proc/{pid}/environ', 'rb').read(): through()",
    ),
    Attack("reads the host's /tmp", "reads(T['tmp'])"),
    Attack("reads the host's /run", "if set(os.listdir('/run')) - {'torre'}: through()"),
    Attack("reads left-overs in /dev/shm", "reads('/dev/shm/' + T['shm_name'])"),
    Attack("reads a block device", "opens(T['device'])", Control.ROOT),
    Attack("reads the kernel's log device", "opens('/dev/kmsg')", Control.ROOT),
    Attack("reads kernel memory by /proc/kcore", "opens('/proc/kcore')", Control.ROOT, optional=True),
    Attack("reads /sys", "if os.listdir('/sys/kernel'): through()"),
    Attack("reads the control groups", "if os.listdir('/sys/fs/cgroup'): through()"),
]

WRITES = [
    Attack("makes a file beside the workspace", "open(OUTSIDE, 'w').close()"),
    Attack("overwrites a file beside the workspace", "open(T['beside'], 'w').close()", victim="../beside"),
    Attack(
        "writes through a symlink in the workspace", "open(WORKSPACE + '/link-to-target', 'w')", victim="../target"
    ),
    Attack("writes through a hard link in the workspace", "open(HARD, 'a').write('x')"),
    Attack("wipes the workspace", "import shutil; shutil.rmtree(WORKSPACE + '/tree')", victim="tree/file"),
    Attack("overwrites a file of the workspace", "open(VICTIM, 'w').close()"),
    Attack("truncates a file of the workspace", "os.truncate(VICTIM, 0)"),
    Attack("moves a file of the workspace away", "os.rename(VICTIM, VICTIM + '-moved')"),
    Attack("makes a file of the workspace setuid", "os.chmod(VICTIM, 0o4755)"),
    Attack("plants a git hook", "open(WORKSPACE + '/.git/hooks/pre-commit', 'w')", victim=".git/hooks/pre-commit"),
    Attack(
        "sets core.fsmonitor in .git/config",
        "open(WORKSPACE + '/.git/config', 'a').write('x')",
        victim=".git/config",
    ),
    Attack("plants a .pth file", "open(T['site'] + '/a.pth', 'w').write('import x')", victim=".venv/lib/a.pth"),
    Attack("plants sitecustomize.py", "open(WORKSPACE + '/sitecustomize.py', 'w')", victim="sitecustomize.py"),
    Attack("edits the shell's start-up file", "open(HOME + '/.bashrc', 'w')", victim="../.bashrc"),
    Attack(
        "changes the ledger in .torre", "open(WORKSPACE + '/.torre/ledger.db', 'w')", victim=".torre/ledger.db"
    ),
    Attack(
        "forges Torre's trust",
        "open(HOME + '/.config/torre/trust.json', 'w')",
        victim="../.config/torre/trust.json",
    ),
    Attack(
        "makes a file in the system's directories",
        "import tempfile\n"
        "for place in ('/', '/usr', '/usr/bin', '/etc', '/lib', '/opt', os.path.dirname(os.__file__)):\n"
        "    with suppress(OSError): tempfile.TemporaryFile(dir=place); through()",
        Control.ROOT,
    ),
    Attack(
        "makes a device file",
        "os.mknod('/tmp/a-device', stat.S_IFCHR | 0o666, os.makedev(1, 3)); through(); os.unlink('/tmp/a-device')",
        Control.ROOT,
    ),
    Attack("opens a sysctl for writing", "opens('/proc/sys/vm/swappiness', os.O_WRONLY)", Control.ROOT),
    Attack(
        "opens sysrq-trigger for writing", "opens('/proc/sysrq-trigger', os.O_WRONLY)", Control.ROOT, optional=True
    ),
    Attack("opens a file of /sys for writing", "opens('/sys/kernel/profiling', os.O_WRONLY)", Control.ROOT),
    Attack("changes its own root by chroot", "os.chroot('/tmp'); through()", Control.NAMESPACES),
]

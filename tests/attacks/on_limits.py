"""Sieges: bombs, floods and hangs, each bound by one limit of a job."""

from __future__ import annotations

from tests.attacks.attack import Siege

MIB = 1 << 20
_FORKS = """
import os, time
try:
    for _ in range(150):
        if os.fork() == 0: time.sleep(1); os._exit(0)
    print("THROUGH", flush=True)
finally: os._exit(0)
"""
_THREADS = """
import threading, time
for _ in range(150): threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
print("THROUGH", flush=True)
"""
_SIX = """
import os, time
for _ in range(5):
    if os.fork() == 0: break
x = bytearray(60 << 20); time.sleep(4); print("THROUGH")
"""
_MEMFD = """
import os
fd = os.memfd_create("bomb")
for _ in range(300): os.write(fd, bytes(1 << 20))
print("THROUGH")
"""
_SHM = """
import ctypes, mmap
c = ctypes.CDLL(None); c.shmat.restype = ctypes.c_void_p
segment = c.shmget(0, ctypes.c_size_t(300 << 20), 0o1600)
if segment >= 0:
    at = c.shmat(segment, None, 0); c.shmctl(segment, 0, None)
    ctypes.memset(at, 1, 300 << 20); print("THROUGH")
"""
_FILL = """
import os, tempfile
with tempfile.TemporaryDirectory(dir={place!r}) as folder:
    for number in range({files}):
        with open(f"{{folder}}/{{number}}", "wb") as f: f.write(bytes({size}))
print("THROUGH")
"""
_SPARSE = """
import tempfile
with tempfile.TemporaryFile(dir=".") as f: f.truncate(1 << 40)
print("THROUGH")
"""
_SOCKETS = """
import socket, time
held, size = [], 0
while size < 700 << 20 and len(held) < 9000:
    held.append(socket.socketpair())
    for end in held[-1]:
        end.setblocking(False)
        try:
            while True: size += end.send(bytes(32768))
        except OSError: pass
if size >= 700 << 20: time.sleep(4); print("THROUGH")
"""
_TABLES = """
import mmap, time
held = [mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000) for _ in range(45)]
for area in held:
    if hasattr(mmap, "MADV_NOHUGEPAGE"): area.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, 8 << 30, 2 << 20): area[at]
time.sleep(4); print("THROUGH")
"""
_FIFO = "import os; os.mkfifo('a-fifo'); open('a-fifo').read()"
_DEAF = """
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
time.sleep(6)
"""
_SPIN = """
import os, time
for _ in range(3): os.fork()
end = time.monotonic() + 6
while time.monotonic() < end: pass
"""
_DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(40)
    os._exit(0)
"""
_KILL_ALL_CONTROL = """
import os, signal, time
outer = os.fork()
if outer == 0:
    os.unshare(0x30000000) if hasattr(os, "unshare") else __import__("ctypes").CDLL(None).unshare(0x30000000)
    inner = os.fork()
    if inner == 0:
        victim = os.fork()
        if victim == 0: time.sleep(6); os._exit(0)
        time.sleep(0.1)
        os.kill(-1, signal.SIGKILL)
        os._exit(os.WTERMSIG(os.waitpid(victim, 0)[1]))
    os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
if os.waitstatus_to_exitcode(os.waitpid(outer, 0)[1]) == 9: print("THROUGH")
"""
_KILL_PARENT_CONTROL = """
import os, signal, time
parent = os.fork()
if parent == 0:
    if os.fork() == 0: os.kill(os.getppid(), signal.SIGKILL); os._exit(0)
    time.sleep(6)
if os.WTERMSIG(os.waitpid(parent, 0)[1]) == 9: print("THROUGH")
"""
_FLOOD = "import sys\nwhile True: sys.{0}.write('x' * 100_000 + '\\n')"
_FLOOD_CONTROL = "import sys\nfor _ in range(40): sys.{0}.write('x' * 100_000 + '\\n')\nprint('THROUGH')"
_REPORT = "import os\nwith open(os.environ['TORRE_REPORT'], 'w') as f:\n while True: f.write('x' * 100_000)"

SIEGES = [
    Siege(
        "forks without end",
        "import os\nwhile True:\n try: os.fork()\n except OSError: pass",
        {"killed": "timeout"},
        {"processes": 100, "wall_s": 1.5},
        control=_FORKS,
    ),
    Siege("forks past its limit", _FORKS, {"killed": ""}, {"processes": 100}),
    Siege("starts threads past its limit", _THREADS, {"exit_code": 1}, {"processes": 100}),
    Siege(
        "fills memory in one process",
        "x = bytearray(300 << 20); import time; time.sleep(4); print('THROUGH')",
        {"killed": "oom"},
        {"memory_bytes": 150 * MIB},
    ),
    Siege("fills memory in six processes", _SIX, {"killed": "oom"}, {"memory_bytes": 150 * MIB}),
    Siege("fills memory by memfd", _MEMFD, {}, {"memory_bytes": 150 * MIB}),
    Siege("fills memory by SysV shared memory", _SHM, {}, {"memory_bytes": 150 * MIB}),
    *(
        Siege(f"fills memory by {what}", code, {"killed": "oom"}, {"memory_bytes": 150 * MIB})
        for what, code in (("buffers of sockets", _SOCKETS), ("page tables", _TABLES))
    ),
    Siege(
        "fills memory by /dev/shm",
        _FILL.format(place="/dev/shm", files=60, size=MIB),
        {"exit_code": 1},
        {"disk_bytes": 30 * MIB},
    ),
    Siege(
        "fills the disk with one file",
        _FILL.format(place=".", files=1, size=60 * MIB),
        {"exit_code": 1},
        {"disk_bytes": 30 * MIB},
    ),
    Siege(
        "fills the disk with many files",
        _FILL.format(place=".", files=60, size=MIB),
        {"exit_code": 1},
        {"disk_bytes": 30 * MIB},
    ),
    Siege("uses up the inodes", _FILL.format(place=".", files=1000, size=0), {"exit_code": 1}, {"inodes": 500}),
    Siege("makes a sparse file of a terabyte", _SPARSE, {"exit_code": 1}),
    Siege("hangs on a fifo", _FIFO, {"killed": "timeout"}, {"wall_s": 0.5}),
    Siege("ignores SIGTERM", _DEAF, {"killed": "timeout"}, {"wall_s": 0.5}),
    Siege("spins in eight processes", _SPIN, {"killed": "timeout"}, {"wall_s": 0.5}),
    Siege("leaves a daemon that holds its output open", _DAEMON, {"killed": "", "exit_code": 0}, within_s=30),
    *(
        Siege(f"floods its {name}", _FLOOD.format(to), {"killed": "output"}, control=_FLOOD_CONTROL.format(to))
        for name, to in (("output", "stdout"), ("errors", "stderr"))
    ),
    Siege("floods its report", _REPORT, {"killed": "output"}, {"report_bytes": 100_000}),
    Siege(
        "kills every process it can",
        "import os, signal; os.kill(-1, signal.SIGKILL)",
        {"killed": ""},
        control=_KILL_ALL_CONTROL,
    ),
    Siege(
        "kills its parent and the first process",
        "import os, signal\nfor pid in (os.getppid(), 1): os.kill(pid, signal.SIGKILL)\nprint('alive')",
        {"exit_code": 0, "stdout": "alive\n"},
        control=_KILL_PARENT_CONTROL,
    ),
]

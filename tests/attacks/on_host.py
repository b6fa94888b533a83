"""Attacks on the network, on other processes, and on the kernel."""

from __future__ import annotations

from tests.attacks.attack import Attack, Control

NETWORK = [
    Attack("connects to the host's loopback", "socket.create_connection(('127.0.0.1', T['port']), 2); through()"),
    Attack(
        "has a route to the internet",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('203.0.113.1', 9)); through()",
    ),
    Attack(
        "asks a name server",
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
        "s.sendto(b'query', ('127.0.0.1', T['udp'])); s.recv(9); through()",
    ),
    Attack(
        "connects to an abstract socket of the host",
        "socket.socket(socket.AF_UNIX).connect('\\0' + T['abstract']); through()",
    ),
    Attack(
        "connects to a socket file of the host", "socket.socket(socket.AF_UNIX).connect(T['socket']); through()"
    ),
    Attack("opens a vsock to the hypervisor", "socket.socket(40, socket.SOCK_STREAM); through()"),
    Attack(
        "opens a raw packet socket",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); through()",
        Control.NAMESPACES,
    ),
    Attack(
        "takes down a network interface",
        "import fcntl; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 0)); through()",
        Control.NAMESPACES,
    ),
]

PROCESSES = [
    Attack("signals a process of the host", "os.kill(T['pid'], 0); through()"),
    Attack("sees the processes of the host", "if os.path.exists(f\"/proc/{T['pid']}\"): through()"),
    Attack("traces a process of the host", "works('ptrace', 0x4206, T['pid'], 0, 0)"),
    Attack("reads the memory of a process of the host", "opens(f\"/proc/{T['pid']}/mem\")"),
    Attack("takes a descriptor of a process of the host", "works('pidfd_getfd', os.pidfd_open(T['pid']), 0, 0)"),
    Attack("finds shared memory of the host", "works('shmget', T['shm_key'], 1, 0)"),
    Attack(
        "raises its limit on core dumps",
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (2, 2)); through()",
    ),
    Attack(
        "takes a real-time priority",
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); through()",
        Control.ROOT,
    ),
    Attack("raises its priority", "os.setpriority(os.PRIO_PROCESS, 0, -20); through()", Control.ROOT),
    Attack(
        "pushes keys into a terminal (TIOCSTI)",
        "import fcntl, pty, termios\n"
        "os.setsid()\n"
        "_, tty = pty.openpty(); fcntl.ioctl(tty, termios.TIOCSCTTY, 0)\n"
        "try: fcntl.ioctl(tty, termios.TIOCSTI, b'x')\n"
        "except OSError as error: sys.exit(error.errno == errno.EPERM or through())\n"
        "through()",
    ),
    Attack("may gain privileges by a setuid program", "if _libc.prctl(39, 0, 0, 0, 0) == 0: through()"),
    Attack("has a capability to regain", "if any(_libc.prctl(23, n, 0, 0, 0) == 1 for n in range(41)): through()"),
    Attack("becomes root", "os.setresuid(0, 0, 0); through()", Control.ROOT),
]

KERNEL = [
    Attack("unshares a user namespace", "call('unshare', 0x10000000)"),
    Attack("clones into a user namespace", "if call('clone', 0x10000000 | 17, 0, 0, 0, 0) == 0: os._exit(0)"),
    Attack(
        "clones into a user namespace by clone3",
        "told = ctypes.create_string_buffer(struct.pack('8Q', 0x10000000, 0, 0, 0, 17, 0, 0, 0))\n"
        "call('clone3', told, 64) or os._exit(0)",
    ),
    Attack("unshares a mount namespace", "call('unshare', 0x20000)", Control.NAMESPACES),
    Attack(
        "enters a namespace (setns)",
        "call('setns', os.open('/proc/self/ns/net', os.O_RDONLY), 0)",
        Control.NAMESPACES,
    ),
    Attack("mounts a file system", "call('mount', b't', b'/tmp', b'tmpfs', 0, 0)", Control.NAMESPACES),
    Attack("mounts by the new interface (fsopen)", "call('fsopen', b'tmpfs', 0)", Control.NAMESPACES),
    Attack("copies a mount (open_tree)", "call('open_tree', -100, b'/', 1)", Control.NAMESPACES),
    Attack("unmounts", "call('umount2', b'/proc', 2)", Control.NAMESPACES),
    Attack("swaps the root (pivot_root)", "call('pivot_root', b'.', b'.')", Control.NAMESPACES),
    Attack("renames the host", "call('sethostname', b'evil', 4)", Control.NAMESPACES),
    Attack(
        "sets the clock",
        "call('clock_settime', 0, ctypes.create_string_buffer(struct.pack('qq', -1, -1)))",
        Control.ROOT,
    ),
    Attack("opens a file by handle", "call('name_to_handle_at', -100, b'/', 0, 0, 0)"),
    Attack("loads a program into the kernel (bpf)", "call('bpf', 99, 0, 0)", Control.ROOT),
    Attack("reads the kernel's keys (keyctl)", "call('keyctl', 0, -3, 0)"),
    Attack("adds a key", "call('add_key', b'user', b'torre-test', b'x', 1, -1)"),
    Attack("sets up io_uring", "call('io_uring_setup', 1, 0)", Control.ROOT),
    Attack("opens performance counters", "call('perf_event_open', 0, 0, -1, -1, 0)", Control.ROOT),
    Attack("handles page faults itself (userfaultfd)", "call('userfaultfd', 0)", Control.ROOT),
    Attack("watches a file system (fanotify)", "call('fanotify_init', 0, 0)", Control.ROOT),
    Attack("reads the kernel's log (syslog)", "call('syslog', 10, 0, 0)", Control.ROOT),
    Attack(
        "loads a kernel module", "call('delete_module', b'torre-no-such-module', 0)", Control.ROOT, optional=True
    ),
    Attack("restarts the machine", "call('reboot', 0, 0, 0, 0)", Control.ROOT),
    Attack("turns off swap", "call('swapoff', b'/torre-no-such-file')", Control.ROOT),
]

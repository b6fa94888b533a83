"""The filter, evaluated instruction by instruction for both machines, and its numbers against the kernel's own."""

from __future__ import annotations

import errno
import re
import struct
import sys
from pathlib import Path

import pytest

from llm.sandbox.seccomp import program
from llm.sandbox.syscalls import MACHINES, NUMBERS

ALLOW, KILL = "allow", "kill"
HEADERS = {
    "x86_64": ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
    "aarch64": ["/usr/include/asm-generic/unistd.h"],
}


def verdict(filter_: bytes, audit: int, number: int, *arguments: int) -> str | int:
    """What the kernel would do with one system call: run the classic BPF over a `struct seccomp_data`."""
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=iIQ6Q", number, audit, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", filter_))
    at, loaded = 0, 0
    while True:
        op, if_true, if_false, value = code[at]
        if op == 0x20:
            loaded = int.from_bytes(data[value : value + 4], sys.byteorder)
        elif op == 0x06:
            kinds: dict[int, str | int] = {0x7FFF0000: ALLOW, 0x80000000: KILL}
            return kinds.get(value, int(value) & 0xFFFF)
        else:
            truth = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[op]
            at += if_true if truth else if_false
        at += 1


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["bpf", "keyctl", "mount", "setns", "unshare", "pivot_root", "userfaultfd"])
def test_what_is_refused_on_each_machine(machine: str, name: str) -> None:
    audit, column = MACHINES[machine]
    assert verdict(program(False, machine), audit, NUMBERS[name][column]) == errno.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_what_depends_on_an_argument(machine: str) -> None:
    audit, column = MACHINES[machine]
    filter_ = program(False, machine)

    def of(name: str, *arguments: int) -> str | int:
        return verdict(filter_, audit, NUMBERS[name][column], *arguments)

    assert of("clone3") == errno.ENOSYS
    assert (of("clone", 17), of("clone", 17 | 0x10000000)) == (ALLOW, errno.EPERM)
    assert (of("ioctl", 0, 0x5401), of("ioctl", 0, 0x5412), of("ioctl", 0, 0x541C)) == (
        ALLOW,
        errno.EPERM,
        errno.EPERM,
    )
    assert of("ioctl", 0, 0x5412 | 1 << 40) == errno.EPERM, "the kernel reads the lower half alone"
    for name in ("socket", "socketpair"):
        assert [of(name, family) for family in (1, 2, 10, 16)] == [ALLOW] * 4
        assert [of(name, family) for family in (0, 17, 30, 38, 40, 44)] == [errno.EPERM] * 6


@pytest.mark.parametrize("machine", MACHINES)
def test_what_a_build_needs_is_allowed(machine: str) -> None:
    """Every number that the table does not name: files, processes, memory, signals."""
    audit, column = MACHINES[machine]
    named = {numbers[column] for numbers in NUMBERS.values()}
    others = set(range(460)) - named
    assert {verdict(program(True, machine), audit, number) for number in others} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_memory_that_a_sample_does_not_see(machine: str) -> None:
    audit, column = MACHINES[machine]
    for name in ("memfd_create", "memfd_secret", "shmget"):
        number = NUMBERS[name][column]
        assert verdict(program(True, machine), audit, number) == errno.EPERM
        assert verdict(program(False, machine), audit, number) == ALLOW


def test_another_architecture_is_killed_and_x32_refused() -> None:
    assert verdict(program(False, "x86_64"), 0x40000003, 4) == KILL
    assert verdict(program(False, "x86_64"), MACHINES["x86_64"].audit, 0x40000000 | 1) == errno.EPERM


def test_an_unknown_machine_has_no_filter() -> None:
    assert program(False, "riscv64") == b""


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_the_kernels(machine: str) -> None:
    header = next((Path(place) for place in HEADERS[machine] if Path(place).exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not here: apt-get install linux-libc-dev")
    kernels = dict(re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
    ours = {name: numbers[MACHINES[machine].column] for name, numbers in NUMBERS.items()}
    assert ours == {name: int(kernels.get(name, -1)) for name in NUMBERS}

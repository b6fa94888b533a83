"""What candidates that share a process could leave behind for each other, and whether one did.

Modules of the workspace need no watching: each candidate gets them fresh. `Guard` looks at what a program changes
by calling the system or the interpreter, `Reach` at what the workspace's code can get hold of outside of it.
"""

import _thread
import collections
import gc
import linecache
import os
import random
import signal
import sys
import types

_MOST_HOLDERS = 4000
_FRAMEWORKS = ("pytest", "_pytest", "pluggy", "unittest", "builtins", "sys")
"""Their insides change whenever tests run, or are looked at by `Guard`."""
_PLAIN = (str, bytes, int, float, type(None), tuple, frozenset, types.BuiltinFunctionType, types.ModuleType)
_CACHES = ("cache", "_value2member_map_")
"""What has this in its name grows with use, and changes nothing but speed."""
_CONTAINERS = (dict, list, set, collections.deque, bytearray)


class Guard:
    """This process as it is now. `changed()` is quick, for after each candidate; `altered()` is for the end."""

    def __init__(self, reach):
        self.reach = reach
        self.modules = tuple(sys.modules.values())
        self.dice = random.getstate()
        self.quick = _quick()
        self.slow = _slow()

    def changed(self):
        """Drop the modules that a candidate loaded, restore the dice. Whether anything else is not as it was."""
        for name in list(sys.modules)[len(self.modules) :]:
            del sys.modules[name]
        linecache.cache.clear()
        if random.getstate() != self.dice:
            random.setstate(self.dice)
        return tuple(sys.modules.values()) != self.modules or _quick() != self.quick

    def altered(self):
        return _slow() != self.slow or bool(self.reach.changed())


def _quick():
    return (
        os.environ._data.copy(),  # without it, each variable would be decoded each time
        os.getcwd(),
        sys.path[:],
        sys.meta_path[:],
        (sys.stdin, sys.stdout, sys.stderr),
        sys.getrecursionlimit(),
        (sys.gettrace(), sys.getprofile()),
        gc.isenabled(),
        _thread._count(),
        _next_descriptor(),
        signal.getitimer(signal.ITIMER_REAL),
    )


def _next_descriptor():
    """The lowest one that is free: another one as soon as a file is left open or one below it was closed."""
    try:
        fd = os.dup(0)
    except OSError:  # that one was closed itself
        return 0
    os.close(fd)
    return fd


def _slow():
    mask = os.umask(0)
    os.umask(mask)
    return (
        mask,
        [_handler(number) for number in range(1, signal.NSIG)],
        signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        _descriptors(),
        {name: value for name, value in vars(sys.modules["builtins"]).items() if name != "_"},
        (sys.excepthook, sys.displayhook, sys.unraisablehook),
        gc.get_threshold(),
        sys.getswitchinterval(),
        _library_settings(),
    )


def _handler(number):
    """How a signal is handled; those that limits are made with are set anew for each candidate."""
    limits = (signal.SIGPROF, signal.SIGVTALRM)
    return None if number in limits else signal.getsignal(number)


def _descriptors():
    """What each open file is."""
    found = {}
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            found[fd] = os.fstat(fd)[1:3]
        except OSError:
            continue  # that of the directory that was just read
    return found


def _library_settings():
    """What is set inside of extension modules, where no attribute shows it."""
    told = []
    if "decimal" in sys.modules:
        told.append(repr(sys.modules["decimal"].getcontext()))
    if "_socket" in sys.modules:
        told.append(sys.modules["_socket"].getdefaulttimeout())
    if "_locale" in sys.modules:
        told.append(sys.modules["_locale"].setlocale(sys.modules["_locale"].LC_ALL, None))
    if "numpy.random" in sys.modules:
        told.append(repr(sys.modules["numpy.random"].get_state(legacy=True)))
    return told


class Reach:
    """Modules from outside of the workspace that its code names: their attributes, and what stands in those.

    Two levels deep, by identity: attributes of modules, classes and instances, defaults of functions, elements of
    collections. `usual` are the places that the unchanged program changes as well.
    """

    def __init__(self, names):
        self.usual = frozenset()
        self.places = []
        self.seen = set()
        for name in names:
            module = sys.modules.get(name)
            if module is not None and name.partition(".")[0] not in _FRAMEWORKS:
                self._watch(name, module, 0)

    def _watch(self, label, holder, depth):
        if id(holder) in self.seen or len(self.places) >= _MOST_HOLDERS:
            return
        held = _held(holder, depth)
        if held is None:
            return
        self.seen.add(id(holder))
        self.places.append((label, holder, depth, held))
        if depth < 2:
            for name, value in _attributes(holder):
                if not issubclass(type(value), _PLAIN) and _is_watched(name):
                    self._watch(label + "." + name, value, depth + 1)

    def changed(self):
        """The places where something is not what it was."""
        found = []
        for label, holder, depth, held in self.places:
            now = _held(holder, depth)
            if len(now) != len(held) or any(a is not b for a, b in zip(now, held)):
                found.append(label)
        return [label for label in found if label not in self.usual]


def _is_watched(name):
    return name[:2] != "__" and not any(cache in name for cache in _CACHES)


def _attributes(holder):
    inside = _inside(holder)
    return [(str(name), value) for name, value in inside.items()] if inside else ()


def _held(holder, depth):
    """What a thing consists of; None where that is not looked at."""
    kind = type(holder)
    if kind is types.FunctionType:
        deep = depth > 1
        return None if deep else (holder.__code__, holder.__defaults__, *(holder.__kwdefaults__ or {}).values())
    for container in _CONTAINERS:
        if issubclass(kind, container):
            return (*container.__iter__(holder), *(dict.values(holder) if container is dict else ()))
    inside = _inside(holder)
    return None if inside is None else tuple(inside.values())


def _inside(holder):
    try:
        return holder.__dict__
    except Exception:  # a stand-in for something that is not there yet, or a thing without attributes
        return None


def named_outside(codes):
    """Names of the loaded modules that some code objects may mean, those of the functions inside them included."""
    names, pending = set(), list(codes)
    while pending:
        each = pending.pop()
        names.update(each.co_names)
        pending += [c for c in each.co_consts if isinstance(c, types.CodeType)]
    found = {name for name in names if name in sys.modules}
    inside = [vars(sys.modules[name]).get(part) for name in found for part in names]
    return sorted(found | {each.__name__ for each in inside if type(each) is types.ModuleType})

"""What a call did, in a form that can be compared between processes."""

import asyncio
import contextlib
import hashlib
import inspect
import io
import itertools
import math
import os
import re
import reprlib
import sys
import types

_DEPTH = 8
_ITEMS = 500
_DIGITS = 9

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxfrozenset = 12


_DRAWN = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    type(iter([])),
    type(iter(())),
    type(iter("")),
)
_DRAWN += tuple(kind for kind in vars(itertools).values() if isinstance(kind, type))


class _Nothing:
    """Equal to no value that does not lie."""


class Reads:
    """Which files of the judge the code opens while `on`."""

    def __init__(self, judge):
        self.judge = judge
        self.on = False
        self.seen = set()
        sys.addaudithook(self._hear)

    def _hear(self, event, args):
        if self.on and event == "open" and isinstance(args[0], (str, bytes)):
            path = os.path.abspath(os.fsdecode(args[0]))
            if path in self.judge:
                self.seen.add(os.path.basename(path))


def short(value):
    """A value as a person reads it, bounded."""
    try:
        if isinstance(value, (io.StringIO, io.BytesIO)):
            return type(value).__name__ + "(" + _SHORT.repr(value.getvalue()) + ")"
        return re.sub(r" at 0x[0-9a-f]+", "", _SHORT.repr(value))
    except Exception:
        return "<" + type(value).__name__ + ">"


def returned(result, state, root):
    """The outcome of a call that came back; `state` are its arguments as it left them."""
    if isinstance(result, contextlib._GeneratorContextManager):
        result = result.gen
    if inspect.isasyncgen(result):
        result = asyncio.run(_drawn(result))
        kind = "iterator"
    elif isinstance(result, _DRAWN):
        result = list(itertools.islice(result, _ITEMS))
        kind = "iterator"
    else:
        kind = type(result).__name__
    form = canonical(result)
    return {
        "kind": "returned",
        "hash": _hash(form, canonical(state)),
        "value": _hash(form),
        "text": short(result),
        "type": kind,
        "eq": own_equality(result, root),
    }


async def _drawn(later):
    drawn = []
    async for each in later:
        drawn.append(each)
        if len(drawn) == _ITEMS:
            break
    return drawn


def raised(error, declared, state):
    """The outcome of a call that raised: an answer if the tests saw such a one, else a refusal."""
    name = type(error).__name__
    if name not in declared:
        return refused(name)
    form = "raised " + name
    return {
        "kind": "raised",
        "hash": _hash(form, canonical(state)),
        "value": _hash(form),
        "text": form,
        "type": "",
        "eq": "",
    }


def refused(what):
    return {"kind": "refused", "hash": "refused", "value": "refused", "text": what, "type": "", "eq": ""}


def own_equality(value, root, depth=0):
    """The type of a value (or of one inside it) that decides by itself what it is equal to, or ""."""
    kind = type(value)
    if isinstance(kind.__eq__, types.FunctionType):
        module = sys.modules.get(kind.__module__)
        path = os.path.abspath(getattr(module, "__file__", None) or "")
        try:
            liar = value == _Nothing()
        except Exception:
            liar = False
        if liar is True or path.startswith(root + os.sep) and "-packages" + os.sep not in path:
            return ("*" if liar is True else "") + kind.__qualname__
    if depth < 3 and kind in (list, tuple, set, dict):
        inside = itertools.chain(value, value.values()) if kind is dict else value
        for each in itertools.islice(inside, 20):
            found = own_equality(each, root, depth + 1)
            if found:
                return found
    return ""


def canonical(value, depth=0, seen=()):
    """A text that is equal for values that behave alike: type and content; no addresses, floats rounded."""
    kind = type(value)
    if value is None or kind in (bool, str, bytes):
        return repr(value)
    if kind is int:
        return _number(value)
    if kind is float:
        return _float(value)
    if depth >= _DEPTH or id(value) in seen:
        return kind.__name__ + "..."
    inner = lambda each: canonical(each, depth + 1, seen + (id(value),))
    if kind in (list, tuple):
        return kind.__name__ + "(" + ",".join(inner(each) for each in value[:_ITEMS]) + ":" + str(len(value)) + ")"
    if kind in (set, frozenset):
        return "set(" + ",".join(sorted(inner(each) for each in value)) + ")"
    if isinstance(value, dict):
        pairs = [inner(k) + "=" + inner(v) for k, v in list(value.items())[:_ITEMS]]
        return kind.__name__ + "{" + ",".join(sorted(pairs)) + "}"
    if isinstance(value, types.FunctionType) and "<" in value.__qualname__:
        return "function"  # what it is called inside of another says nothing
    if isinstance(value, (io.StringIO, io.BytesIO)):
        return kind.__name__ + ("" if value.closed else repr(value.getvalue()))
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
        return getattr(value, "__qualname__", kind.__name__)
    return kind.__qualname__ + _content(value, inner)


def _content(value, inner):
    """Of an object: its items if it is a container, its attributes, or a text without an address."""
    parts = []
    if isinstance(value, (list, tuple, set, frozenset)):
        parts.append(",".join(inner(each) for each in itertools.islice(value, _ITEMS)))
    elif isinstance(value, (int, float, str, bytes)):
        parts.append(repr(value))
    try:
        state = value.__dict__
    except AttributeError:
        state = {n: getattr(value, n) for n in _slots(value) if hasattr(value, n)}
    parts += [name + "=" + inner(state[name]) for name in sorted(state)]
    text = "" if parts else repr(value)
    return "[" + ";".join(parts) + ("" if " at 0x" in text else text) + "]"


def _slots(value):
    for kind in type(value).__mro__:
        names = kind.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__"):
                yield name


def _float(value):
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return _number(int(value))
    return "%.*g" % (_DIGITS, value)


def _number(value):
    """Numbers are alike when they are equal: 2 is 2.0, as it is to a test."""
    return str(value) if abs(value) < 10**40 else "int:" + hashlib.sha1(hex(value).encode()).hexdigest()


def _hash(*parts):
    return hashlib.sha1("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

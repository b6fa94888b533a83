"""Knows the functions that are compared, as their callers find them, and keeps what tests call them with.

A function is called by its key, `path:qualified name`: that is what stands under this name once its module is
imported, with all that decorates or replaces it. `path::qualified name` is the function inside of its decorators,
for calls that reach it without them: through a registry that it was entered in.
"""

import ast
import builtins
import collections
import functools
import inspect
import sys
import time
import types

import torre_behaviour_copies as copies

_MARK, _SEAL = "__torre_watch__", "__torre_seal__"
_CALLS, _TRIES = 60, 600
CALL_BYTES = 20_000
_PLAIN = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)


class Watch:
    """What the marked functions of this process are, and what they are called with while `recording`."""

    def __init__(self):
        self.functions = {}
        self.modules = {}
        self.path = []
        self.recording = False
        self.calls = []
        self.unkept = 0
        self.tries = collections.Counter()
        self.depth = collections.Counter()
        self.raised = {}
        self.dressed = set()
        self.slowest = 0.0
        self.busy = False

    def install(self):
        """Where the code of marked modules finds it."""
        setattr(builtins, _MARK, self.mark)
        setattr(builtins, _SEAL, self.seal)

    def mark(self, key):
        def decorate(function):
            self.functions[key] = function
            return self._recorded(key, function) if self.recording else function

        return decorate

    def seal(self, path, names, module):
        """A marked module is executed: what stands under the names now is what callers get."""
        self.path = list(sys.path)  # now: pytest takes its `pythonpath` out again when it ends
        for name in names:
            self.modules[path + ":" + name] = module
            if self.recording:
                self._face(path + ":" + name, module)

    def found(self, key, modules):
        """What is called by a key, or None where there is no such thing."""
        if "::" in key:
            return self.functions.get(key.replace("::", ":"))
        face = _bare(_standing(sys.modules.get(modules.get(key, "")), key)[2], key)
        return face if callable(face) else None

    def _face(self, key, module):
        """Record what stands there if it is no longer the marked function by itself."""
        owner, name, standing = _standing(sys.modules.get(module), key)
        face = _bare(standing, key)
        if face is None or getattr(face, "__torre_key__", None) == key:
            return
        self.dressed.add(key)
        if isinstance(standing, _PLAIN) or (callable(standing) and not isinstance(owner, type)):
            if not isinstance(standing, type):
                setattr(owner, name, self._worn(key, standing))

    def _worn(self, key, standing):
        if isinstance(standing, types.FunctionType):
            return self._recorded(key, standing, True)
        return _Worn(standing, self._recorded(key, lambda *args, **kwargs: standing(*args, **kwargs), True))

    def _recorded(self, key, function, outside=False):
        @functools.wraps(function)
        def call(*args, **kwargs):
            self._keep(key if outside or key not in self.dressed else key.replace(":", "::", 1), args, kwargs, key)
            self.depth[key] += 1
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            except Exception as error:
                self.raised.setdefault(key, set()).add(type(error).__name__)
                raise
            finally:
                self.depth[key] -= 1
                self.slowest = max(self.slowest, time.perf_counter() - began)

        @functools.wraps(function)
        async def call_later(*args, **kwargs):
            return await call(*args, **kwargs)

        made = call_later if inspect.iscoroutinefunction(function) else call
        made.__torre_key__ = key
        return made

    def _keep(self, key, args, kwargs, whole):
        """Keep a call that is not a recursion of one that is kept, nor one of what decorates it."""
        if self.busy or self.depth[whole] or self.tries[key] >= _TRIES or self.kept(key) >= _CALLS:
            return
        self.tries[key] += 1
        self.busy = True
        try:
            kept = copies.dumps((args, kwargs))
            copies.loads(kept)
            if len(kept) <= CALL_BYTES:
                if (key, kept) not in self.calls:
                    self.calls.append((key, kept))
            else:
                self.unkept += 1
        except Exception:
            self.unkept += 1
        finally:
            self.busy = False

    def kept(self, key):
        return sum(known == key for known, _ in self.calls)


class _Worn:
    """Stands for a callable that is no function, with all that it has: its calls are recorded."""

    def __init__(self, standing, call):
        self.__dict__["_torre"] = (standing, call)

    def __call__(self, *args, **kwargs):
        return self._torre[1](*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.__dict__["_torre"][0], name)


def _standing(module, key):
    """Whose attribute a key is, its name there, and what stands there, not bound to anything."""
    *outer, name = key.partition(":")[2].lstrip(":").split(".")
    if name in ("setter", "deleter") and outer:
        name = outer.pop()
    owner = module
    for each in outer:
        owner = getattr(owner, "__dict__", {}).get(each)
    return owner, name, getattr(owner, "__dict__", {}).get(name)


def _bare(standing, key):
    """The function in what Python itself makes of one in a class."""
    if isinstance(standing, (staticmethod, classmethod)):
        return standing.__func__
    if isinstance(standing, property):
        return {"setter": standing.fset, "deleter": standing.fdel}.get(key.rpartition(".")[2], standing.fget)
    return standing.func if isinstance(standing, functools.cached_property) else standing


def marked(text, name, path, names):
    """The code of a module whose functions of these names are marked, innermost of their decorators."""
    tree = ast.parse(text.lstrip("\ufeff"), path)
    _mark(tree.body, "", name, frozenset(names))
    constants = [ast.Constant(name), ast.List([ast.Constant(each) for each in names], ast.Load())]
    seal = ast.Call(ast.Name(_SEAL, ast.Load()), [*constants, ast.Name("__name__", ast.Load())], [])
    tree.body.append(ast.Expr(seal))
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


def _mark(body, prefix, path, names):
    for node in body:
        if isinstance(node, ast.ClassDef):
            _mark(node.body, prefix + node.name + ".", path, names)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and prefix + named(node) in names:
            mark = ast.Name(_MARK, ast.Load())
            call = ast.Call(mark, [ast.Constant(path + ":" + prefix + named(node))], [])
            line = node.body[0].lineno if not node.decorator_list else node.decorator_list[-1].lineno
            for made in ast.walk(call):
                made.lineno = made.end_lineno = min(line, node.lineno)
                made.col_offset = made.end_col_offset = 0
            node.decorator_list.append(call)
        else:
            for field in ("body", "orelse", "finalbody"):
                _mark(getattr(node, field, []), prefix, path, names)


def named(node):
    """A function's name; of a property's other functions `name.setter` and `name.deleter`."""
    ways = [each.attr for each in node.decorator_list if isinstance(each, ast.Attribute)]
    return ".".join([node.name, *[way for way in ways if way in ("setter", "deleter")]])

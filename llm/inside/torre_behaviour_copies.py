"""Copies of calls between processes of one interpreter: what `pickle` copies, and functions without a name."""

import importlib
import io
import marshal
import pickle
import sys
import types


def dumps(value):
    """A copy of a call's arguments. Functions that no name leads to are written out, with what they refer to."""
    made = io.BytesIO()
    _Writer(made, 4).dump(value)
    return made.getvalue()


loads = pickle.loads


class _Writer(pickle.Pickler):
    def reducer_override(self, value):
        if isinstance(value, types.ModuleType):
            return importlib.import_module, (value.__name__,)
        if not isinstance(value, types.FunctionType) or _is_found(value):
            return NotImplemented
        names = {name: value.__globals__[name] for name in _names(value.__code__) if name in value.__globals__}
        cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
        code = marshal.dumps(value.__code__)
        return _function, (code, value.__name__, value.__qualname__, value.__defaults__, cells, names)


def _is_found(function):
    module = function.__module__ or ""
    last = module.rpartition(".")[2]
    tests = last.startswith("test") or last.endswith("_test") or last == "conftest"
    standing = getattr(sys.modules.get(module), function.__qualname__, None)
    return "<" not in function.__qualname__ and (not tests or standing is None)


def _names(code):
    inside = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return {*code.co_names, *(name for each in inside for name in _names(each))}


def _function(code, name, qualified, defaults, cells, names):
    made = types.FunctionType(
        marshal.loads(code),
        {"__builtins__": __builtins__, "__name__": __name__, **names},
        name,
        defaults,
        tuple(types.CellType(each) for each in cells),
    )
    made.__qualname__ = qualified
    return made

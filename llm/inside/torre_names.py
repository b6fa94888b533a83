"""What the workspace's interpreter knows: JSON `{"names": […], "modules": […], "members": […]}` on standard input.

Answers on $TORRE_REPORT: `homes` (name → standard modules that export it, the canonical one first), `importable`
(which of the modules can be found), `members` (module → its public names; standard modules only).
"""

import importlib
import importlib.util
import json
import os
import re
import sys
import sysconfig
import warnings

_NOT_LIBRARY = ("test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "turtle", "antigravity", "this")
_NOT_LIBRARY += ("pydoc_data", "ensurepip", "site-packages", "dist-packages", "config", "__pycache__", "encodings")


def library():
    """Public standard modules: name → source path, or None for those without one."""
    found = {name: None for name in sys.builtin_module_names}
    root = sysconfig.get_paths()["stdlib"]
    for name in os.listdir(os.path.join(root, "lib-dynload")) if os.path.isdir(root + "/lib-dynload") else ():
        found.setdefault(name.split(".")[0], None)
    for folder, prefix in [(root, "")] + [(os.path.join(root, d), d + ".") for d in sorted(os.listdir(root))]:
        if not os.path.isdir(folder) or prefix.split("-")[0].rstrip(".") in _NOT_LIBRARY or "-" in prefix:
            continue
        for entry in sorted(os.listdir(folder)):
            path = os.path.join(folder, entry)
            source = path if entry.endswith(".py") else os.path.join(path, "__init__.py")
            if os.path.isfile(source) and entry != "__init__.py":
                found[prefix + entry.split(".")[0]] = source
    return {n: p for n, p in found.items() if not re.search(r"(^|\.)_", n) and n.split(".")[0] not in _NOT_LIBRARY}


def homes(names, modules):
    """For each name, the standard modules that export it: where it was made first, then the shortest."""
    ranked = {name: [] for name in names}
    wanted = re.compile(r"\b(?:%s)\b" % "|".join(map(re.escape, names))) if names else None
    for module, source in modules.items():
        if source is not None:
            with open(source, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if not wanted.search(text) and "import *" not in text:
                continue
        exported = members(module)
        for name in names:
            if name in exported:
                value = getattr(sys.modules[module], name)
                made_here = getattr(value, "__module__", module) in (module, "_" + module)
                listed = name in getattr(sys.modules[module], "__all__", ())
                order = (not made_here, module.count("."), not listed, not hasattr(value, "__qualname__"))
                ranked[name].append(order + (len(module), module))
    return {name: [entry[-1] for entry in sorted(entries)] for name, entries in ranked.items()}


def members(module):
    """The public names of a standard module; none where it cannot be imported on this system."""
    try:
        loaded = importlib.import_module(module)
    except ImportError:
        return []
    listed = getattr(loaded, "__all__", None)
    if listed is not None:
        return list(listed)
    is_module = type(sys)
    return [n for n in dir(loaded) if not n.startswith("_") and not isinstance(getattr(loaded, n), is_module)]


def importable(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def main():
    question = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    modules = library()
    answer = {
        "homes": homes(question["names"], modules) if question["names"] else {},
        "importable": [name for name in question["modules"] if importable(name)],
        "members": {name: members(name) for name in question["members"] if name in modules},
        "library": sorted(modules),
    }
    with open(os.environ["TORRE_REPORT"], "w", encoding="utf-8") as report:
        json.dump(answer, report)


if __name__ == "__main__":
    del sys.path[0]
    sys.path.append(os.getcwd())
    main()

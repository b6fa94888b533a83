"""Runs chosen tests by pytest in the current process, with the check's own arguments."""

import importlib
import inspect
import os
import unittest
from functools import partial

import torre_warm_calls as calls
import torre_warm_ledger as ledgers

_AROUND_TESTS = ("pytest_runtest_", "pytest_pyfunc_call")


class PytestPlugin:
    """Keeps the wanted tests (None: all) in the wanted order, and writes down how they end."""

    def __init__(self, ledger, wanted, serve=None):
        self.ledger = ledger
        self.serve = serve
        self.order = None if wanted is None else {name: n for n, name in enumerate(wanted)}
        self.files = None if wanted is None else {name.split("::")[0] for name in wanted}

    def pytest_collection_modifyitems(self, config, items):
        self.ledger.trace(False)
        if self.order is not None:
            items[:] = ledgers.chosen(items, [item.nodeid for item in items], self.order, "::")
        hooks = self._hooks(config)
        around = any(name.startswith(_AROUND_TESTS) for name in hooks)
        for item in items:
            spec = None if around else spec_of_pytest(item)
            self.ledger.specs[item.nodeid] = spec and dict(spec, alone=not hooks)
            item.repr_failure = item._repr_failure_py = _brief

    def _hooks(self, config):
        """Names of pytest's hooks that files of the workspace implement. A test may fail alike with and without
        what these set up, and pass only with it."""
        callers = [caller for caller in vars(config.hook).values() if hasattr(caller, "get_hookimpls")]
        found = ((c.name, impl) for c in callers for impl in c.get_hookimpls() if impl.plugin is not self)
        code = ((name, getattr(impl.function, "__code__", None)) for name, impl in found)
        return {name for name, each in code if each is not None and self.ledger.mine(each.co_filename)}

    def pytest_runtestloop(self, session):
        """Where somebody is to be served: hand over a function that runs some tests, however often; `plainly`
        without what pytest does around those that need nothing of it, which takes longer than most tests."""
        self.ledger.trace(False)
        if self.serve is None:
            return None
        for item in session.items:
            _ = item.location  # worked out once, and not anew in every copy of this process
        self.serve(partial(self._run, {item.nodeid: item for item in session.items}))
        return True

    def _run(self, by_name, names, first_failure, limit_s=0.0, plainly=False):
        self.ledger.results, self.ledger.limit_s = {}, limit_s
        items = [by_name[name] for name in names if name in by_name]
        plain = [self.ledger.specs[item.nodeid] if plainly else None for item in items]
        for place, (item, spec) in enumerate(zip(items, plain)):
            if spec:
                calls.run_direct(item.nodeid, spec, self.ledger)
            else:
                after = next((i for i, s in zip(items[place + 1 :], plain[place + 1 :]) if not s), None)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if first_failure and self.ledger.results[item.nodeid]["status"] in ("failed", "error"):
                break
        return self.ledger.results

    def pytest_runtest_logstart(self, nodeid, location):
        self.ledger.begin(nodeid)

    def pytest_runtest_logfinish(self, nodeid, location):
        self.ledger.end(nodeid)

    def pytest_runtest_makereport(self, item, call):
        info = call.excinfo
        if info is not None and info.typename not in ("Skipped", "XFailed"):
            self.ledger.fail(item.nodeid, "passed", info.typename, ledgers.frames_of(info.tb))

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.ledger.fail(report.nodeid, "failed" if report.when == "call" else "error")
        elif report.skipped:
            self.ledger.fail(report.nodeid, "skipped")

    def pytest_exception_interact(self, node, call, report):
        if getattr(report, "when", "collect") == "collect":
            cause = call.excinfo.value.__cause__ or call.excinfo.value
            frames = ledgers.frames_of(cause.__traceback__)
            self.ledger.fail(node.nodeid, "error", type(cause).__name__, frames)

    def pytest_collectreport(self, report):
        if report.failed:
            self.ledger.fail(report.nodeid, "error")
        elif report.nodeid and self.order is not None and report.nodeid in self.order:
            self.ledger.results.setdefault(report.nodeid, {"status": "passed", "error": "", "trace": [], "s": 0.0})


def _brief(excinfo, style=None):
    """In the place of a traceback in words, which nobody reads: it takes longer than most tests."""
    return excinfo.typename


def _ignoring(pytest, plugin):
    """The hook that passes over files without a wanted test; its argument is named by pytest's version."""

    def pass_over(path, config):
        root = str(getattr(config, "rootpath", None) or config.rootdir)
        name = os.path.relpath(str(path), root).replace(os.sep, "/")
        return True if name.endswith(".py") and name not in plugin.files and os.path.isfile(str(path)) else None

    if int(pytest.__version__.split(".")[0]) >= 7:

        def pytest_ignore_collect(collection_path, config):
            return pass_over(collection_path, config)
    else:

        def pytest_ignore_collect(path, config):
            return pass_over(path, config)

    return pytest_ignore_collect


def run_pytest(args, wanted, ledger, first_failure, serve=None):
    """Run pytest with the check's own arguments on the wanted tests; or collect them, and `serve`."""
    import pytest
    from _pytest.assertion import rewrite

    # Modules that the parent imported beforehand are not rewritten; under `-W error` saying so would abort.
    rewrite.AssertionRewritingHook._warn_already_imported = lambda self, name: None
    plugin = PytestPlugin(ledger, wanted, serve)
    if wanted is not None:
        plugin.pytest_ignore_collect = _ignoring(pytest, plugin)
    extra = ["--maxfail=1" if first_failure else "--maxfail=0", "--tb=native", "--assert=plain"]
    switches = (("xdist", "-n0"), ("pytest_cov", "--no-cov"))  # they run tests elsewhere, or trace them too
    extra += [option for module, option in switches if _is_loaded(module, args)]
    ledger.trace(True)
    pytest.main(list(args) + extra, plugins=[plugin])
    ledger.trace(False)


def _is_loaded(module, args):
    """Whether pytest loads this plugin: it refuses the options of one that it does not."""
    told = " ".join([*args, os.environ.get("PYTEST_ADDOPTS", "")])
    found = importlib.util.find_spec(module) is not None and "no:" + module not in told
    return found and (not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or module in told)


def spec_of_pytest(item):
    """How to call a collected test without what pytest does around it, or None where only pytest can run it."""
    function = getattr(item, "obj", None)
    module = getattr(item, "module", None)
    if module is None or not inspect.isroutine(function) or inspect.iscoroutinefunction(function):
        return None
    owner = getattr(item, "cls", None)
    spec = {
        "module": module.__name__,
        "owner": owner.__qualname__ if owner else "",
        "name": item.name,
        "params": {},
    }
    if owner is not None and issubclass(owner, unittest.TestCase):
        plain = all(name.startswith("_unittest") or name == "request" for name in item.fixturenames)
        return dict(spec, unittest=True) if plain and not list(item.iter_markers()) else None
    callspec = getattr(item, "callspec", None)
    spec["params"] = dict(getattr(callspec, "indices", {}))
    spec["name"] = getattr(item, "originalname", None) or item.name
    only_params = set(item.fixturenames) <= set(spec["params"])
    marks = list(item.iter_markers())
    plain_marks = all(m.name == "parametrize" and "indirect" not in m.kwargs for m in marks)
    on_function = len(marks) == len(getattr(function, "pytestmark", []))
    return spec if only_params and plain_marks and on_function else None

"""Runs chosen tests by unittest in the current process, with the check's own arguments."""

import unittest

import torre_warm_ledger as ledgers

_LOADER = "unittest.loader._FailedTest."


def run_unittest(args, wanted, ledger, first_failure):
    """Run unittest with the check's own arguments on the wanted tests."""

    class Runner:
        def __init__(self, *_, **__):
            pass

        def run(self, suite):
            ledger.trace(False)
            tests = list(_flat(suite))
            if wanted is not None:
                order = {name.split(" ")[0]: n for n, name in enumerate(wanted)}
                tests = ledgers.chosen(tests, [id_of(test) for test in tests], order, ".")
            for test in tests:
                ledger.specs[id_of(test)] = spec_of_unittest(test)
            result = Result(ledger)
            result.failfast = first_failure
            unittest.TestSuite(tests).run(result)
            return result

    ledger.trace(True)
    unittest.main(module=None, argv=["python -m unittest"] + list(args), testRunner=Runner, exit=False)
    ledger.trace(False)


def spec_of_unittest(test):
    kind = type(test)
    if kind.__module__ == "unittest.loader":
        return None
    return {
        "module": kind.__module__,
        "owner": kind.__qualname__,
        "name": test._testMethodName,
        "params": {},
        "unittest": True,
    }


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def id_of(test):
    """A test's id; for a module that cannot be imported or a class fixture, the module's or the class's name."""
    name = test.id()
    if name.startswith(_LOADER):
        return name[len(_LOADER) :]
    return name.partition("(")[2].rstrip(")") if " (" in name and not hasattr(test, "_testMethodName") else name


class Result(unittest.TestResult):
    """Writes down how tests end, under their own ids or under one given id."""

    def __init__(self, ledger, test_id=""):
        super().__init__()
        self.ledger = ledger
        self.test_id = test_id

    def startTest(self, test):
        super().startTest(test)
        self.ledger.begin(self.test_id or id_of(test))

    def stopTest(self, test):
        self.ledger.end(self.test_id or id_of(test))
        super().stopTest(test)

    def _note(self, test, status, err):
        self.ledger.fail(self.test_id or id_of(test), status, err[0].__name__, ledgers.frames_of(err[2]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed", err)

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failed", err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed", err)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.ledger.fail(self.test_id or id_of(test), "failed", "UnexpectedSuccess")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.ledger.fail(self.test_id or id_of(test), "skipped")

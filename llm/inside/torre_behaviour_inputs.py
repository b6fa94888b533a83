"""Makes inputs from the ones that tests use: near them, of the same types and ranges, some at the boundaries.

Values are recombined from what was seen at the same place: no negative number where none was seen, no characters
of another class. What a function was never meant for would only tell its versions' accidents apart.
"""

import base64
import collections
import copy
import dataclasses
import datetime
import decimal
import fractions
import inspect
import io
import types

import torre_behaviour_copies as copies
import torre_behaviour_values as values

_PLAIN = (None, False, True, 0, 1, -1, 0.0, 1.0, "", b"")
_SEEN = 80
_LENGTH = 60
_ATOMS = 40
_CLASSES = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")


def made(calls, rng, count, most_bytes):
    """Inputs for calls [key, pickled arguments], and how many more could not be made or copied.

    The literal ones first, then about `count` others.
    """
    by_key = {}
    for key, kept in calls:
        by_key.setdefault(key, []).append(kept)
    literal, fuzzed, known, failed = [], [], set(), 0
    for key, kepts in by_key.items():
        for kept in kepts:
            args, kwargs = copies.loads(base64.b64decode(kept))
            literal.append(_input(key, args, kwargs, kept, True))
            known.add((key, _identity(args, kwargs)))
    share = max(count // len(by_key), 20)
    for key, kepts in by_key.items():
        maker = Maker(kepts, rng)
        for _ in range(4 * share):
            if sum(each["key"] == key for each in fuzzed) >= share:
                break
            try:
                args, kwargs = maker.call()
                kept = copies.dumps((args, kwargs))
                identity = key, _identity(args, kwargs)
            except Exception:  # a function of the arguments, an object that refuses: of no use, but told
                failed += 1
                continue
            failed += len(kept) > most_bytes
            if identity not in known and len(kept) <= most_bytes:
                known.add(identity)
                fuzzed.append(_input(key, args, kwargs, base64.b64encode(kept).decode(), False))
    rng.shuffle(fuzzed)
    return literal + fuzzed[: 2 * count], failed


def _identity(args, kwargs):
    return values.canonical((args, kwargs))


def _input(key, args, kwargs, kept, literal):
    shown = [values.short(each) for each in args] + [n + "=" + values.short(v) for n, v in kwargs.items()]
    text = key.rpartition(":")[2] + "(" + ", ".join(shown) + ")"
    return {"key": key, "call": kept, "text": text, "literal": literal, **_nature((*args, *kwargs.values()))}


def _nature(args):
    return {"plain": any(_is_plain(each) for each in args), "atoms": sorted(set(_atoms(args, 0)))[:_ATOMS]}


def _atoms(value, depth):
    """The scalars in a value, as `repr` shows them, without those that stand in most programs."""
    if isinstance(value, (list, tuple, set, frozenset, dict)) and depth < 4:
        for each in value:
            yield from _atoms(each, depth + 1)
        if isinstance(value, dict):
            yield from _atoms(tuple(value.values()), depth + 1)
    elif type(value) in (int, float, str, bytes):
        if not _is_plain(value):
            yield repr(value)[:_LENGTH]
    elif depth < 4:
        inside = value.getvalue() if isinstance(value, (io.StringIO, io.BytesIO)) else _attributes(value)
        yield from _atoms(inside, depth + 1)


def _is_plain(value):
    """Whether a value is a boundary by its nature: nothing, empty, 0, 1, or a box of one."""
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return len(value) <= 1
    try:
        return any(type(value) is type(each) and value == each for each in _PLAIN)
    except Exception:
        return False


def _attributes(value):
    """The fields of a record by name. Of other objects none: what their attributes owe each other is not known."""
    if isinstance(value, type) or not (
        dataclasses.is_dataclass(value) or isinstance(value, types.SimpleNamespace)
    ):
        return _made_of(value)
    return {name: v for name, v in vars(value).items() if not callable(v)} if hasattr(value, "__dict__") else {}


def _made_of(value):
    """What its class makes an equal object of: attributes by the names of its parameters. {} where it does not."""
    kind = type(value)
    if kind.__module__ == "builtins" or kind in _CHANGES or isinstance(value, type):
        return {}
    try:
        names = list(inspect.signature(kind).parameters)
        made = {
            name: getattr(value, name) if hasattr(value, name) else getattr(value, "_" + name) for name in names
        }
        return made if values.canonical(kind(**copy.deepcopy(made))) == values.canonical(value) else {}
    except Exception:  # a class of its own ways
        return {}


class Maker:
    """Makes calls like those that were seen."""

    def __init__(self, kepts, rng):
        self.kepts = [base64.b64decode(kept) for kept in kepts]
        self.rng = rng
        self.seen = {}
        for kept in self.kepts:
            args, kwargs = copies.loads(kept)
            for place, value in [*enumerate(args), *kwargs.items()]:
                self._note(str(place), value)

    def _note(self, place, value):
        seen = self.seen.setdefault(place, [])
        if len(seen) < _SEEN:
            seen.append(value)
        for name, v in _attributes(value).items():
            self._note(place + "." + name, v)
        if isinstance(value, dict):
            for k, v in list(value.items())[:_SEEN]:
                self._note(place + "/k", k)
                self._note(place + "/v", v)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for n, each in enumerate(list(value)[:_SEEN]):
                self._note(self._inside(place, value, n), each)

    def _inside(self, place, value, n):
        """Elements of lists are alike; those of tuples have places of their own."""
        return place + "/" + (str(n) if isinstance(value, tuple) and len(value) <= 4 else "*")

    def call(self):
        args, kwargs = copies.loads(self.rng.choice(self.kepts))
        args = list(args)
        places = [*range(len(args)), *kwargs]
        if not places:
            raise ValueError("nothing to change")
        for _ in range(self.rng.choice((1, 1, 1, 2, 2, 3))):
            place = self.rng.choice(places)
            box = kwargs if isinstance(place, str) else args
            if self.rng.random() < 0.15:
                box[place] = self.other(str(place), box[place])
            elif self.rng.random() < 0.05 and isinstance(place, int) and len(args) > 1:
                self._swap(args)
            else:
                box[place] = self.change(str(place), box[place])
        return tuple(args), kwargs

    def _swap(self, args):
        one, two = self.rng.sample(range(len(args)), 2)
        if type(args[one]) is type(args[two]):
            args[one], args[two] = args[two], args[one]

    def other(self, place, value):
        """Another value that was seen at this place."""
        return copy.deepcopy(self.rng.choice(self.seen.get(place, [value])))

    def change(self, place, value):
        change = _CHANGES.get(type(value))
        if change is None and _attributes(value) and self.rng.random() < 0.7:
            change = Maker.thing
        return change(self, place, value) if change else self.other(place, value)

    def thing(self, place, value):
        """A record with one field changed, as that field's values go."""
        made = _made_of(value)
        if made:
            name = self.rng.choice(sorted(made))
            made[name] = self.change(place + "." + name, copy.deepcopy(made[name]))
            return type(value)(**made)
        new = copy.copy(value)
        name = self.rng.choice(sorted(_attributes(value)))
        object.__setattr__(new, name, self.change(place + "." + name, copy.deepcopy(getattr(value, name))))
        return new

    def of_type(self, place, *kinds):
        return [each for each in self.seen.get(place, ()) if type(each) in kinds]

    def boolean(self, place, value):
        return not value

    def integer(self, place, value):
        rng, seen = self.rng, [each for each in self.of_type(place, int, float) if each == each] or [value]
        least, most = min(seen), max(seen)
        low, high = (0 if least >= 0 else 2 * least), max(2 * most, 10)
        new = rng.choice(
            (
                value + 1,
                value - 1,
                value + rng.randint(2, 12),
                value * 2,
                value // 2,
                0,
                1,
                rng.choice((10, 100)),
                int(min(max(rng.choice(seen), -(10**15)), 10**15)),
                rng.randint(int(max(min(low, 10**15), -(10**15))), int(min(max(high, low), 10**15))),
                rng.randint(0, 30),
            )
        )
        return -new if new < 0 <= least else new

    def real(self, place, value):
        rng, seen = self.rng, self.of_type(place, float, int) or [value]
        high = max(max(abs(each) for each in seen if each == each), 1.0)
        new = rng.choice(
            (
                value + 1,
                value / 2,
                value * 2,
                0.0,
                1.0,
                float(round(value)) if abs(value) < 1e15 else value,
                value + rng.choice((0.5, 0.25, -0.1)),
                float(rng.choice(seen)),
                round(rng.uniform(0.0 if min(seen) >= 0 else -high, 2 * high), 2),
            )
        )
        return -new if new < 0 <= min(seen) else new

    def text(self, place, value):
        return self._text(value, self.of_type(place, str) or [value])

    def data(self, place, value):
        seen = [each.decode("latin-1") for each in self.of_type(place, bytes)]
        return self._text(value.decode("latin-1"), seen or [value.decode("latin-1")]).encode("latin-1")

    def stream(self, place, value):
        """A file in memory with other content."""
        change = self.data if isinstance(value, io.BytesIO) else self.text
        for each in self.of_type(place, type(value)):
            self._note(place + ".content", each.getvalue())
        return type(value)(change(place + ".content", value.getvalue()))

    def day(self, place, value):
        days = self.rng.choice((1, -1, 7, -7, 30, 365, self.rng.randint(-400, 400)))
        rest = self.rng.choice((0, 0, 3600, self.rng.randint(-90_000, 90_000)))
        return value + datetime.timedelta(days, rest)

    def span(self, place, value):
        return self.rng.choice(
            (value * 2, value / 2, value + datetime.timedelta(1), value * self.rng.randint(0, 9))
        )

    def exact(self, place, value):
        seen = self.of_type(place, type(value)) or [value]
        new = self.rng.choice((value + 1, value * 2, value / 2, value * 0, value + self.rng.randint(2, 99)))
        return abs(new) if min(seen) >= 0 else new

    def _text(self, value, seen):
        rng = self.rng
        alphabet = self._alphabet(seen)
        at, to = sorted((rng.randint(0, len(value)), rng.randint(0, len(value))))
        letter = rng.choice(alphabet) if alphabet else ""
        other = rng.choice(seen)
        return rng.choice(
            (
                "",
                value[:at] + value[at + 1 :],
                value[:at] + letter + value[at:],
                value[:at] + letter + value[at + 1 :],
                value[:at] + letter + value[at + 1 :],
                value[:at] + value[at:to] * 2 + value[to:],
                value[at:to],
                value[::-1],
                value[:at] + value[at:to][::-1] + value[to:],
                value[:at] + other[at:],
                letter,
                value.swapcase()
                if any(each.swapcase() in alphabet for each in value if each.isalpha())
                else other,
                "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 8))) if alphabet else "",
            )
        )[: 4 * _LENGTH]

    def _alphabet(self, seen):
        """The characters that were seen, and others of the classes that were well represented."""
        chars = sorted({char for each in seen for char in each[:_LENGTH]})
        for group in _CLASSES:
            if len([char for char in chars if char in group]) >= 3:
                chars += self.rng.sample(group, 5)
        return chars

    def sequence(self, place, value):
        kind = type(value)
        new = list(value)
        rng = self.rng
        lengths = {len(each) for each in self.of_type(place, kind)}
        if kind is tuple and len(lengths) == 1 and len(new) <= 4:
            return tuple(self._change_one(place, value, new))
        way = rng.randrange(11)
        at, to = sorted((rng.randint(0, len(new)), rng.randint(0, len(new))))
        if way <= 3 and new:
            self._change_one(place, value, new)
        elif way == 4:
            new = new[:at] + new[at + 1 :]
        elif way == 5 and new:
            new.insert(at, copy.deepcopy(rng.choice(new)))
        elif way == 6:
            rng.shuffle(new)
        elif way == 7:
            new = new[at:to]
        elif way == 8:
            new = new[::-1]
        elif way == 9:
            new = new[:at] + list(self.other(place, value))[at:]
        else:
            self._grow(place, value, new)
        return kind(new)

    def _grow(self, place, value, new):
        inside = self.seen.get(self._inside(place, value, 0))
        if inside:
            new.insert(
                self.rng.randint(0, len(new)), self.change(self._inside(place, value, 0), self.rng.choice(inside))
            )

    def _change_one(self, place, value, new):
        if new:
            at = self.rng.randrange(len(new))
            new[at] = self.change(self._inside(place, value, at), new[at])
        return new

    def mapping(self, place, value):
        new, way = copy.copy(value), self.rng.randrange(5)
        key = self.rng.choice(list(new)) if new else None
        if way <= 1 and new:
            new[key] = self.change(place + "/v", new[key])
        elif way == 2 and new:
            del new[key]
        elif way == 3 and new:
            new[self.change(place + "/k", key)] = copy.deepcopy(new[key])
        else:
            new = self.other(place, value)
        return new

    def group(self, place, value):
        new = sorted(value, key=values.canonical)
        if new and self.rng.random() < 0.5:
            del new[self.rng.randrange(len(new))]
        else:
            self._grow(place, value, new)
        return type(value)(new)


_CHANGES = {
    bool: Maker.boolean,
    int: Maker.integer,
    float: Maker.real,
    str: Maker.text,
    list: Maker.sequence,
    tuple: Maker.sequence,
    dict: Maker.mapping,
    set: Maker.group,
    frozenset: Maker.group,
    collections.OrderedDict: Maker.mapping,
    collections.defaultdict: Maker.mapping,
    collections.Counter: Maker.mapping,
    collections.deque: Maker.sequence,
    bytes: Maker.data,
    io.StringIO: Maker.stream,
    io.BytesIO: Maker.stream,
    datetime.date: Maker.day,
    datetime.datetime: Maker.day,
    datetime.timedelta: Maker.span,
    decimal.Decimal: Maker.exact,
    fractions.Fraction: Maker.exact,
}

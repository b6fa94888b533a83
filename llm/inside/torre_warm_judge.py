"""Candidates from a pipe to verdicts: several processes at once, several candidates a process where that is safe."""

import collections
import gc
import json
import os
import random
import select
import sys
import threading
import time

from torre_warm_child import Child

_CHUNK_BYTES = 1 << 16
_BATCH = 64
_DIRTY = 3
"""After so many processes that were left in another state than before, every candidate gets one of its own."""
_FAR_AT_ONCE = 16


class Judge:
    """Reads candidates and says a verdict on each, until there are no more.

    A stage judges: `judge(candidate)` → an answer with `passed`, or with `unfit` where it cannot. `next` is the
    stage of those that it passed (None: they have passed), `otherwise` of those that are unfit. `cpu_s` is what one
    candidate may use. In a `shared` stage several may share a process; one that is `far` has processes elsewhere.
    """

    def __init__(self, source_fd, buffer, workers, memory_bytes, first, say):
        self.source_fd = source_fd
        self.buffer = buffer
        self.workers = workers
        self.memory_bytes = memory_bytes
        self.first = first
        self.say = say
        self.waiting = collections.deque()
        self.running = []
        self.asked = {}
        self.changed = 0
        self.open = True

    def run(self):
        """Until the source ends and all is judged."""
        self._take(b"")
        while self.open or self.waiting or self.running or self.asked:
            self._begin()
            self._wait()

    def _begin(self):
        kept = collections.deque()
        while self.waiting and len(self.running) < self.workers:
            stage, candidate, alone = self.waiting.popleft()
            if not stage.far:
                self._fork(stage, candidate, alone)
            elif len(self.asked) < _FAR_AT_ONCE:
                self.asked[candidate["id"]] = stage, candidate
                stage.ask(candidate)
            else:
                kept.append((stage, candidate, alone))
        self.waiting.extendleft(reversed(kept))

    def _fork(self, stage, candidate, alone):
        batch = [candidate]
        if stage.shared and not alone and self.changed < _DIRTY:
            share = min(_BATCH, (1 + len(self.waiting)) // self.workers)
            while len(batch) < share and self.waiting[0][0] is stage and not self.waiting[0][2]:
                batch.append(self.waiting.popleft()[1])
        cpu_s = stage.cpu_s * candidate.get("patience", 1)
        work = (lambda: several(stage, batch)) if len(batch) > 1 else (lambda: [stage.judge(candidate)])
        child = Child(work, 5 * cpu_s + 1.0, 2 * cpu_s * len(batch), self.memory_bytes)
        child.stage, child.batch, child.told = stage, batch, []
        self.running.append(child)

    def _wait(self):
        now = time.monotonic()
        timeout = max(0.0, min([c.deadline for c in self.running], default=now + 3600) - now)
        far = {stage.fd: stage for stage, _ in self.asked.values()}
        fds = [c.fd for c in self.running] + ([self.source_fd] if self.open else []) + list(far)
        readable = select.select(fds, [], [], timeout)[0]
        if self.source_fd in readable:
            chunk = os.read(self.source_fd, _CHUNK_BYTES)
            self.open = bool(chunk)
            self._take(chunk)
        for fd in set(far).intersection(readable):
            self._hear(far[fd])
        for child in list(self.running):
            if child.fd in readable:
                child.told += child.read()
            late = not child.ended and child.deadline <= time.monotonic()
            if late or child.ended:
                self.running.remove(child)
                self._settle(child, child.finish(late))

    def _take(self, chunk):
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        messages = [json.loads(line) for line in lines if line.strip()]
        self.open = self.open and not any("stop" in m for m in messages)
        for message in messages:
            if "id" in message:
                self.waiting.append((self.first, message, "patience" in message))
            elif "source" in message:
                self.first.hear(message)

    def _hear(self, stage):
        """What a far stage tells; when it ended, others judge what it was asked."""
        answers = stage.read()
        verdicts = []
        for answer in answers:
            _, candidate = self.asked.pop(answer["id"])
            verdicts += self._answered(stage, candidate, answer)
        if stage.ended:
            self.waiting.extendleft((stage.otherwise, c, False) for s, c in self.asked.values() if s is stage)
            self.asked = {n: each for n, each in self.asked.items() if each[0] is not stage}
        self._tell(verdicts)

    def _settle(self, child, killed):
        """What a child told. What came before one that it died of counts, what came after begins anew."""
        closing = child.told.pop() if child.told and "closing" in child.told[-1] else None
        rest = child.batch[len(child.told) :]
        spoiled = len(child.batch) > 1 and (closing == {"closing": "spoiled"} or (closing is None and not rest))
        self.changed += closing is not None and closing != {"closing": "same"}
        verdicts = []
        for candidate, answer in zip(child.batch, child.told):
            if spoiled and not answer["passed"]:
                self.waiting.append((child.stage, candidate, True))
            else:
                verdicts += self._answered(child.stage, candidate, answer)
        if rest and closing is None:
            verdicts.append({"id": rest.pop(0)["id"], "passed": False, "killed": killed})
        self.waiting.extendleft((child.stage, candidate, False) for candidate in reversed(rest))
        self._tell(verdicts)

    def _answered(self, stage, candidate, answer):
        """The verdict, or none where another stage has to look first."""
        after = stage.otherwise if answer.get("unfit") else stage.next if answer["passed"] else None
        if after is not None:
            self.waiting.appendleft((after, candidate, False))
            return []
        return [dict(answer, id=candidate["id"])]

    def _tell(self, verdicts):
        if verdicts:
            self.say(event="verdicts", verdicts=verdicts)


def several(stage, batch):
    """In a child: one answer after the other, each from fresh modules of the workspace; then how it ended.

    `changed`: the last one left the process otherwise than it was, as far as that can be seen cheaply. `spoiled`:
    the unchanged program, judged at the end, does not end as it did in a process of its own. Else `same`.
    """
    stage.prepare()
    loaded = set(sys.modules)
    dice = random.getstate()
    before = _surroundings()
    for candidate in batch:
        yield stage.judge(candidate)
        stage.forget(loaded)
        random.setstate(dice)
        if _surroundings() != before:
            yield {"closing": "changed"}
            return
    yield {"closing": "same" if stage.unchanged() else "spoiled"}


def _surroundings():
    return (
        dict(os.environ),
        os.getcwd(),
        list(sys.path),
        sys.getrecursionlimit(),
        threading.active_count(),
        sys.stdout,
        sys.stderr,
        sys.stdin,
        len(vars(sys.modules["builtins"])),
        len(sys.meta_path),
        sys.gettrace(),
        gc.isenabled(),
    )

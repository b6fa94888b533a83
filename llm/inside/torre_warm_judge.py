"""Candidates from a pipe to verdicts: several processes at once, several candidates a process where that is safe."""

import collections
import json
import mmap
import os
import select
import time

from torre_warm_child import Child

_CHUNK_BYTES = 1 << 16
_BATCH, _FIRST_BATCH = 128, 16
_SHARE_S = 0.1
"""So long a process goes on to the next candidate: what it says is heard at its end."""
_DIRTY = 3
"""After so many processes that were left in another state than before, every candidate gets one of its own."""
_FAR_AT_ONCE = 16
_END = 255


class Judge:
    """Reads candidates and says a verdict on each, until there are no more.

    A stage judges: `judge(candidate)` → an answer with `passed`, or with `unfit` where it cannot. `next` is the
    stage of those that it passed (None: they have passed), `otherwise` of those that are unfit. `cpu_s` is what
    one candidate may use. In a `shared` stage several may share a process, whose `guard()` tells whether one left
    something behind; one that is `far` has processes elsewhere. `programs.expect(candidate)` is said of each first.
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
        self.most = _FIRST_BATCH  # that share a process: about twice as many as the last one came to
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
            share = min(self.most, (1 + len(self.waiting)) // self.workers)
            while len(batch) < share and self.waiting[0][0] is stage and not self.waiting[0][2]:
                batch.append(self.waiting.popleft()[1])
        cpu_s = stage.cpu_s * candidate.get("patience", 1)
        for each in batch:
            stage.programs.expect(each)
        place = Place()
        work = (lambda: several(stage, batch, place)) if len(batch) > 1 else (lambda: single(stage, candidate))
        child = Child(lambda: [work()], 5 * cpu_s + 1.0, 2 * cpu_s * len(batch), self.memory_bytes)
        child.stage, child.batch, child.place, child.told = stage, batch, place, []
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
            late = not child.ended and child.deadline <= time.monotonic() and not child.place.moved(child)
            if late or child.ended:
                self.running.remove(child)
                self._settle(child, child.finish(late))

    def _take(self, chunk):
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        messages = [json.loads(line) for line in lines if line.strip()]
        self.open = self.open and not any("stop" in m for m in messages)
        for message in messages:
            if "patience" in message:  # asked for once more, before all others
                self.waiting.appendleft((self.first, message, True))
            elif "id" in message:
                self.waiting.append((self.first, message, False))
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
        """What a child told. Where it was not left as it was, only its first candidate had a clean process."""
        if not child.told:
            self._died(child, killed)
            return
        answers, clean = child.told[0]["answers"], child.told[0]["clean"]
        self.changed += not clean
        if len(child.batch) > 1:
            self.most = min(_BATCH, 2 + 2 * len(answers))
        self._again(child.stage, child.batch[len(answers) :])
        verdicts = []
        for place in reversed(
            range(len(answers))
        ):  # those that go on to another stage are put in front, one by one
            candidate, answer = child.batch[place], answers[place]
            doubtful = not clean or answer.get("error") == "MemoryError"  # those before it may have eaten it
            if place and doubtful and not answer["passed"]:
                self.waiting.append((child.stage, candidate, True))
            else:
                verdicts[:0] = self._answered(child.stage, candidate, answer)
        self._tell(verdicts)

    def _died(self, child, killed):
        """The one that it died of is judged alone, the others without it; all alone if it died at the end."""
        batch, at = child.batch, child.place.at()
        if len(batch) == 1:
            self._tell([{"id": batch[0]["id"], "passed": False, "killed": killed}])
            return
        self.most = 2 + min(at, len(batch)) // 2
        doubtful = batch if at == _END else batch[at : at + 1]
        self.changed += at == _END
        self._again(child.stage, [candidate for candidate in batch if candidate not in doubtful])
        self.waiting.extend((child.stage, candidate, True) for candidate in doubtful)

    def _again(self, stage, candidates):
        self.waiting.extendleft((stage, candidate, False) for candidate in reversed(candidates))

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


class Place:
    """At which candidate of its batch a process is; it writes and its parent reads, whatever becomes of it."""

    def __init__(self):
        self.shared = mmap.mmap(-1, mmap.PAGESIZE)
        self.seen = 0

    def at(self):
        return self.shared[0]

    def go_on(self):
        self.shared[0] += 1

    def end(self):
        self.shared[0] = _END

    def moved(self, child):
        """Whether it went on since this was last asked; it has its time anew then."""
        moved, self.seen = self.at() != self.seen, self.at()
        if moved:
            child.deadline = time.monotonic() + child.wall_s
        return moved


def single(stage, candidate):
    """In a child: the answer for one candidate."""
    return {"answers": [stage.judge(candidate)], "clean": True}


def several(stage, batch, place):
    """In a child: answers for some or all of a batch, each from fresh modules of the workspace.

    It ends early after one that passed, ran out of time, or left the process otherwise than it was. `clean`: none
    left anything changed that is watched, and the unchanged program, judged at the end, ends as in a process of
    its own. Else the answers after the first are worth nothing.
    """
    stage.prepare()
    guard = stage.guard()
    answers, clean, began = [], True, time.process_time()
    for candidate in batch:
        answers.append(stage.judge(candidate))
        clean = not guard.changed()
        place.go_on()
        late = time.process_time() - began > _SHARE_S
        if not clean or late or answers[-1]["passed"] or answers[-1].get("killed"):
            break
    place.end()
    return {"answers": answers, "clean": clean and not guard.altered() and stage.unchanged()}

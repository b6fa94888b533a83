"""Runs one command again and again over other texts of a few files, so that the command's own cache stays warm.

stdin    a first JSON line {"argv": [...], "root": workspace}, then a line {"files": {path: text or null}} for each
         trial; {"stop": true} ends it. Paths are relative to the root, null deletes, and the next trial starts
         from the files as they were
report   {"ready": true}, then a line {"exit", "out", "err"} for each trial
"""

import json
import os
import subprocess
import sys


def tell(**said):
    """One JSON line to the pipe that Torre reads."""
    with open(os.environ["TORRE_REPORT"], "a") as pipe:
        pipe.write(json.dumps(said) + "\n")


def write(path, data):
    """Bytes into a file, or None: the file goes."""
    if data is not None:
        with open(path, "wb") as file:
            file.write(data)
    elif os.path.exists(path):
        os.remove(path)


def read(path):
    """The bytes of a file, or None where there is none."""
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def trial(argv, root, files):
    """Run the command over these texts; the files are as before afterwards."""
    paths = {os.path.join(root, name): text for name, text in files.items()}
    before = {path: read(path) for path in paths}
    try:
        for path, text in paths.items():
            write(path, None if text is None else text.encode("utf-8", "surrogateescape"))
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        for path, data in before.items():
            write(path, data)
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    tell(exit=done.returncode, out=out, err=err)


def main():
    settings = json.loads(sys.stdin.readline())
    tell(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked.get("stop"):
            return
        trial(settings["argv"], settings["root"], asked["files"])


main()

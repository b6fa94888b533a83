"""SDKs are imported by several threads at once: none of them may be handed half a package."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.providers.wires import PROTOCOLS

_ASKED_WHILE_WARMING = """
import sys, time
from threading import Thread
from llm import plugins
from llm.providers.base import Call, Message, ProviderFailure

wire = plugins.load("providers.adapters", sys.argv[1], "WIRE")
call = Call("m", "http://127.0.0.1:1", "a-key", "be brief", (Message("user", "hello"),))

def ask():
    try:
        wire.ask(call)
    except ProviderFailure as failure:
        print(failure.cause.value)

threads = [Thread(target=ask), Thread(target=wire.warm)]
for thread in threads:
    thread.start()
    time.sleep(0.1)
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_lane_is_asked_while_another_thread_loads_its_sdk(protocol: str) -> None:
    argv = [sys.executable, "-P", "-c", _ASKED_WHILE_WARMING, protocol]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("unreachable\n", "")

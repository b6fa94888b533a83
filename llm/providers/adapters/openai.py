"""OpenAI, and any vendor or gateway that speaks its protocol: a row in the policy file is all they need."""

from __future__ import annotations

from llm.providers.openai_protocol import OpenAIProtocol
from llm.providers.stub import Stub


class OpenAIStub(Stub):
    """`openai/gpt-4o` without a network."""

    name = "openai/gpt-4o"
    note = "gpt: precise fix stub"


WIRE = OpenAIProtocol()

"""A server on your own machine (Ollama, llama.cpp, vLLM…): OpenAI's protocol, as a rule without a key."""

from __future__ import annotations

from llm.providers.openai_protocol import OpenAIProtocol
from llm.providers.stub import Stub


class LocalStub(Stub):
    """`local/qwen2.5-7b` without a server."""

    name = "local/qwen2.5-7b"
    note = "local: quick refactor stub"


WIRE = OpenAIProtocol()

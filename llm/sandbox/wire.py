"""Messages between Torre and its launcher: a JSON header and raw bytes after it, over a UNIX stream socket."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTHS = struct.Struct("!IQ")


def send(channel: socket.socket, header: dict[str, Any], payload: bytes = b"") -> None:
    """One message. Lone surrogates (bytes of a path that are not UTF-8) survive, escaped by JSON."""
    head = json.dumps(header).encode()
    channel.sendall(_LENGTHS.pack(len(head), len(payload)) + head + payload)


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """The next message, or None when the other side has closed."""
    lengths = _exactly(channel, _LENGTHS.size)
    if lengths is None:
        return None
    head_length, payload_length = _LENGTHS.unpack(lengths)
    head = _exactly(channel, head_length)
    payload = _exactly(channel, payload_length)
    return None if head is None or payload is None else (json.loads(head), payload)


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    chunks = []
    while count:
        try:
            chunk = channel.recv(min(count, 1 << 20))
        except ConnectionResetError:  # closed with something of ours unread
            return None
        if not chunk:
            return None
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)

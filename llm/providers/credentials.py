"""Where a lane's key is, and whether a server on this machine answers. Keys come from the environment alone."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from llm.providers.models import Model

_CONNECT_S = 0.2
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credential:
    """`variable` holds the lane's key, or is the one to set where it is not `present`; "" where none is needed."""

    variable: str
    present: bool


def credential(model: Model, env: Mapping[str, str]) -> Credential:
    """Where the lane's key is; never the key."""
    variable = _variable(model, env)
    return Credential(variable or next(iter(model.api_key_env), ""), bool(variable) or not model.api_key_env)


def key_of(model: Model, env: Mapping[str, str]) -> str:
    """The lane's key, "" where none is set or needed."""
    return env.get(_variable(model, env), "").strip()


def configured_keys(models: Iterable[Model], env: Mapping[str, str]) -> tuple[str, ...]:
    """Every key that any lane could use: what no prompt, record or message may hold."""
    values = (env.get(name, "").strip() for model in models for name in model.api_key_env)
    return tuple(dict.fromkeys(value for value in values if value))


def answers(model: Model) -> bool:
    """Whether the lane's server can be reached, as far as that is known without a call.

    A server on this machine is asked for a connection, for 0.2 s at most. Any other is believed to answer:
    nothing is sent to another host only to find out. A script needs no server.
    """
    url = urlsplit(model.base_url)
    host = url.hostname or ""
    if model.protocol == "replay" or not is_loopback(host):
        return True
    try:
        with socket.create_connection((host, url.port or _PORTS.get(url.scheme, 80)), _CONNECT_S):
            return True
    except OSError:
        return False


def _variable(model: Model, env: Mapping[str, str]) -> str:
    return next((name for name in model.api_key_env if env.get(name, "").strip()), "")


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine and nobody else can reach it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

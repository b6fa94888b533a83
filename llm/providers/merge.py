"""The rows of `models:` from the defaults, the user's file and the workspace's: where a lane's calls go.

An untrusted workspace may choose a model and point a lane without a key at this machine. It may not say where a
key is sent, which key, what a call costs, or in which protocol.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from llm.providers.models import DEFAULT_MODELS, FREE, Model, Price
from llm.providers.policy_file import ModelRow, PolicyFile


@dataclass(frozen=True, slots=True)
class Merged:
    """The rows that hold, and what was asked in vain."""

    rows: Mapping[str, Model]
    untrusted: tuple[str, ...]


def merge_models(user: PolicyFile, asked: PolicyFile, trusted: bool) -> Merged:
    """Defaults, then the user's rows, then as much of the workspace's as it may say."""
    rows = dict(DEFAULT_MODELS)
    for lane, row in user.models.items():
        rows[lane] = _apply(rows.get(lane), lane, row)
    vain: list[str] = []
    for lane, row in asked.models.items():
        base = rows.get(lane)
        wanted = _apply(base, lane, row)
        if trusted:
            rows[lane] = wanted
        elif base is not None:
            rows[lane] = _restrained(base, wanted, vain)
        elif _stays_here(wanted):
            rows[lane] = wanted
        else:
            vain.append(f"models.{lane}: a lane that leaves this machine: `torre trust`")
    return Merged(rows, tuple(vain))


def _apply(base: Model | None, lane: str, row: ModelRow) -> Model:
    """The row over its base. The reader has seen to it that a lane without a base is whole."""
    base = base or Model(lane, row.protocol or "openai", row.model or "", row.base_url or "")
    another = row.model is not None and row.model != base.model
    moved = row.base_url is not None and row.base_url != base.base_url
    changed = replace(
        base,
        protocol=row.protocol or base.protocol,
        model=row.model or base.model,
        base_url=row.base_url or base.base_url,
        api_key_env=(row.api_key_env,) if row.api_key_env else base.api_key_env,
        vision=base.vision if row.vision is None else row.vision,
    )
    if row.price is not None:
        price = row.price if isinstance(row.price, Price) else FREE
        return replace(changed, price=price, price_as_of="", price_source="policy")
    return _unpriced(changed) if another or moved else changed


def _unpriced(model: Model) -> Model:
    """A kept price is that of its model at its vendor; for another it is unknown until a file says it."""
    return model if model.price == FREE else replace(model, price=None, price_as_of="", price_source="")


def _restrained(base: Model, wanted: Model, vain: list[str]) -> Model:
    """What of `wanted` an untrusted file may have."""
    kept = replace(base, model=wanted.model, vision=wanted.vision)
    if wanted.model != base.model:
        kept = _unpriced(kept)
    if wanted.base_url != base.base_url and _stays_here(wanted):
        kept = replace(kept, base_url=wanted.base_url)
    told = {
        "protocol": "",
        "base_url": "where calls go",
        "api_key_env": "which key is sent",
        "price": "what it costs",
    }
    for name, what in told.items():
        if getattr(wanted, name) not in (getattr(kept, name), None):
            vain.append(f"models.{wanted.lane}.{name}: decides {what or 'the wire'}: `torre trust`")
    return kept


def _stays_here(model: Model) -> bool:
    """Whether the lane is on this machine and sends no key."""
    host = urlsplit(model.base_url).hostname or ""
    if model.api_key_env:
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

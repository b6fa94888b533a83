"""The style sheet, the script and the icon: their names have a hash of their bytes, so that they can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

_FOLDER = Path(__file__).parents[1] / "static"
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def static_files() -> Mapping[str, tuple[str, bytes, str]]:
    """By its file's name: the address, the bytes, the media type."""
    return MappingProxyType(
        {path.name: _file(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _MEDIA}
    )


def _file(path: Path) -> tuple[str, bytes, str]:
    content = path.read_bytes()
    place = f"/static/{path.stem}.{sha256(content).hexdigest()[:12]}{path.suffix}"
    return place, content, _MEDIA[path.suffix]

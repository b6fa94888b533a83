"""One client's connection, which is not kept for who does nothing with it."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios

from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """HTTP/1.1. It is cut where nothing is asked on it within `first_request_s`, and where nothing of an answer is
    taken for `stalled_s`: answers in pieces hold a place that others wait for."""

    first_request_s = 15.0
    stalled_s = 60.0
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.loop.call_later(self.first_request_s, self._close_idle)

    def pause_writing(self) -> None:
        """The client takes less than there is for it."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._unwatch()
        super().connection_lost(exc)

    def _close_idle(self) -> None:
        if self.cycle is None:
            self.transport.abort()

    def _watch(self) -> None:
        self._stalled = self.loop.call_later(self.stalled_s, self._look, self._left())

    def _unwatch(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()

    def _look(self, left: int) -> None:
        """Cut it if as much is left as there was: a slow reader takes some of it."""
        if self._left() == left:
            self.transport.abort()
        else:
            self._watch()

    def _left(self) -> int:
        """Bytes that the client has not taken. The kernel has megabytes of them, and makes room for more only when
        a good part is gone: that there is none yet says nothing."""
        unsent = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return self.transport.get_write_buffer_size() + int(struct.unpack("i", unsent)[0])

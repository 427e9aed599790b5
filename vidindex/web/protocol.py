"""HTTP/1.1 as uvicorn speaks it, with an end to the patience for those who do not go on."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

PATIENCE_S = 30.0


class ImpatientProtocol(H11Protocol):
    """Ends a connection that has begun no request for a while, or whose last bytes nobody takes.

    A response that is being sent has its own limits.
    """

    _look_again: asyncio.TimerHandle | None = None
    _seen: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch it."""
        super().connection_made(transport)
        self._look_again = self.loop.call_later(PATIENCE_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the watch."""
        if self._look_again is not None:
            self._look_again.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        is_at_rest = self.transport.is_closing() or not is_answering
        if is_at_rest and self.cycle is self._seen:
            self.transport.abort()
            return
        self._seen = self.cycle if is_at_rest else None
        self._look_again = self.loop.call_later(PATIENCE_S, self._look)

"""Counts the requests that a connection of ours sends, apart from watches."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.cluster.connection import Connection

# Our own bookkeeping, which is coalesced and ranks below heals.
_BOOKKEEPING = ("/events", "/leases/", "/applications")


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    path: str

    @property
    def is_dry_run(self) -> bool:
        return "dryRun=All" in self.path

    @property
    def is_write(self) -> bool:
        return self.method not in ("GET", "HEAD") and not self.is_dry_run

    @property
    def is_bookkeeping(self) -> bool:
        return any(word in self.path for word in _BOOKKEEPING)

    def is_about(self, name: str) -> bool:
        """Whether it names the object."""
        return unquote(self.path.partition("?")[0]).endswith(f"/{name}")


@contextlib.contextmanager
def counted(connection: Connection) -> Iterator[list[Sent]]:
    """Everything that is sent within the block, in order."""
    transport = connection.calls.transport
    sent: list[Sent] = []
    request = transport.request

    async def noted(method: str, path: str, *more: Any, **named: Any) -> Any:
        sent.append(Sent(method, path))
        return await request(method, path, *more, **named)

    transport.request = noted  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        transport.request = request  # type: ignore[method-assign]


def writes(sent: list[Sent]) -> list[Sent]:
    """What changes an object that an Application declares."""
    return [one for one in sent if one.is_write and not one.is_bookkeeping]


def about_objects(sent: list[Sent]) -> list[Sent]:
    """Every request about declared objects, reads and dry runs among them."""
    return [one for one in sent if not one.is_bookkeeping]

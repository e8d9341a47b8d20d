"""Splits the body of a watch into lines, however the network cuts it.

A watch answers with one JSON document a line. aiohttp's own line reader gives up above 512 KB
(docs/internals/argocd/apply.md D1); an object of etcd may have 1.5 MB, more with managedFields
in JSON. The usual chunk is exactly one line and is handed on without a copy.
"""

from collections.abc import Sequence
from typing import TypeAlias

MAX_LINE_BYTES = 16 * 1024 * 1024

Line: TypeAlias = bytes | memoryview


class LineTooLongError(Exception):
    """A line is longer than allowed: the peer speaks no watch protocol, or an object is too big."""


class LineSplitter:
    """Collects chunks and gives complete lines, without their newline."""

    __slots__ = ("_keep_empty", "_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_LINE_BYTES, *, keep_empty: bool = False) -> None:
        """Start with nothing collected.

        Args:
            limit: The longest line that is accepted, in bytes.
            keep_empty: Give empty lines, too; they mean something in a log.
        """
        self._limit = limit
        self._keep_empty = keep_empty
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes of the line that is not complete yet."""
        return self._size

    def feed(self, chunk: bytes) -> Sequence[Line]:
        """Take what arrived and return the lines that it completes.

        Raises:
            LineTooLongError: a line exceeds the limit.
        """
        end = chunk.find(b"\n")
        if end < 0:
            self._keep(chunk)
            return ()
        if end == len(chunk) - 1 and not self._parts and 0 < end <= self._limit:
            return (memoryview(chunk)[:end],)
        return self._split(chunk, end)

    def _split(self, chunk: bytes, end: int) -> list[Line]:
        view = memoryview(chunk)
        lines: list[Line] = []
        start = 0
        while end >= 0:
            if self._parts:
                self._keep(chunk[start:end])
                line: Line = b"".join(self._parts)
                self._parts.clear()
                self._size = 0
            else:
                line = view[start:end]
            if len(line) > self._limit:
                raise LineTooLongError(self._too_long(len(line)))
            if len(line) or self._keep_empty:
                lines.append(line)
            start = end + 1
            end = chunk.find(b"\n", start)
        if start < len(chunk):
            self._keep(chunk[start:])
        return lines

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise LineTooLongError(self._too_long(self._size))
        if part:
            self._parts.append(part)

    def _too_long(self, size: int) -> str:
        return f"a line of a watch has {size} bytes or more; at most {self._limit} are accepted"

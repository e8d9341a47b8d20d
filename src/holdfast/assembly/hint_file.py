"""The port `HintStore`: one file beside the journal, replaced as a whole."""

import asyncio
import os
from pathlib import Path

HINTS = "applied.hints"
"""Name of the file in the data folder."""

_MOST_BYTES = 256 * 1024 * 1024


class HintFile:
    """Reads and writes the file in a thread; a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        """Keep where it is; the folder is made when it is first written."""
        self._path = path

    async def read(self) -> bytes | None:
        """Return what was written last, None when there is nothing.

        Raises:
            OSError: it cannot be read.
            ValueError: it is larger than anything we would have written.
        """
        return await asyncio.to_thread(self._read)

    async def write(self, content: bytes) -> None:
        """Replace it as a whole.

        Raises:
            OSError: it cannot be written.
        """
        await asyncio.to_thread(self._write, content)

    def _read(self) -> bytes | None:
        try:
            if self._path.stat().st_size > _MOST_BYTES:
                raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(number, "wb") as out:
                out.write(content)
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)

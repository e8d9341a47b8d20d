"""`CheckoutCopies`: the port `Copies`, with hard links, in a folder that goes at the end."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from holdfast.domain.source import Checkout
from holdfast.kit.files import OutsideError, resolve_inside
from holdfast.renderers.problems import wrong


class CheckoutCopies:
    """Copies checkouts and changes files in the copies. `close` it at the end."""

    def __init__(self, scratch_dir: str) -> None:
        """Nothing is made yet.

        Args:
            scratch_dir: Folder for the copies; on the file system of the checkouts they cost
                no space.
        """
        self._scratch = scratch_dir
        self._made: list[str] = []

    async def read(self, checkout: Checkout, path: str) -> str | None:
        """Return a text file of a checkout, its line breaks as they are; None: there is none."""
        return await asyncio.to_thread(_read, checkout.root, path)

    async def find(self, checkout: Checkout, folder: str) -> tuple[str, ...]:
        """Return the names of what lies in a folder, sorted."""
        return tuple(sorted(await asyncio.to_thread(os.listdir, _inside(checkout.root, folder))))

    async def copy(self, checkout: Checkout, files: Mapping[str, str | None]) -> Checkout:
        """Return a copy with these files written (None: removed)."""
        root = await asyncio.to_thread(self._copy, checkout.root, files)
        # The name is part of the revision, which stands for the files wherever results are kept.
        return Checkout(root, f"{checkout.revision}+{Path(root).parent.name}", checkout.repo_url)

    async def close(self) -> None:
        """Remove the copies."""
        for folder in self._made:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self._made.clear()

    def _copy(self, root: str, files: Mapping[str, str | None]) -> str:
        os.makedirs(self._scratch, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="adopting-", dir=self._scratch)
        self._made.append(folder)
        copy = os.path.join(folder, "repository")
        shutil.copytree(root, copy, symlinks=True, copy_function=_link)
        for path, text in files.items():
            target = _inside(copy, path)
            # A hard link: the file of the checkout must not be written to.
            target.unlink(missing_ok=True)
            if text is not None:
                target.write_bytes(text.encode())
        return copy


def _read(root: str, path: str) -> str | None:
    try:
        return _inside(root, path).read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except UnicodeDecodeError:
        raise wrong("HF1004", f"{path}: not UTF-8 text") from None


def _inside(root: str, path: str) -> Path:
    try:
        return resolve_inside(root, path)
    except OutsideError:
        raise wrong("HF1006", f"{path}: outside the repository") from None


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)

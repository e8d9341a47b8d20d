"""Sees new commits in local repositories within milliseconds, by inotify (Linux).

A commit, a branch switch, a fetch or a push ends in renaming `X.lock` to `X` for HEAD, packed-refs
or a file below refs/. Those folders are watched, a dozen of them, not the work tree. Where there is
no inotify, the same files' times are compared twice a second, in a thread.
"""

import asyncio
import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_MASK = _CLOSE_WRITE | _MOVED_TO | _CREATE | _DELETE
_IS_FOLDER, _OVERFLOW, _IGNORED = 0x40000000, 0x4000, 0x8000
_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_EVENT = struct.Struct("iIII")
_TOP_NAMES = frozenset({"HEAD", "packed-refs", "refs"})
_SETTLE_S = 0.05  # git moves several references in a row
_POLL_S = 0.5


class LocalWatch:
    """Watches the references of local repositories."""

    def __init__(self) -> None:
        """Nothing is opened before the first `add`."""
        self._fd = -1
        self._libc: ctypes.CDLL | None = None
        self._folders: dict[int, tuple[str, str]] = {}
        self._changed: dict[str, list[Callable[[], None]]] = {}
        self._lost: dict[str, list[Callable[[], None]]] = {}
        self._pending: dict[str, asyncio.TimerHandle] = {}
        self._stamps: dict[str, object] = {}
        self._poll: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, git_folder: str, changed: Callable[[], None], lost: Callable[[], None]) -> None:
        """Call `changed` on the event loop, soon after each change. Call it on the event loop.

        Args:
            git_folder: The repository's git folder (`.git`, or a bare repository).
            changed: Called at most once in 50 ms.
            lost: Called when the repository was deleted and is no longer watched.
        """
        self._loop = asyncio.get_running_loop()
        known = git_folder in self._changed
        self._changed.setdefault(git_folder, []).append(changed)
        self._lost.setdefault(git_folder, []).append(lost)
        if known:
            return
        if self._open():
            self._loop.run_in_executor(None, self._watch_tree, git_folder, git_folder)
        elif self._poll is None:
            self._poll_soon()

    def close(self) -> None:
        """Stop watching."""
        if self._fd >= 0 and self._loop is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        for handle in self._pending.values():
            handle.cancel()
        if self._poll is not None:
            self._poll.cancel()
        self._pending.clear()
        self._folders.clear()
        self._changed.clear()
        self._lost.clear()

    # --- inotify -----------------------------------------------------------------------------

    def _open(self) -> bool:
        if self._fd >= 0:
            return True
        if not sys.platform.startswith("linux") or self._loop is None:
            return False
        with contextlib.suppress(OSError, AttributeError):
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = int(self._libc.inotify_init1(_NONBLOCK_CLOEXEC))
        if self._fd < 0:
            return False
        self._loop.add_reader(self._fd, self._read)
        return True

    def _watch_tree(self, git_folder: str, folder: str) -> None:
        # In a thread: a repository may have thousands of folders of branches.
        folders = [folder]
        if folder == git_folder:
            folders += [path for path, _, _ in os.walk(os.path.join(folder, "refs"))]
        else:
            folders = [path for path, _, _ in os.walk(folder)]
        for path in folders:
            if self._libc is None or self._fd < 0:
                return
            number = int(self._libc.inotify_add_watch(self._fd, os.fsencode(path), _MASK))
            if number >= 0:
                self._folders[number] = (git_folder, path)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return
        for number, mask, name in _events(data):
            if mask & _OVERFLOW:
                for git_folder in self._changed:
                    self._settle(git_folder)
                continue
            git_folder, folder = self._folders.get(number, ("", ""))
            if mask & _IGNORED:
                self._forget(number, git_folder, folder)
                continue
            if not git_folder or name.endswith(".lock"):
                continue
            if folder == git_folder and name not in _TOP_NAMES:
                continue  # the index, logs, messages
            if mask & _CREATE and mask & _IS_FOLDER and self._loop is not None:
                new = os.path.join(folder, name)
                self._loop.run_in_executor(None, self._watch_tree, git_folder, new)
            self._settle(git_folder)

    def _forget(self, number: int, git_folder: str, folder: str) -> None:
        self._folders.pop(number, None)
        if folder != git_folder or not git_folder:
            return
        changed, lost = self._changed.pop(git_folder, []), self._lost.pop(git_folder, [])
        for call in (*changed, *lost):
            call()

    def _settle(self, git_folder: str) -> None:
        if self._loop is not None and git_folder not in self._pending:
            self._pending[git_folder] = self._loop.call_later(_SETTLE_S, self._call, git_folder)

    def _call(self, git_folder: str) -> None:
        self._pending.pop(git_folder, None)
        for changed in self._changed.get(git_folder, ()):
            changed()

    # --- without inotify ---------------------------------------------------------------------

    def _poll_soon(self) -> None:
        if self._loop is not None:
            self._poll = self._loop.call_later(_POLL_S, self._poll_now)

    def _poll_now(self) -> None:
        if self._loop is None:
            return
        for git_folder in self._changed:
            look = self._loop.run_in_executor(None, _stamp, git_folder)
            look.add_done_callback(partial(self._compare, git_folder))
        self._poll_soon()

    def _compare(self, git_folder: str, done: "asyncio.Future[object]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        stamp = done.result()
        before = self._stamps.get(git_folder)
        self._stamps[git_folder] = stamp
        if before is not None and before != stamp:
            self._call(git_folder)


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    position = 0
    while position + _EVENT.size <= len(data):
        number, mask, _, length = _EVENT.unpack_from(data, position)
        position += _EVENT.size
        name = data[position : position + length].rstrip(b"\0")
        position += length
        yield number, mask, os.fsdecode(name)


def _stamp(git_folder: str) -> object:
    stamps: dict[str, tuple[int, int]] = {}
    files = [os.path.join(git_folder, name) for name in ("HEAD", "packed-refs")]
    for path, _, names in os.walk(os.path.join(git_folder, "refs")):
        files += [os.path.join(path, name) for name in names if not name.endswith(".lock")]
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            seen = os.stat(file)
            stamps[file] = (seen.st_mtime_ns, seen.st_ino)
    return stamps

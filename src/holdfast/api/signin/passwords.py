"""bcrypt, in threads of its own: one check takes 60 ms, and the event loop waits for none."""

import asyncio
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

import bcrypt

COST = 10
MOST_BYTES = 72  # what bcrypt reads of a password
_WORKERS = 2
_FIRST_LENGTH = 16
_ALPHABET = string.digits + string.ascii_letters + "-"
_NOBODY = b"$2a$10$6kFfXcqK5yVnB0UpQ8mJ5uKxkP0aV6rjL4yCq7Xk7o7J3b9m0w0aS"
"""A hash that no password has: checked when there is no account, so that both take the same."""


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, cost: int = COST) -> None:
        """Start no thread before the first password.

        Args:
            cost: bcrypt's; tests take the smallest.
        """
        self._cost = cost
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="bcrypt")

    async def hash(self, password: str) -> str:
        """Return the hash of a password of at most `MOST_BYTES` bytes."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._hash, password)

    async def matches(self, password: str, hashed: str) -> bool:
        """Whether a password has that hash; `""` takes as long and is no."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _matches, password, hashed)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        salt = bcrypt.gensalt(self._cost, prefix=b"2a")
        return bcrypt.hashpw(password.encode(), salt).decode()


def _matches(password: str, hashed: str) -> bool:
    wanted = hashed.encode() or _NOBODY
    try:
        found = bcrypt.checkpw(password.encode()[:MOST_BYTES], wanted)
    except ValueError:  # what stands there is no hash
        bcrypt.checkpw(password.encode()[:MOST_BYTES], _NOBODY)
        return False
    return found and bool(hashed)


def make_password() -> str:
    """Return the first password of an admin."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_FIRST_LENGTH))

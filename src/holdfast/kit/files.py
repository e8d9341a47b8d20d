"""Paths that come from outside, kept inside a root (DESIGN §8.3)."""

import os
from pathlib import Path


class OutsideError(ValueError):
    """A path leaves the folder that it must stay in. The text names the path as it was given."""


def is_inside(root: str | os.PathLike[str], path: str | os.PathLike[str]) -> bool:
    """Whether a path is the root or below it, after following every symbolic link."""
    real_root = os.path.realpath(root)
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def resolve_inside(root: str | os.PathLike[str], path: str) -> Path:
    """Return a path below a root, links followed; it need not exist.

    Args:
        root: The folder that must not be left.
        path: Relative to the root.

    Raises:
        OutsideError: The path is absolute, holds a NUL, or leads out of the root.
    """
    if os.path.isabs(path) or "\0" in path:
        raise OutsideError(path)
    real = os.path.realpath(os.path.join(root, path))
    if not is_inside(root, real):
        raise OutsideError(path)
    return Path(real)

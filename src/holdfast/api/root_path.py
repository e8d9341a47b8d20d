"""The path below which everything is served, as a person writes it; light, for the command line."""

import re

ROOT, BASE = "server.rootpath", "server.basehref"
_ROOT = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", re.ASCII)


def read_root(text: str) -> str:
    """Return a path as `/a/b`, `""` for `/` and nothing.

    Raises:
        ValueError: it is no path of letters, digits, `-`, `_`, `.` and `~`.
    """
    root = "/" + text.strip().strip("/")
    if root == "/":
        return ""
    if _ROOT.fullmatch(root) is None:
        raise ValueError(f'"{text}" is no path such as /holdfast')
    return root

"""Addresses of git repositories: which kind, and whether one can be meant at all."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

REMOTE_SCHEMES: Final = frozenset({"https", "http", "ssh"})
LONGEST: Final = 4096

_SCP = re.compile(r"^(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>(?!//).+)$")
# Without a user `javascript:x` has the form of `host:path`; nobody's git host is called like that.
_NO_HOSTS = frozenset({
    "about", "blob", "data", "file", "filesystem", "ftp", "git", "http", "https", "intent",
    "javascript", "mailto", "ssh", "tel", "urn", "vbscript", "view-source", "ws", "wss",
})  # fmt: skip


def find_local_path(url: str) -> str | None:
    """Return the folder of a `file://` URL or a plain path; None for other URLs."""
    if url.startswith("file://"):
        return unquote(urlsplit(url).path)
    return url if url.startswith(("/", "./", "../", "~")) or url in {".", ".."} else None


def split_scp(url: str) -> tuple[str, str] | None:
    """Return host and path of the scp form (`git@host:path`), None for other forms."""
    if "://" in url or (match := _SCP.match(url)) is None:
        return None
    if match["user"] is None and match["host"].lower() in _NO_HOSTS:
        return None
    return match["host"], match["path"]


def find_scheme(url: str) -> str:
    """Return `https`, `ssh` (the scp form too), `file` … in lower case; `""` for none."""
    if find_local_path(url) is not None:
        return "file"
    if split_scp(url) is not None:
        return "ssh"
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and ("://" in url or scheme.lower() in _NO_HOSTS) else ""


def problem_of(url: str) -> str:
    """Return why this cannot be the address of a repository, `""` when it may be one."""
    if len(url) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not url.isprintable() or any(letter.isspace() for letter in url):
        return "blanks and control characters stand in it"
    scheme = find_scheme(url)
    if not scheme or url.startswith("-"):
        return "it is no address of git"
    if scheme not in (*REMOTE_SCHEMES, "file"):
        return f"{scheme} addresses are not read"
    has_host = scheme == "file" or "://" not in url or _names_host(url)
    return "" if has_host else "it names no host"


def _names_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

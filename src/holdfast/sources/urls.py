"""Repository URLs: which kind, which local path, and when two mean the same."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

_SCP = re.compile(r"^(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>(?!//).+)$")
REMOTE_SCHEMES = frozenset({"https", "http", "ssh"})


def normalise_git_url(url: str) -> str:
    """Return a form that is equal for two URLs that mean the same repository.

    Lower case, without `.git` and slashes at the end, without credentials; the scp form
    (`git@host:path`) becomes `ssh://`. Source: docs/internals/argocd/controller.md §1.8.
    """
    text = url.strip().lower()
    path = find_local_path(text)
    if path is not None:
        return "file://" + posixpath.normpath(path).removesuffix(".git").rstrip("/")
    if "://" not in text and (match := _SCP.match(text)) is not None:
        text = f"ssh://{match['host']}/{match['path'].lstrip('/')}"
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    return scheme + mark + host + slash + path.rstrip("/").removesuffix(".git").rstrip("/")


def find_local_path(url: str) -> str | None:
    """Return the folder of a `file://` URL or a plain path; None for other URLs."""
    if url.startswith("file://"):
        return unquote(urlsplit(url).path)
    return url if url.startswith(("/", "./", "../", "~")) or url in {".", ".."} else None


def find_scheme(url: str) -> str:
    """Return `https`, `ssh` (the scp form too), `file` … in lower case; `""` for none."""
    if find_local_path(url) is not None:
        return "file"
    if "://" in url:
        return url.partition("://")[0].lower()
    return "ssh" if _SCP.match(url) else ""

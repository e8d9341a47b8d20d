"""When two repository URLs mean the same; what one is called says `domain.repository_urls`."""

import posixpath

from holdfast.domain.repository_urls import (
    REMOTE_SCHEMES,
    find_local_path,
    find_scheme,
    split_scp,
)

__all__ = ["REMOTE_SCHEMES", "find_local_path", "find_scheme", "normalise_git_url"]


def normalise_git_url(url: str) -> str:
    """Return a form that is equal for two URLs that mean the same repository.

    Lower case, without `.git` and slashes at the end, without credentials; the scp form
    (`git@host:path`) becomes `ssh://`. Source: docs/internals/argocd/controller.md §1.8.
    """
    text = url.strip().lower()
    path = find_local_path(text)
    if path is not None:
        return "file://" + posixpath.normpath(path).removesuffix(".git").rstrip("/")
    scp = split_scp(text)
    if scp is not None:
        text = f"ssh://{scp[0]}/{scp[1].lstrip('/')}"
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    return scheme + mark + host + slash + path.rstrip("/").removesuffix(".git").rstrip("/")

"""Which Applications a push is about (docs/internals/argocd/api.md §6.3, §6.4)."""

import posixpath
import re
from collections.abc import Container
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from holdfast.api.webhooks import Push
from holdfast.domain.manifest import Tree

GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"
_HEAD = ("", "HEAD")
_SCP = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.+)")
_CONSTRAINT = re.compile(r"[\^~><=*]|\bx\b|\|\|")


def concerns(push: Push, app: Tree) -> bool:
    """Whether an Application must look at git because of a push."""
    pushed = {key for url in push.repositories if (key := repository_key(url))}
    annotation = (app["metadata"].get("annotations") or {}).get(GENERATE_PATHS) or ""
    return any(
        repository_key(str(source.get("repoURL") or "")) in pushed
        and _is_revision(str(source.get("targetRevision") or ""), push)
        and _is_touched(annotation, str(source.get("path") or ""), push.changed)
        for source in _sources(app)
    )


def deployed_from(app: Tree) -> set[tuple[str, str]]:
    """Return the repositories that an Application names, as `repository_key`."""
    urls = (str(source.get("repoURL") or "") for source in _sources(app))
    return {key for url in urls if (key := repository_key(url))}


def told_name(push: Push, known: Container[tuple[str, str]]) -> str:
    """Return `host/path` of the repository of a push, `""` when it is none of those known.

    A push need not be proved where no secret is set: whoever asks must not be able to make up
    names without an end.
    """
    keys = (repository_key(url) for url in push.repositories)
    return next(("/".join(key) for key in keys if key is not None and key in known), "")


def _sources(app: Tree) -> list[Tree]:
    spec = app.get("spec") or {}
    found = (spec.get("source"), *(spec.get("sources") or ()))
    return [source for source in found if isinstance(source, dict)]


def repository_key(url: str) -> tuple[str, str] | None:
    """Return host and path of a repository, the same for each way to write it; None for none."""
    match = None if "://" in url else _SCP.fullmatch(url)
    if match is not None:
        host, path = match.group(1), match.group(2)
    else:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
    host = host.lower().removeprefix("altssh.").removeprefix("ssh.")
    path = path.strip("/").lower().removesuffix(".git")
    return (host, path) if host and path else None


def _is_revision(target: str, push: Push) -> bool:
    if target in _HEAD:
        return push.is_default
    target = target.removeprefix("refs/heads/").removeprefix("refs/tags/")
    # A constraint may mean any tag: looking once too often is right, missing one is not.
    return target == push.ref or (_CONSTRAINT.search(target) is not None)


def _is_touched(annotation: str, path: str, changed: tuple[str, ...]) -> bool:
    if not annotation or not changed:
        return True
    for entry in annotation.split(";"):
        entry = entry.strip()  # noqa: PLW2901 - the entry without its blanks
        if not entry:
            continue
        base = entry[1:] if entry.startswith("/") else posixpath.join(path, entry)
        wanted = posixpath.normpath(base).lstrip("/")
        for file in changed:
            if wanted == "." or file == wanted or file.startswith(f"{wanted}/"):
                return True
            if fnmatchcase(file, wanted):
                return True
    return False

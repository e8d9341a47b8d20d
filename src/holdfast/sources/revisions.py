"""From what a person writes to a commit SHA, given the references of a repository.

The order is docs/internals/argocd/controller.md §3.9:
  1. 40 hexadecimal digits          -> as they are
  2. a plain version (`1.2`, `v1.2.3`) is a name, with `tagPrefix` before it
  3. a constraint (`1.2.*`, `>=1.0`) -> the highest tag that satisfies it; none: go on
  4. a reference by full or short name; symbolic ones are followed
  5. 7 or more hexadecimal digits   -> a short SHA
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.domain.errors import RepositoryError, Retry
from holdfast.sources.constraints import Version, find_constraint, find_version

_SHA = re.compile(r"[0-9a-f]{40}\Z")
_SHORT_SHA = re.compile(r"[0-9a-fA-F]{7,40}\Z")
_SYMBOLIC = "ref: "
_MOST_HOPS = 5


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a revision means.

    Attributes:
        sha: Full SHA, or the short one that still has to be looked up.
        ref: The reference that was found, `refs/heads/main`; `""` for a SHA.
    """

    sha: str
    ref: str = ""


def check_revision(revision: str) -> None:
    """Raise for revisions that could be taken for an option or hold control characters.

    Raises:
        RepositoryError: HF1002.
    """
    odd = any(c.isspace() or not c.isprintable() for c in revision.strip())
    if revision.startswith("-") or (odd and find_constraint(revision) is None):
        raise unresolvable(revision, "not a revision")


def resolve(refs: Mapping[str, str], revision: str, tag_prefix: str = "") -> Resolution:
    """Return what a revision means.

    Args:
        refs: Full names and SHAs; a symbolic one is `ref: refs/heads/main`. Annotated tags are
            given by the commit that they point to.
        revision: As written; `""` is HEAD.
        tag_prefix: Only tags that begin with it count for versions and constraints.

    Raises:
        RepositoryError: HF1002, nothing fits.
    """
    name = revision.strip() or "HEAD"
    check_revision(name)
    if _SHA.match(name):
        return Resolution(name)
    if find_version(name) is not None:
        name = tag_prefix + name
    else:
        name = _highest_tag(refs, name, tag_prefix) or name
    for full in (name, f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}"):
        found = _follow(refs, full)
        if found is not None:
            return found
    if _SHORT_SHA.match(name):
        return Resolution(name.lower())
    raise unresolvable(revision or "HEAD", "no branch, tag or commit of this name")


def unresolvable(revision: str, reason: str) -> RepositoryError:
    """Return the error for a revision that means nothing."""
    return RepositoryError(
        "HF1002",
        f"unable to resolve '{revision}' to a commit SHA: {reason}",
        hint="check `targetRevision`; a branch that was deleted or renamed is the usual cause",
        retry=Retry.BACKOFF,
    )


def _highest_tag(refs: Mapping[str, str], text: str, prefix: str) -> str | None:
    constraint = find_constraint(text)
    if constraint is None:
        return None
    best: tuple[Version, str] | None = None
    start = "refs/tags/" + prefix
    for full in refs:
        version = find_version(full.removeprefix(start)) if full.startswith(start) else None
        if version is not None and constraint(version) and (best is None or version > best[0]):
            best = (version, full.removeprefix("refs/tags/"))
    return best[1] if best else None


def _follow(refs: Mapping[str, str], full: str) -> Resolution | None:
    for _ in range(_MOST_HOPS):
        value = refs.get(full)
        if value is None:
            return None
        if not value.startswith(_SYMBOLIC):
            return Resolution(value, full)
        full = value.removeprefix(_SYMBOLIC)
    return None

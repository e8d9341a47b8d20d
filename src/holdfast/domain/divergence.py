"""*Behind git* and *drifted*: two reasons why an Application is OutOfSync, never one (N29).

Behind git: git declares something else than what was last applied; a sync brings it.
Drifted:    the live object is not what was last applied to it; a heal puts it back.

Both can hold of one object. `status.sync.status` stays what Argo CD makes of it; these counts stand
in an annotation of the Application, in the same write as its status, so that other programs can
tell the two apart without a field of ours in Argo CD's schema (decision 0011).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.domain.drift import SyncCode
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON

DIFFERS_ANNOTATION = "holdfast.dev/differs"
MOST_NAMED = 100
"""Objects that the annotation names: all annotations together must stay below 256 KiB."""


class Divergence(StrEnum):
    """Why one object is not what git declares."""

    NEITHER = ""
    BEHIND = "behind"
    DRIFTED = "drifted"
    BOTH = "both"

    @property
    def is_behind(self) -> bool:
        """Whether git declares something else than what was applied."""
        return self in (Divergence.BEHIND, Divergence.BOTH)

    @property
    def is_drifted(self) -> bool:
        """Whether live is something else than what was applied."""
        return self in (Divergence.DRIFTED, Divergence.BOTH)

    @property
    def words(self) -> str:
        """For people: `behind git, drifted`."""
        parts = ("behind git" if self.is_behind else "", "drifted" if self.is_drifted else "")
        return ", ".join(part for part in parts if part)


def diverge(
    status: SyncCode | None, declared: str | None, applied: str | None, *, drifts: bool
) -> Divergence:
    """Return why an object is OutOfSync.

    Args:
        status: Live against git. What is not OutOfSync differs in neither way.
        declared: Hash of what git declares; None: nothing, the object waits to be pruned.
        applied: Hash of what was last applied; None: nothing, as far as is known.
        drifts: Whether live differs from what was applied.
    """
    if status is not SyncCode.OUT_OF_SYNC:
        return Divergence.NEITHER
    if declared is not None and declared == applied:
        return Divergence.DRIFTED  # git says what was applied: nothing else is left
    return Divergence.BOTH if drifts and applied is not None else Divergence.BEHIND


@dataclass(frozen=True, slots=True)
class Divergences:
    """What an Application's objects come to.

    Attributes:
        behind, drifted: How many objects; one that is both counts in both.
        objects: The first of them by key, `MOST_NAMED` at most.
    """

    behind: int = 0
    drifted: int = 0
    objects: Mapping[str, Divergence] = field(default_factory=dict)

    @classmethod
    def count(cls, found: Iterable[tuple[ResourceKey, Divergence]]) -> "Divergences":
        """Count objects, given in the order of their keys."""
        differing = [(key, one) for key, one in found if one is not Divergence.NEITHER]
        if not differing:
            return NO_DIVERGENCE
        return cls(
            sum(one.is_behind for _, one in differing),
            sum(one.is_drifted for _, one in differing),
            {name_of(key): one for key, one in differing[:MOST_NAMED]},
        )

    @classmethod
    def parse(cls, text: JSON) -> "Divergences":
        """Read the annotation; what is no such text, or None, says nothing."""
        try:
            tree = json.loads(text) if isinstance(text, str) else {}
            return cls(
                int(tree["behind"]),
                int(tree["drifted"]),
                {str(name): Divergence(one) for name, one in tree["objects"].items()},
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return NO_DIVERGENCE

    def annotation(self) -> str | None:
        """Return the text of the annotation, None where there is nothing to say."""
        if not self.behind and not self.drifted:
            return None
        tree = {"behind": self.behind, "drifted": self.drifted, "objects": dict(self.objects)}
        return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)

    def of(self, key: ResourceKey) -> Divergence:
        """Return what is said of an object."""
        return self.objects.get(name_of(key), Divergence.NEITHER)


NO_DIVERGENCE = Divergences()


def name_of(key: ResourceKey) -> str:
    """`apps:Deployment:team/web`, the form in which the command line takes objects."""
    where = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return f"{key.group}:{key.kind}:{where}"

"""Conditions of an Application: what is wrong with it, in Argo CD's words (controller.md §8.1)."""

from dataclasses import dataclass
from enum import StrEnum


class ConditionType(StrEnum):
    """Types ending in `Error` are errors, those ending in `Warning` are warnings."""

    COMPARISON_ERROR = "ComparisonError"
    DELETION_ERROR = "DeletionError"
    EXCLUDED_RESOURCE = "ExcludedResourceWarning"
    FIGHT = "FightWarning"  # ours: another manager keeps undoing us
    INVALID_SPEC_ERROR = "InvalidSpecError"
    MISREAD_ANNOTATION = "MisreadAnnotationWarning"  # ours: one of ours is not understood
    NOT_BUILT = "NotBuiltWarning"  # ours: a feature of Argo CD that this version leaves out
    ORPHANED_RESOURCE = "OrphanedResourceWarning"
    REDUCED_MANIFEST = "ReducedManifestWarning"  # ours: applied without a part of it
    REPEATED_RESOURCE = "RepeatedResourceWarning"
    SHARED_RESOURCE = "SharedResourceWarning"
    SYNC_ERROR = "SyncError"
    UNKNOWN_ERROR = "UnknownError"

    @property
    def is_error(self) -> bool:
        """Whether the condition is an error rather than a warning."""
        return self.value.endswith("Error")


# A comparison replaces these as a set, a full refresh of the spec those (controller.md §4.1, §8.1).
SET_BY_COMPARISON = frozenset(
    {
        ConditionType.COMPARISON_ERROR,
        ConditionType.EXCLUDED_RESOURCE,
        ConditionType.FIGHT,
        ConditionType.MISREAD_ANNOTATION,
        ConditionType.NOT_BUILT,
        ConditionType.REDUCED_MANIFEST,
        ConditionType.REPEATED_RESOURCE,
        ConditionType.SHARED_RESOURCE,
    }
)
SET_BY_VALIDATION = frozenset({ConditionType.INVALID_SPEC_ERROR, ConditionType.UNKNOWN_ERROR})


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One condition; its time is added where status is written."""

    type: ConditionType
    message: str

"""ApplicationSets as they are: their kind, and what can be asked about them.

Nothing is generated from them yet; what Argo CD's own controller writes into them is passed on.
"""

from dataclasses import dataclass
from typing import TypeAlias

from holdfast.domain.identity import ARGO_GROUP, GroupVersionKind

APPLICATION_SET = GroupVersionKind(ARGO_GROUP, "v1alpha1", "ApplicationSet")


@dataclass(frozen=True, slots=True)
class ListApplicationSets:
    """All of the control namespace, by name. Answer: list of trees."""

    selector: str = ""


@dataclass(frozen=True, slots=True)
class GetApplicationSet:
    """One. Answer: its tree, or None when there is no such."""

    name: str


@dataclass(frozen=True, slots=True)
class ListApplicationSetEvents:
    """Kubernetes Events on one. Answer: list of trees, the newest last."""

    name: str


AnySetQuery: TypeAlias = ListApplicationSets | GetApplicationSet | ListApplicationSetEvents

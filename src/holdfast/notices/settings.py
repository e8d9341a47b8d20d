"""What the ConfigMap `holdfast-notifications` says, as values; who hears of what. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from holdfast.domain.globs import matches_glob
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Tree
from holdfast.domain.notifications import CONFIG_MAP_NAME as CONFIG_MAP_NAME
from holdfast.notices.notice import SUBSCRIBE, AppFacts, Trigger

ALL_EVENTS = tuple(trigger.value for trigger in Trigger)
REFERENCE = re.compile(
    r"\$(?P<name>[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?):(?P<key>[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?)"
)
"""`$secret-name:key`, as Argo CD writes it (docs/internals/argocd/api.md §2.7)."""


class TargetType(StrEnum):
    """How a message travels."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class Target:
    """One place that is told.

    Attributes:
        url: Where to; may hold references `$secret-name:key`.
        secret: Reference of the key that webhooks are signed with.
        headers: Further headers of a webhook; may hold references.
        events: Values of `Trigger`.
        applications: Globs over `name` and `namespace/name`; none means subscribed ones alone.
        projects: Globs over the project.
        group_s: Everything of one Application within so many seconds is one message.
        repeat_s: The same drift is told again after so many seconds at the earliest.
        timeout_s: For one attempt.
    """

    name: str
    type: TargetType
    url: str
    secret: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ALL_EVENTS
    applications: tuple[str, ...] = ("*",)
    projects: tuple[str, ...] = ("*",)
    group_s: float = 10.0
    repeat_s: float = 3600.0
    timeout_s: float = 10.0

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def from_tree(cls, tree: Tree) -> "Target":
        """Build it from `to_tree`."""
        listed = {key: tuple(tree[key]) for key in ("events", "applications", "projects")}
        return cls(**{**tree, **listed, "type": TargetType(tree["type"])})

    def wants(self, trigger: Trigger, app: AppKey, facts: AppFacts) -> bool:
        """Whether it hears of this, by its own rules or because the Application subscribed it."""
        is_listed = trigger.value in self.events
        if is_listed and self._covers(app, facts):
            return True
        if f"{SUBSCRIBE}{trigger.value}.{self.name}" in facts.annotations:
            return True
        return is_listed and f"{SUBSCRIBE}{self.name}" in facts.annotations

    def secret_names(self) -> frozenset[str]:
        """Return the names of the Secrets that it refers to."""
        texts = (self.url, self.secret, *self.headers.values())
        return frozenset(m["name"] for text in texts for m in REFERENCE.finditer(text))

    def resolved(self, find: Callable[[str, str], str]) -> "Target":
        """Return it with every reference replaced.

        Args:
            find: Gives the value of a key of a Secret; raises when there is none.
        """

        def replace(text: str) -> str:
            return REFERENCE.sub(lambda m: find(m["name"], m["key"]), text)

        headers = {name: replace(text) for name, text in self.headers.items()}
        tree = {**self.to_tree(), "url": replace(self.url), "secret": replace(self.secret)}
        return Target.from_tree({**tree, "headers": headers})

    def _covers(self, app: AppKey, facts: AppFacts) -> bool:
        names = (app.name, f"{app.namespace}/{app.name}")
        if not any(matches_glob(pattern, facts.project) for pattern in self.projects):
            return False
        return any(matches_glob(pattern, name) for pattern in self.applications for name in names)


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """The whole ConfigMap.

    Attributes:
        cluster: How messages call the cluster; `""` for its address.
    """

    targets: tuple[Target, ...] = ()
    cluster: str = ""

    def to_tree(self) -> Tree:
        """Return it as JSON."""
        return {"cluster": self.cluster, "targets": [target.to_tree() for target in self.targets]}

    @classmethod
    def from_tree(cls, tree: Tree) -> "NoticeSettings":
        """Build it from `to_tree`."""
        return cls(tuple(map(Target.from_tree, tree["targets"])), tree["cluster"])

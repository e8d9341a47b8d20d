"""`Pause`: healing, automatic sync and prune are held in a scope, by a person, for a while.

A pause is an object of its own (`pauses.holdfast.dev/v1alpha1` in the control namespace), so that
kubectl, RBAC and git can handle it and no rewrite of an Application undoes one (DESIGN §4.4).
Detection, comparison and journal go on; what a person asks for goes on and says that the pause
stays. A pause ends by itself.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from holdfast.domain.identity import AppKey, GroupVersionKind, ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree

PAUSE = GroupVersionKind("holdfast.dev", "v1alpha1", "Pause")
LONGEST = timedelta(days=7)
"""The longest pause with an end; only `untilResumed` lasts longer."""
ANNOUNCED_ANNOTATION = "holdfast.dev/announced-end"
"""On a Pause: the end of which people were warned, so that no later process warns them again."""


class PauseScope(StrEnum):
    """What a pause is about."""

    ALL = "All"
    CLUSTER = "Cluster"
    PROJECT = "Project"
    APPLICATION = "Application"
    OBJECT = "Object"


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause.

    Attributes:
        id: Name of the object.
        scope: What it is about.
        target: Project name, cluster server or name, or application name; `""` for all.
        app_namespace: Namespace of the application, `""` for the control namespace.
        resource: Group, kind, namespace (`""` any) and name; for the scope `Object`.
        reason: Why, in a person's words.
        author: Who the API server says made it.
        created_at: When.
        until: When it ends by itself; None lasts until resumed.
    """

    id: str
    scope: PauseScope
    target: str
    app_namespace: str
    resource: ResourceKey | None
    reason: str
    author: str
    created_at: datetime | None
    until: datetime | None
    manifest: Manifest

    def is_active(self, now: datetime) -> bool:
        """Whether it holds at this moment; one that is being deleted holds no longer."""
        return not self.manifest.is_terminating and (self.until is None or now < self.until)

    @property
    def is_announced(self) -> bool:
        """Whether people were warned that it ends when it does; another end is news again."""
        told = _moment(self.manifest.annotation(ANNOUNCED_ANNOTATION))
        return told is not None and told == self.until

    def holds_app(self, app: AppKey, project: str, servers: frozenset[str]) -> bool:
        """Whether it holds a whole Application.

        Args:
            app: The Application.
            project: Its project.
            servers: API URL and name of its destination cluster.
        """
        match self.scope:
            case PauseScope.ALL:
                return True
            case PauseScope.CLUSTER:
                return self.target.rstrip("/") in servers
            case PauseScope.PROJECT:
                return self.target == project
            case PauseScope.APPLICATION:
                return self._names(app)
            case PauseScope.OBJECT:
                return False

    def holds_object(self, app: AppKey, key: ResourceKey) -> bool:
        """Whether it holds this one object of an Application."""
        wanted = self.resource
        if self.scope is not PauseScope.OBJECT or wanted is None or not self._names(app):
            return False
        return (
            wanted.group == key.group
            and wanted.kind == key.kind
            and wanted.name == key.name
            and wanted.namespace in ("", key.namespace)
        )

    def holds_objects_of(self, app: AppKey) -> bool:
        """Whether it holds one object of an Application, and not the whole."""
        return self.scope is PauseScope.OBJECT and self._names(app)

    def describe(self) -> str:
        """Return who holds what and why, for people."""
        end = f"until {self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else "until it is resumed"
        who = self.author or "somebody"
        return f"paused by {who} {end}: {self.reason} (pause {self.id})"

    def _names(self, app: AppKey) -> bool:
        return self.target == app.name and self.app_namespace in ("", app.namespace)

    @classmethod
    def parse(cls, manifest: Manifest) -> "Pause | None":
        """Read a Pause object; None when its scope says nothing (it then holds nothing)."""
        spec = manifest.at("spec")
        spec = spec if isinstance(spec, dict) else {}
        scope = next((kind for kind in PauseScope if kind.value == spec.get("scope")), None)
        if scope is None:
            return None
        resource = spec.get("resource")
        created = _moment(manifest.metadata.get("creationTimestamp"))
        until = None if spec.get("untilResumed") is True else _end(spec.get("until"), created)
        return cls(
            id=manifest.name,
            scope=scope,
            target=str(spec.get("target") or ""),
            app_namespace=str(spec.get("applicationNamespace") or ""),
            resource=_resource(resource) if isinstance(resource, dict) else None,
            reason=str(spec.get("reason") or ""),
            author=str(spec.get("author") or ""),
            created_at=created,
            until=until,
            manifest=manifest,
        )


def parse_resource(text: str) -> ResourceKey:
    """Read `GROUP:KIND:[NAMESPACE/]NAME`, the form of `--resource`.

    Raises:
        ValueError: the text has another form.
    """
    match = re.fullmatch(r"([^:]*):([^:]+):(?:([^/]+)/)?([^/]+)", text)
    if match is None:
        raise ValueError(f"{text!r} is not GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME")
    group, kind, namespace, name = match.groups()
    return ResourceKey(group, kind, namespace or "", name)


def pause_tree(name: str, namespace: str, spec: Tree) -> Tree:
    """Return a Pause object; `spec` holds the fields of `Pause.parse`."""
    return {
        "apiVersion": PAUSE.api_version,
        "kind": PAUSE.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {key: value for key, value in spec.items() if value not in (None, "")},
    }


def _end(value: JSON, created: datetime | None) -> datetime | None:
    """Return when a pause with an end is over: as written, at the latest `LONGEST` after it began.

    One that names no end at all ends then, too: forgetting a pause must not last for ever.
    """
    wanted = _moment(value)
    latest = created + LONGEST if created is not None else None
    ends = [moment for moment in (wanted, latest) if moment is not None]
    return min(ends) if ends else None


def _resource(tree: Tree) -> ResourceKey:
    return ResourceKey(
        str(tree.get("group") or ""),
        str(tree.get("kind") or ""),
        str(tree.get("namespace") or ""),
        str(tree.get("name") or ""),
    )


def _moment(value: JSON) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None

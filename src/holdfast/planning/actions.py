"""What a person can do with one object: restart, scale, suspend … Pure.

The names are those of Argo CD's own actions, so that its clients and its roles
(`action/apps/Deployment/restart`) fit; what each does is ours. Actions written in Lua
(`resource.customizations.actions.*`) are not built: they are not listed.

Kind                    actions
----------------------  ----------------------------------
apps/Deployment         restart, pause, resume, scale
apps/StatefulSet        restart, scale
apps/DaemonSet          restart
batch/CronJob           create-job, suspend, resume
batch/Job               suspend, resume, terminate
argoproj.io/Application toggle-auto-sync
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import GroupKind
from holdfast.domain.manifest import JSON, Manifest, Tree

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_INSTANTIATE = "cronjob.kubernetes.io/instantiate"
_MOST_REPLICAS = 100_000
_LONGEST_PREFIX = 57  # the server adds five characters; a Job's name may have 63


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one object, at this moment.

    Attributes:
        name: As roles and clients name it.
        title: For people.
        icon: CSS classes, as Argo CD's page shows them.
        is_disabled: It would change nothing.
        parameters: Names and defaults.
    """

    name: str
    title: str
    icon: str
    is_disabled: bool = False
    parameters: tuple[tuple[str, str], ...] = ()

    def to_tree(self) -> Tree:
        """Return it as JSON (api.md §1.5)."""
        tree: Tree = {
            "name": self.name,
            "displayName": self.title,
            "iconClass": self.icon,
            "disabled": self.is_disabled,
        }
        if self.parameters:
            tree["params"] = [{"name": n, "default": value} for n, value in self.parameters]
        return tree


@dataclass(frozen=True, slots=True)
class Change:
    """What an action does: a merge patch of the object, or a new object beside it."""

    patch: Tree | None = None
    creation: Manifest | None = None


_Find = Callable[[Manifest], tuple[Action, ...]]


def find_actions(manifest: Manifest) -> tuple[Action, ...]:
    """Return what can be done with an object."""
    find = _ACTIONS.get(manifest.key.group_kind)
    return find(manifest) if find is not None else ()


def plan_action(
    manifest: Manifest, name: str, parameters: tuple[tuple[str, str], ...], now: datetime
) -> Change:
    """Return what an action on an object does.

    Raises:
        ConfigurationError: HF3009, the kind has no such action, it would change nothing, or a
            parameter is missing or wrong.
    """
    found = {action.name: action for action in find_actions(manifest)}
    action = found.get(name)
    if action is None:
        raise ConfigurationError(
            "HF3009",
            f"{manifest.key.group_kind} has no action {name!r}",
            about=manifest.key,
            hint=f"there are: {', '.join(found) or 'none'}",
        )
    if action.is_disabled:
        raise ConfigurationError(
            "HF3009", f"the action {name!r} would change nothing", about=manifest.key
        )
    return _change(manifest, name, dict(parameters), now)


def _change(manifest: Manifest, name: str, parameters: dict[str, str], now: datetime) -> Change:
    if name == "create-job":
        return Change(creation=_job_of(manifest))
    if name == "toggle-auto-sync":
        return _toggled(manifest)
    path, value = _field(manifest, name, parameters, now)
    return _patch(*path, to=value)


def _field(
    manifest: Manifest, name: str, parameters: dict[str, str], now: datetime
) -> tuple[tuple[str, ...], JSON]:
    """Return the one field that an action sets, and to what."""
    found: tuple[tuple[str, ...], JSON] = (("spec", "suspend"), name == "suspend")
    match name:
        case "restart":
            at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            found = (("spec", "template", "metadata", "annotations", RESTARTED_AT), at)
        case "scale":
            found = (("spec", "replicas"), _replicas(manifest, parameters))
        case "terminate":
            found = (("spec", "activeDeadlineSeconds"), 1)
        case "pause" | "resume" if manifest.kind == "Deployment":
            found = (("spec", "paused"), True if name == "pause" else None)
    return found


def _deployment(manifest: Manifest) -> tuple[Action, ...]:
    is_paused = manifest.at("spec", "paused") is True
    return (
        Action("restart", "Restart", "fa fa-fw fa-redo"),
        Action("pause", "Pause", "fa fa-fw fa-pause-circle", is_paused),
        Action("resume", "Resume", "fa fa-fw fa-play-circle", not is_paused),
        _scale(manifest),
    )


def _stateful_set(manifest: Manifest) -> tuple[Action, ...]:
    return (Action("restart", "Restart", "fa fa-fw fa-redo"), _scale(manifest))


def _daemon_set(_manifest: Manifest) -> tuple[Action, ...]:
    return (Action("restart", "Restart", "fa fa-fw fa-redo"),)


def _cron_job(manifest: Manifest) -> tuple[Action, ...]:
    is_suspended = manifest.at("spec", "suspend") is True
    return (
        Action("create-job", "Create Job", "fa fa-fw fa-play"),
        Action("suspend", "Suspend", "fa fa-fw fa-pause-circle", is_suspended),
        Action("resume", "Resume", "fa fa-fw fa-play-circle", not is_suspended),
    )


def _job(manifest: Manifest) -> tuple[Action, ...]:
    is_suspended = manifest.at("spec", "suspend") is True
    is_over = any(
        item.get("type") in ("Complete", "Failed") and item.get("status") == "True"
        for item in manifest.at("status", "conditions") or ()
    )
    return (
        Action("suspend", "Suspend", "fa fa-fw fa-pause-circle", is_suspended or is_over),
        Action("resume", "Resume", "fa fa-fw fa-play-circle", not is_suspended or is_over),
        Action("terminate", "Terminate", "fa fa-fw fa-stop", is_over),
    )


def _application(_manifest: Manifest) -> tuple[Action, ...]:
    return (Action("toggle-auto-sync", "Toggle Auto-Sync", "fa fa-fw fa-sync-alt"),)


_ACTIONS: dict[GroupKind, _Find] = {
    GroupKind("apps", "Deployment"): _deployment,
    GroupKind("apps", "StatefulSet"): _stateful_set,
    GroupKind("apps", "DaemonSet"): _daemon_set,
    GroupKind("batch", "CronJob"): _cron_job,
    GroupKind("batch", "Job"): _job,
    GroupKind("argoproj.io", "Application"): _application,
}


def _scale(manifest: Manifest) -> Action:
    current = manifest.at("spec", "replicas")
    default = str(current) if isinstance(current, int) else "1"
    icon = "fa fa-fw fa-arrows-alt-v"
    return Action("scale", "Scale", icon, parameters=(("replicas", default),))


def _replicas(manifest: Manifest, parameters: dict[str, str]) -> int:
    text = parameters.get("replicas", "").strip()
    if text.isascii() and text.isdigit() and int(text[:9]) <= _MOST_REPLICAS and len(text) <= 9:
        return int(text)
    raise ConfigurationError(
        "HF3009",
        f"scale needs the parameter replicas, a number from 0 to {_MOST_REPLICAS}",
        about=manifest.key,
    )


def _job_of(cron_job: Manifest) -> Manifest:
    template = cron_job.at("spec", "jobTemplate")
    template = template if isinstance(template, dict) else {}
    metadata = template.get("metadata") or {}
    owner: Tree = {
        "apiVersion": cron_job.api_version,
        "kind": cron_job.kind,
        "name": cron_job.name,
        "uid": cron_job.uid,
        "controller": True,
    }
    return Manifest(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "generateName": f"{cron_job.name[:_LONGEST_PREFIX]}-",
                "namespace": cron_job.namespace,
                "labels": metadata.get("labels") or {},
                "annotations": {**(metadata.get("annotations") or {}), _INSTANTIATE: "manual"},
                "ownerReferences": [owner],
            },
            "spec": template.get("spec") or {},
        }
    )


def _toggled(app: Manifest) -> Change:
    automated = app.at("spec", "syncPolicy", "automated")
    if not isinstance(automated, dict):
        return _patch("spec", "syncPolicy", "automated", "enabled", to=True)
    is_on = automated.get("enabled") is not False
    return _patch("spec", "syncPolicy", "automated", "enabled", to=not is_on)


def _patch(*path: str, to: JSON) -> Change:
    tree: JSON = to
    for name in reversed(path):
        tree = {name: tree}
    return Change(patch=tree)

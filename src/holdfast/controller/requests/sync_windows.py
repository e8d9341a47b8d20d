"""Which sync windows are about an Application, and whether it may be synced by hand now.

First matching rule wins (docs/internals/argocd/controller.md §12.4, for a sync by hand):
  1. no window is about the Application               -> yes
  2. a deny window is active                          -> if all active ones let syncs by hand pass
  3. an allow window is active                        -> yes
  4. there are allow windows, none active             -> if all of them let syncs by hand pass
  5. otherwise                                        -> yes
"""

from datetime import datetime

from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.manifest import Tree
from holdfast.domain.project import Project
from holdfast.healing.windows import HealWindow, is_active, parse_window

_SHOWN = ("kind", "schedule", "duration", "manualSync", "timeZone", "description")


def sync_windows(project: Project, app: Application, now: datetime) -> Tree:
    """Return `{assignedWindows, activeWindows, canSync}`.

    Raises:
        ConfigurationError: HF3006, a window of the project cannot be read.
    """
    items = (project.manifest.tree.get("spec") or {}).get("syncWindows") or []
    assigned = [(item, window) for item in items if (window := _parse(project, item)).matches(app)]
    active = [(item, window) for item, window in assigned if is_active(window, now)]
    return {
        "assignedWindows": [_shown(item) for item, _ in assigned],
        "activeWindows": [_shown(item) for item, _ in active],
        "canSync": _may_sync(assigned, active),
    }


def active_windows(project: Project, now: datetime) -> list[Tree]:
    """Return the windows of a project that are active, whatever they are about."""
    items = (project.manifest.tree.get("spec") or {}).get("syncWindows") or []
    return [item for item in items if is_active(_parse(project, item), now)]


def _may_sync(
    assigned: list[tuple[Tree, HealWindow]], active: list[tuple[Tree, HealWindow]]
) -> bool:
    denying = [item for item, window in active if not window.allows]
    if denying:
        return all(item.get("manualSync") is True for item in denying)
    if active:
        return True
    allowing = [item for item, window in assigned if window.allows]
    return all(item.get("manualSync") is True for item in allowing)


def _parse(project: Project, item: Tree) -> HealWindow:
    try:
        return parse_window(item)
    except ValueError as error:
        raise ConfigurationError(
            "HF3006", f"a sync window cannot be read: {error}", about=f"project {project.name}"
        ) from error


def _shown(item: Tree) -> Tree:
    return {name: item[name] for name in _SHOWN if name in item}

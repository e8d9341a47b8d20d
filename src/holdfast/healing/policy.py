"""What users say about healing in `holdfast.dev/…` annotations, beside Argo CD's switches.

| annotation | on | meaning |
|---|---|---|
| `holdfast.dev/self-heal: last-synced` | Application | heal to the last synced revision although automatic sync is off |
| `holdfast.dev/observe: "apps/Deployment:web, autoscaling/*"` | Application | report drift of these, heal them not |
| `holdfast.dev/observe: "true"` | object | the same for one object, where its project allows it |
| `holdfast.dev/allow-object-policy: "true"` | AppProject | honour what objects say about themselves |
| `holdfast.dev/heal-delay: 500ms` | Application, object | wait so long before a heal |
| `holdfast.dev/heal-windows` | Application, AppProject | see `healing.windows` |
"""  # noqa: E501 - a table

from dataclasses import dataclass
from datetime import datetime

from holdfast.domain.application import Application
from holdfast.domain.globs import matches_glob
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.operation import parse_duration_s
from holdfast.domain.project import Project
from holdfast.healing.windows import (
    OPEN,
    WINDOWS_ANNOTATION,
    WindowState,
    parse_windows,
    window_state,
)

OBSERVE_ANNOTATION = "holdfast.dev/observe"
OBJECT_POLICY_ANNOTATION = "holdfast.dev/allow-object-policy"
DELAY_ANNOTATION = "holdfast.dev/heal-delay"
_LONGEST_DELAY_S = 3600.0


@dataclass(frozen=True, slots=True)
class ObjectPolicy:
    """What holds for one object.

    Attributes:
        observed: Why its drift is reported only, or `""`.
        window: Whether the calendar allows a heal.
        delay_s: Seconds between the sight of a drift and its heal.
    """

    observed: str = ""
    window: WindowState = OPEN
    delay_s: float = 0.0


def object_policy(
    app: Application,
    project: Project | None,
    key: ResourceKey,
    manifest: Manifest | None,
    now: datetime,
) -> ObjectPolicy:
    """Return what holds for one object.

    Args:
        app: Its Application.
        project: The project, None when it is not known.
        key: The object.
        manifest: The live object, else the target: where its own annotations stand.
        now: For windows.

    An annotation that cannot be read holds nothing back but says so where it stands: a wrong
    window closes (nobody asked for healing at all times), a wrong delay is none.
    """
    speaks = project is not None and _is_true(project.manifest.annotation(OBJECT_POLICY_ANNOTATION))
    own = manifest if speaks else None
    return ObjectPolicy(
        observed=_observed(app, own, key),
        window=_window(app, project, now),
        delay_s=_delay_s(app, own),
    )


def has_annotations(app: Application, project: Project | None) -> bool:
    """Whether anything but the defaults can hold: the usual case asks no further."""
    names = (OBSERVE_ANNOTATION, DELAY_ANNOTATION, WINDOWS_ANNOTATION)
    if any(name in app.manifest.annotations for name in names):
        return True
    if project is None:
        return False
    asked = project.manifest.annotations
    return WINDOWS_ANNOTATION in asked or OBJECT_POLICY_ANNOTATION in asked


def _observed(app: Application, own: Manifest | None, key: ResourceKey) -> str:
    if own is not None and _is_true(own.annotation(OBSERVE_ANNOTATION)):
        return f"the object says {OBSERVE_ANNOTATION}"
    for entry in (app.manifest.annotation(OBSERVE_ANNOTATION) or "").split(","):
        kind, _, name = entry.strip().partition(":")
        group, slash, kind_name = kind.rpartition("/")
        if not kind or not matches_glob(kind_name, key.kind):
            continue
        if matches_glob(group if slash else "", key.group) and matches_glob(name or "*", key.name):
            return f"the Application says {OBSERVE_ANNOTATION}: {entry.strip()}"
    return ""


def _window(app: Application, project: Project | None, now: datetime) -> WindowState:
    texts = [app.manifest.annotation(WINDOWS_ANNOTATION)]
    if project is not None:
        texts.append(project.manifest.annotation(WINDOWS_ANNOTATION))
    try:
        windows = tuple(window for text in texts for window in parse_windows(text))
    except ValueError as error:
        return WindowState(False, str(error))
    return window_state(windows, app, now)


def _delay_s(app: Application, own: Manifest | None) -> float:
    for manifest in (own, app.manifest):
        text = manifest.annotation(DELAY_ANNOTATION) if manifest is not None else None
        if text is None:
            continue
        try:
            return max(0.0, min(parse_duration_s(text), _LONGEST_DELAY_S))
        except ValueError:
            continue
    return 0.0


def _is_true(value: str | None) -> bool:
    return value is not None and value.strip().lower() == "true"

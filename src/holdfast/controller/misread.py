"""Annotations of ours that cannot be understood. A person is told: they would be silent otherwise.

What an unreadable one means is decided where it counts (`healing.policy`, `diffing.strictness`);
here it is said.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from holdfast.diffing.strictness import STRICTNESS_ANNOTATION, Strictness
from holdfast.domain.application import SELF_HEAL_ANNOTATION, Application
from holdfast.domain.condition import Condition, ConditionType
from holdfast.domain.divergence import DIFFERS_ANNOTATION
from holdfast.domain.operation import parse_duration_s
from holdfast.domain.project import Project
from holdfast.healing.policy import (
    DELAY_ANNOTATION,
    OBJECT_POLICY_ANNOTATION,
    OBSERVE_ANNOTATION,
)
from holdfast.healing.windows import WINDOWS_ANNOTATION, parse_windows

_PREFIX = "holdfast.dev/"
_LAST_SYNCED = "last-synced"
_ON_APPLICATION = (
    DELAY_ANNOTATION,
    DIFFERS_ANNOTATION,
    OBSERVE_ANNOTATION,
    SELF_HEAL_ANNOTATION,
    STRICTNESS_ANNOTATION,
    WINDOWS_ANNOTATION,
)


def misread_annotations(app: Application, project: Project | None) -> list[Condition]:
    """Return a warning for each annotation of an Application or its project that is not understood.

    Args:
        app: The Application.
        project: Its project, None when it is not known.
    """
    texts = [text for key in sorted(_ours(app)) for text in _of_application(app, key)]
    windows = project.manifest.annotation(WINDOWS_ANNOTATION) if project is not None else None
    if project is not None and windows:
        texts += [f"AppProject {project.name}: {text}" for text in _windows(windows)]
    return [Condition(ConditionType.MISREAD_ANNOTATION, text) for text in texts]


def _ours(app: Application) -> list[str]:
    return [key for key in app.manifest.annotations if key.startswith(_PREFIX)]


def _of_application(app: Application, key: str) -> Iterator[str]:
    text = app.manifest.annotation(key) or ""
    if key == OBJECT_POLICY_ANNOTATION:
        yield f"{key} counts on an AppProject alone"
    elif key not in _ON_APPLICATION:
        near = get_close_matches(key, _ON_APPLICATION, 1)
        hint = f"; do you mean {near[0]}?" if near else ""
        yield f"{key} is no annotation that Holdfast knows{hint}"
    elif key == SELF_HEAL_ANNOTATION and text != _LAST_SYNCED:
        yield f"{key}: {text!r} is not understood, the only value is {_LAST_SYNCED}"
    elif key == STRICTNESS_ANNOTATION and text not in set(Strictness):
        yield f"{key}: {text!r} is not understood; it is {', '.join(Strictness)}: declared holds"
    elif key == DELAY_ANNOTATION:
        yield from _delay(text)
    elif key == WINDOWS_ANNOTATION:
        yield from _windows(text)
    elif key == OBSERVE_ANNOTATION and text.strip().lower() in ("true", "false"):
        yield (
            f"{key}: {text!r} names no object of the Application; it lists GROUP/KIND[:NAME], such "
            "as apps/Deployment:web"
        )


def _delay(text: str) -> Iterator[str]:
    try:
        parse_duration_s(text)
    except ValueError as error:
        yield f"{DELAY_ANNOTATION}: {error}; heals do not wait"


def _windows(text: str) -> Iterator[str]:
    try:
        parse_windows(text)
    except ValueError as error:
        yield f"{error}; nothing is healed until it can be read"

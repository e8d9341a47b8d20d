"""What the summary of an Application needs to know beside the Application itself."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from holdfast.cli.layouts import Frame, text
from holdfast.cli.moments import span
from holdfast.cli.pauses.words import drifted, listed, self_heals, target_words
from holdfast.cli.session import Link
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import AppKey
from holdfast.domain.pause import Pause, PauseScope
from holdfast.domain.queries import GetProject, ListPauses


async def frame_for(link: Link, app: dict[str, Any]) -> Frame:
    """Return the frame; what cannot be read is said to be unknown."""
    frame = await _windows(link, app)
    return replace(frame, paused=await _paused(link, app))


async def _paused(link: Link, app: dict[str, Any]) -> tuple[str, ...]:
    key = AppKey(text(app, "metadata", "namespace"), text(app, "metadata", "name"))
    try:
        pauses = await listed(link, ListPauses(key))
    except HoldfastError as error:
        return (f"Unknown ({error.message})",)
    if not pauses:
        return ()
    lines = [_pause_line(pause, link.clock.now()) for pause in pauses]
    differing = drifted(app)
    if differing and self_heals(app):
        lines.append(f"resume puts back: {', '.join(differing)}")
    return tuple(lines)


def _pause_line(pause: Pause, now: datetime) -> str:
    left = f", {span((pause.until - now).total_seconds())} left" if pause.until else ""
    about = {
        PauseScope.APPLICATION: "",
        PauseScope.OBJECT: f"{pause.resource}: ",
    }.get(pause.scope, f"{target_words(pause)}: ")
    return f"{about}{pause.describe().removeprefix('paused ')}{left}"


async def _windows(link: Link, app: dict[str, Any]) -> Frame:
    name = text(app, "spec", "project") or "default"
    try:
        project = await link.queries.answer(GetProject(name), "")
    except HoldfastError:
        return Frame()
    windows = (project.get("spec") or {}).get("syncWindows")
    if not windows:
        return Frame()
    return Frame(windows=f"Unknown (project {name} has sync windows; they are not evaluated yet)")

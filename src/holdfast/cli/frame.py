"""What the summary of an Application needs to know beside the Application itself."""

from typing import Any

from holdfast.cli.layouts import Frame, text
from holdfast.cli.session import Link
from holdfast.domain.errors import HoldfastError
from holdfast.domain.queries import GetProject


async def frame_for(link: Link, app: dict[str, Any]) -> Frame:
    """Return the frame; a project that cannot be read leaves the windows unknown."""
    name = text(app, "spec", "project") or "default"
    try:
        project = await link.queries.answer(GetProject(name), "")
    except HoldfastError:
        return Frame()
    windows = (project.get("spec") or {}).get("syncWindows")
    if not windows:
        return Frame()
    return Frame(windows=f"Unknown (project {name} has sync windows; they are not evaluated yet)")

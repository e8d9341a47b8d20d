"""What a change of a project may not do (api.md §1.7).

It may not leave Applications behind that the project permitted, nor write sync windows that nobody
can read: from the next comparison on, nothing of the project would be synced by itself.
"""

from collections.abc import Iterable

from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import Tree
from holdfast.domain.project import Project
from holdfast.healing.windows import parse_window
from holdfast.planning.permits import is_destination_permitted, is_source_permitted

_NAMED = 10


def refuse_orphans(before: Project, after: Project, apps: Iterable[Application]) -> None:
    """Refuse a change after which Applications are no longer permitted that were so before.

    Raises:
        ConfigurationError: HF3006, names them.
    """
    mine = [app for app in apps if app.project == before.name]
    for what, permits in (("source", _permits_sources), ("destination", _permits_destination)):
        lost = sorted(
            app.key.name for app in mine if permits(before, app) and not permits(after, app)
        )
        if lost:
            raise ConfigurationError(
                "HF3006",
                f"as a result of project update {len(lost)} applications {what} became invalid",
                about=f"project {before.name}",
                hint=f"they are {', '.join(lost[:_NAMED])}",
                retry=Retry.NEVER,
            )


def _permits_sources(project: Project, app: Application) -> bool:
    return all(is_source_permitted(project, source.repo_url) for source in app.sources)


def _permits_destination(project: Project, app: Application) -> bool:
    there = app.destination
    return is_destination_permitted(project, there.server, there.name, there.namespace)


def refuse_unreadable_windows(name: str, before: Tree, after: Tree) -> None:
    """Refuse sync windows that are new or changed, and cannot be read; old ones stay as they are.

    Args:
        name: Of the project.
        before: Its spec, `{}` for a new one.
        after: What it is to be.

    Raises:
        ConfigurationError: HF3006, says which and why.
    """
    known = before.get("syncWindows") or []
    for number, item in enumerate(after.get("syncWindows") or [], start=1):
        if item in known:
            continue
        try:
            parse_window(item)
        except ValueError as error:
            raise ConfigurationError(
                "HF3006",
                f"sync window {number} cannot be read: {error}",
                about=f"project {name}",
                hint="it needs kind allow or deny, a schedule such as '0 9 * * 1-5' and a duration "
                "such as 8h",
                retry=Retry.NEVER,
            ) from error

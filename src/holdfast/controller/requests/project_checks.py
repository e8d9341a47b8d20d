"""A change of a project may not leave Applications behind that it permitted (api.md §1.7)."""

from collections.abc import Iterable

from holdfast.domain.application import Application
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.project import Project
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

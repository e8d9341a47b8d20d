"""Names of Applications for the shell, asked from the cluster; silence when it does not answer."""

import asyncio

from click.shell_completion import CompletionItem

from holdfast.cli.layouts import text
from holdfast.cli.session import Session, Target
from holdfast.domain.errors import HoldfastError
from holdfast.domain.queries import ListApplications

_PATIENCE_S = 1.5


def application_names(session: Session, target: Target, incomplete: str) -> list[CompletionItem]:
    """Return the Applications whose names begin with what was typed."""

    async def ask() -> list[str]:
        async with asyncio.timeout(_PATIENCE_S), session.connect(target) as link:
            apps = await link.queries.answer(ListApplications(target.namespace), "")
        return [text(app, "metadata", "name") for app in apps]

    try:
        names = asyncio.run(ask())
    except (HoldfastError, TimeoutError, ExceptionGroup):
        return []  # a completion that fails must not print into the line that is being typed
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]

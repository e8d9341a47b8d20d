"""Names of Applications for the shell, asked from the cluster; silence when it does not answer."""

import asyncio
import difflib

from click.shell_completion import CompletionItem

from holdfast.cli.layouts import text
from holdfast.cli.session import Session, Target
from holdfast.domain.errors import HoldfastError
from holdfast.domain.queries import ListApplications

_PATIENCE_S = 2.5
_NO_SUCH_APPLICATION = "HF3003"


def application_names(session: Session, target: Target, incomplete: str) -> list[CompletionItem]:
    """Return the Applications whose names begin with what was typed."""
    names = _names(session, target, target.namespace)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def suggest_name(error: Exception, session: Session, target: Target) -> None:
    """Let the error for an Application that is not there name one that sounds like it."""
    if not isinstance(error, HoldfastError) or error.code != _NO_SUCH_APPLICATION:
        return
    namespace, _, name = error.about.rpartition("/")
    near = difflib.get_close_matches(name, _names(session, target, namespace), n=1)
    if near:
        error.hint = f'did you mean "{near[0]}"? {error.hint}'


def _names(session: Session, target: Target, namespace: str) -> list[str]:
    async def ask() -> list[str]:
        async with asyncio.timeout(_PATIENCE_S), session.connect(target) as link:
            apps = await link.queries.answer(ListApplications(namespace), "")
        return [text(app, "metadata", "name") for app in apps]

    try:
        return asyncio.run(ask())
    except (HoldfastError, TimeoutError, ExceptionGroup):
        return []  # a completion that fails must not print into the line that is being typed

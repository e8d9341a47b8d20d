"""What the command line is told beyond Argo CD's shapes: it says who it is in a header.

Errors come to it in our shape, with code and hint, and `Holdfast-Done` says what a command did and
what a person should know: so it prints the same through a server as straight from the cluster.
The bodies of answers are the same for every client.
"""

import json
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from holdfast.api.ports import Services
from holdfast.domain.commands import Command, Commands, Done

CLIENT = "holdfast-client"
DONE = "Holdfast-Done"
_MOST_BYTES = 16 * 1024


def speaks_ours(request: Request) -> bool:
    """Whether a request comes from our command line."""
    return CLIENT in request.headers


class _Heard:
    """The port `Commands` that remembers what the last command came to."""

    def __init__(self, commands: Commands, request: Request) -> None:
        self._commands = commands
        self._request = request

    async def carry_out(self, command: Command, who: str) -> Done:
        done = await self._commands.carry_out(command, who)
        self._request.state.done = done
        return done


def listen(services: Services, request: Request) -> Services:
    """Return services whose commands are heard of, when our command line asks."""
    if not speaks_ours(request):
        return services
    return replace(services, commands=_Heard(services.commands, request))


def tell_done(request: Request, response: Response) -> None:
    """Add what the last command of a request came to."""
    done: Done | None = getattr(request.state, "done", None)
    if done is None:
        return
    told = {"outcome": done.outcome, "isThere": done.tree is not None, "notes": done.notes}
    text = json.dumps(told)  # ASCII, as headers must be
    if len(text) > _MOST_BYTES:
        text = json.dumps({**told, "notes": ("there are more notes than fit here",)})
    response.headers[DONE] = text

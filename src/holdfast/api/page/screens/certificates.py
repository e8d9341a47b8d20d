"""`/settings/certificates`: whom git trusts. Host keys for ssh, certificates for https."""

from dataclasses import replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.create_form import Draft, Told, read_pairs
from holdfast.api.page.create_trial import told_of
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.settings import settings_screen
from holdfast.api.routes.certificates import CERTIFICATES
from holdfast.domain.errors import HoldfastError
from holdfast.domain.stored_settings import ListTrustedKeys, PutTrustedKeys, TrustedKey

_KINDS = ("ssh", "https")
_OTHER_KEY = "HF3006"
_LEAST_WORDS = 3


class _UnreadableError(ValueError):
    """What was typed is no key; the text says what to do."""


async def show(board: Board, visit: Visit) -> Screen:
    """Show them; `add` is `ssh` or `https`."""
    adds = visit.request.query_params.get("add", "")
    return await _screen(board, visit, adds, Draft("", {}))


async def submit(board: Board, visit: Visit) -> Screen | Response:
    """Trust one more, or with `act=replace` another one in its place."""
    typed = await read_pairs(visit.request)
    adds, upsert = typed.get("kind", ""), typed.get("act") == "replace"
    visit.demand(CERTIFICATES, "create", "")
    if upsert:
        visit.demand(CERTIFICATES, "update", "")
    draft = Draft("", {}, typed)
    try:
        keys = _certificate(typed) if adds == "https" else _host_keys(typed.get("lines", ""))
        command = PutTrustedKeys(keys, upsert=upsert)
        await board.services.commands.carry_out(command, visit.caller.username)
    except _UnreadableError as error:
        told = Told(str(error))
    except HoldfastError as error:
        told = told_of(error.message, "" if error.code == _OTHER_KEY else error.hint)
        draft = replace(draft, tree={"replaces": error.code == _OTHER_KEY})
    else:
        return RedirectResponse("/settings/certificates", 303)
    draft = replace(draft, told={"": (told,)})
    return replace(await _screen(board, visit, adds, draft), status=422)


async def _screen(board: Board, visit: Visit, adds: str, draft: Draft) -> Screen:
    trusted: list[Any] = []
    trouble = ""
    if may_see := visit.may(CERTIFICATES, "get", ""):
        try:
            trusted = await board.services.queries.answer(ListTrustedKeys(), visit.caller.username)
        except HoldfastError as error:
            trouble = error.message
    may_add = visit.may(CERTIFICATES, "create", "")
    values = {
        "trusted": trusted,
        "trouble": trouble,
        "draft": draft,
        "adds": adds if adds in _KINDS and may_add else "",
        "may_see": may_see,
        "may_add": may_add,
        "may_replace": visit.may(CERTIFICATES, "update", ""),
        "may_remove": visit.may(CERTIFICATES, "delete", ""),
    }
    return settings_screen("settings_certificates.html", "certificates", values)


def _certificate(typed: dict[str, str]) -> tuple[TrustedKey, ...]:
    return (TrustedKey(typed.get("server", "").strip(), "https", "", typed.get("pem", "").strip()),)


def _host_keys(text: str) -> tuple[TrustedKey, ...]:
    """Return the keys of lines as `ssh-keyscan` prints them."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(("|", "@")):
            raise _UnreadableError(
                f"Line {number}: hashed hosts and markers cannot be kept here: begin it with "
                "the name of the host."
            )
        if len(words) < _LEAST_WORDS:
            raise _UnreadableError(f"Line {number}: write HOST TYPE KEY, as ssh-keyscan prints it.")
        found.append(TrustedKey(words[0], "ssh", words[1], words[2]))
    if not found:
        raise _UnreadableError("Paste at least one line of ssh-keyscan.")
    return tuple(found)

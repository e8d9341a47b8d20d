"""`/login`: name and password, or the provider's button."""

from starlette.responses import RedirectResponse, Response

from holdfast.api.page.board import Board, Visit
from holdfast.api.page.screen import Screen


async def show(board: Board, visit: Visit) -> Screen | Response:
    """Show the form; who is signed in goes on."""
    wanted = local_path(visit.request.query_params.get("return_url", ""))
    if visit.caller.is_signed_in:
        return RedirectResponse(wanted, 303)
    settings = board.services.settings
    has_provider = bool(settings.text("oidc.config") or settings.text("dex.config"))
    values = {
        "return_url": wanted,
        "has_provider": has_provider,
        "accepts_passwords": settings.switch("admin.enabled", default=True),
        "link_is_over": visit.request.query_params.get("problem") == "link",
        "provider_label": settings.text("ui.loginButtonText") or "Sign in with single sign-on",
    }
    return Screen("sign_in.html", values, "Sign in")


def local_path(wanted: str) -> str:
    """Return a path of this page; anything that leads elsewhere becomes the list."""
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    if not is_path or "\\" in wanted or any(ord(c) < 32 for c in wanted):
        return "/applications"
    return wanted

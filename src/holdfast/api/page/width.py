"""How wide the window is that a screen is laid out for.

What CSS cannot turn (the tree is drawn by the server, a diff has two columns or one) is laid out
for the width that the script names with each of its requests, and in a cookie for the documents
that the browser asks for itself. The script asks again where the two disagree.
"""

from starlette.requests import Request

HEADER = "x-holdfast-width"
COOKIE = "holdfast.width"
_MOBILE = "sec-ch-ua-mobile"
_NARROW = "narrow"  # at most 48rem, as in the style sheet


def is_narrow(request: Request) -> bool:
    """Whether it is a telephone's; a window of which nothing is known is wide."""
    said = request.headers.get(HEADER) or request.cookies.get(COOKIE)
    if said is None:  # the first visit: some browsers say it themselves
        return request.headers.get(_MOBILE) == "?1"
    return said == _NARROW


def diff_style(request: Request) -> str:
    """Return `split` or `unified`: what the URL says, else what the width has room for."""
    asked = request.query_params.get("style", "")
    if asked in ("split", "unified"):
        return asked
    return "unified" if is_narrow(request) else "split"

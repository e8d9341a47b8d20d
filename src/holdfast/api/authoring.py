"""Who a commit is by when somebody asks for it through the server (DESIGN §4.6)."""

from dataclasses import dataclass

from holdfast.api.caller import Caller

_BUILT_IN = "admin"
_NO_ADDRESS = "holdfast.invalid"
_FORBIDDEN = str.maketrans("", "", "<>\r\n\t\0")


@dataclass(frozen=True, slots=True)
class Authorship:
    """What a commit says of its author.

    Attributes:
        author: `Name <mail>`, or `""`: who git's configuration says.
        otherwise: Who it is when git's configuration says nobody.
    """

    author: str
    otherwise: str = ""


def authorship(caller: Caller, given: str = "") -> Authorship:
    """Return the author of a commit that somebody asked for.

    The built-in `admin` is a role, not a person, and with `--disable-auth` nobody is known: then
    git's configuration tells better who sits there, as on the command line. An account without an
    address gets one that cannot exist (RFC 2606).
    """
    if given or (caller.is_trusted and not caller.username):
        return Authorship(given)
    name = (caller.username or caller.subject).translate(_FORBIDDEN).strip()
    if not name:
        return Authorship("")
    local, at, _ = name.partition("@")
    author = f"{local or name} <{name}>" if at else f"{name} <{_address(name)}@{_NO_ADDRESS}>"
    is_person = not caller.is_trusted and caller.subject != _BUILT_IN
    return Authorship(author) if is_person else Authorship("", otherwise=author)


def _address(name: str) -> str:
    return "-".join(name.split())

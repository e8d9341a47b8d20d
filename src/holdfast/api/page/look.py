"""How screens look: templates, compiled once, and the words for times, numbers and links.

Everything that comes from a cluster or from git is escaped by Jinja2; the only markup that is not
is in the templates themselves.
"""

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import quote, urlsplit

import jinja2
from markupsafe import Markup, escape

_SCHEMES = frozenset({"http", "https", "mailto"})
_SHA = 40
_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
_ROUND = 60  # from so many of a unit on, the next one says nothing


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the package, in memory."""

    content: bytes
    media_type: str
    digest: str


class Look:
    """Templates and files, loaded once."""

    def __init__(self) -> None:
        """Compile every template and read every file: about 0.2 s, once, in the page's process."""
        self.files = _read_files()
        self._env = jinja2.Environment(
            loader=jinja2.PackageLoader("holdfast.api.page"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self._env.globals["static"] = self.link
        self._env.filters.update(
            absolute=absolute,
            duration=duration,
            literal_glob=literal_glob,
            ms=milliseconds,
            number=number,
            safe_url=safe_url,
            commit_url=commit_url,
            segment=segment,
            short=short_revision,
            slug=slug,
            time=time_markup,
        )
        for name in self._env.list_templates():
            self._env.get_template(name)

    def link(self, name: str) -> str:
        """Return the address of a file; it changes when the file does."""
        return f"/static/{name}?v={self.files[name].digest}"

    def render(self, template: str, values: dict[str, Any]) -> str:
        """Return HTML."""
        return self._env.get_template(template).render(values)


def _read_files() -> dict[str, StaticFile]:
    found = {}
    for entry in resources.files("holdfast.api.page").joinpath("static").iterdir():
        content = entry.read_bytes()
        media_type = mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
        digest = hashlib.sha256(content).hexdigest()[:12]
        found[entry.name] = StaticFile(content, media_type, digest)
    return found


def time_markup(moment: datetime | None, now: datetime, missing: str = "never") -> Markup:
    """Return a time: relative, with the absolute on hover; the script keeps it true."""
    if moment is None:
        return Markup('<span class="quiet">{}</span>').format(missing)
    stamp = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        stamp, absolute(moment), relative(moment, now)
    )


def absolute(moment: datetime) -> str:
    """Return a time in UTC, for people."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def relative(moment: datetime, now: datetime) -> str:
    """Return how long ago, or in how long; the script says it in the same words."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "just now" if seconds >= 0 else "in a moment"
    words = duration(abs(seconds), whole=True)
    return f"{words} ago" if seconds > 0 else f"in {words}"


def duration(seconds: float | None, *, whole: bool = False) -> str:
    """Return a duration in its one or two largest units."""
    if seconds is None:
        return ""
    if seconds < 1 and not whole:
        return f"{seconds * 1000:.0f} ms"
    total = int(seconds)
    for unit, name, below, next_name in _UNITS:
        if total >= unit:
            count, rest = divmod(total, unit)
            shows_rest = rest // below and count < _ROUND and not (whole and name == "min")
            return f"{count} {name}" + (f" {rest // below} {next_name}" if shows_rest else "")
    return f"{total} s" if total else "under 1 s"


def literal_glob(text: str) -> str:
    """Return a glob that fits this text alone: `[host]:2222` is a name in known_hosts."""
    return re.sub(r"([\\*?\[\]{},!])", r"\\\1", text)


def milliseconds(seconds: float | None) -> str:
    """Return a short duration: `7.4 ms`, `312 ms`, `2.1 s`."""
    if seconds is None:
        return ""
    value = seconds * 1000
    if value < 10:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 1000 else f"{seconds:.1f} s"


def number(value: float) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")


def safe_url(url: str) -> str:
    """Return an address that may be a link, `""` for any other.

    Annotations and repositories say what they like; `javascript:` and its kin are no links.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme.lower() not in _SCHEMES or not (parts.netloc or parts.scheme == "mailto"):
        return ""
    if parts.username or parts.password:
        return ""  # a password in an address is not shown, nor sent on
    return url.strip()


def commit_url(repo: str, revision: str) -> str:
    """Return where a commit can be looked at, `""` when that is not known."""
    base = repo.removesuffix(".git")
    if base.startswith("git@") and ":" in base:
        host, _, path = base.removeprefix("git@").partition(":")
        base = f"https://{host}/{path}"
    url = safe_url(base)
    if not url or len(revision) != _SHA:
        return ""
    host = urlsplit(url).hostname or ""
    if "gitlab" in host:
        return f"{url}/-/commit/{quote(revision)}"
    if "bitbucket" in host:
        return f"{url}/commits/{quote(revision)}"
    if "github" in host or "gitea" in host or "codeberg" in host:
        return f"{url}/commit/{quote(revision)}"
    return ""


def short_revision(revision: str) -> str:
    """Return the first seven digits of a commit; anything else as it is."""
    is_commit = len(revision) == _SHA and all(c in "0123456789abcdef" for c in revision)
    return revision[:7] if is_commit else revision


def segment(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, "")


def slug(text: str) -> str:
    """Return a text as part of an `id`: stable, and the same for the same text."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in text)
    return safe if safe == text else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def escaped(text: str) -> str:
    """Return a text as HTML."""
    return str(escape(text))

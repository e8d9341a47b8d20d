"""A form and a YAML text that are the same Application, and how one becomes the other.

The YAML is what counts: a form carries the text that it was filled from, hidden, and what was typed
is laid over it. So nothing is lost on the way between the two, comments included as long as the
form changes nothing. Parsing costs milliseconds for each 10 KB: call it in a thread.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from holdfast.api.failures import denied, invalid
from holdfast.api.page.create_fields import REST, SOURCE, FormField, field_at, overlay, read_all
from holdfast.api.reading import TooLargeError, read_body
from holdfast.domain.application import APPLICATION
from holdfast.domain.manifest import JSON, Tree
from holdfast.kit import yamlio

_MOST_BYTES = 512 * 1024
_MOST_FIELDS = 200
_LIMITS = yamlio.YamlLimits(size_bytes=256 * 1024, depth=60, nodes=20_000)
_API_VERSION = f"{APPLICATION.group}/{APPLICATION.version}"
_FORM_TYPE = "application/x-www-form-urlencoded"


class Act(StrEnum):
    """What a person wants done with what they typed."""

    FORM = "form"
    YAML = "yaml"
    CHECK = "check"
    SAVE = "save"
    ANYWAY = "anyway"


@dataclass(frozen=True, slots=True)
class Posted:
    """What a form sent.

    Attributes:
        was: Whether the form or the YAML was shown.
        text: The YAML as typed, or as the form was filled from.
        seen: What the object was when the person began (`digest`), `""` for a new one.
        known: The warnings that were shown (`Draft.warnings`).
    """

    act: Act
    was: Act
    text: str
    seen: str
    known: str
    typed: dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to say about a field, or about all of it."""

    words: str
    hint: str = ""
    is_warning: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An Application that somebody is writing.

    Attributes:
        text: As YAML.
        tree: As it is; `{}` when the text does not parse.
        values: What the fields of the form show.
        locked: Fields that only YAML can change.
        told: What is wrong, by field; `""` for what belongs to none.
        has_form: Whether a form can show it at all.
        has_source: Whether it has the one source that the form shows.
    """

    text: str
    tree: Tree
    values: dict[str, str] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    told: Mapping[str, tuple[Told, ...]] = field(default_factory=dict)
    has_form: bool = True
    has_source: bool = True

    @property
    def blocks(self) -> bool:
        """Whether it cannot be saved as it is."""
        return any(not one.is_warning for found in self.told.values() for one in found)

    @property
    def all_told(self) -> tuple[Told, ...]:
        """Everything that is wrong, what blocks first."""
        found = [one for group in self.told.values() for one in group]
        return tuple(sorted(found, key=lambda one: one.is_warning))

    @property
    def warnings(self) -> str:
        """A fingerprint of all warnings: only those that were shown can be overruled."""
        words = sorted(one.words for one in self.all_told if one.is_warning)
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16] if words else ""

    def telling(self, found: Sequence[Told]) -> "Draft":
        """Return it with more to say; each at the field that its place belongs to."""
        told = {name: list(group) for name, group in self.told.items()}
        fields = fields_of(self.tree)
        for one in found:
            told.setdefault(field_at(fields, one.place), []).append(one)
        return replace(self, told={name: tuple(group) for name, group in told.items()})


async def read_posted(request: Request, fields: Sequence[FormField]) -> Posted:
    """Read what a form of this page sent; switches that are off are not in it.

    Raises:
        ApiError: 403, it comes from elsewhere; 400, it is no form or too large.
    """
    pairs = await read_pairs(request)
    act, was = pairs.get("act", ""), pairs.get("was", "")
    shown = set(pairs.get("shown", "").split())
    typed = {one.name: pairs.get(one.name, "") for one in fields if one.name in shown}
    return Posted(
        act=Act(act) if act in tuple(Act) else Act.CHECK,
        was=Act.YAML if was == Act.YAML else Act.FORM,
        text=pairs.get("text", ""),
        seen=pairs.get("seen", ""),
        known=pairs.get("known", ""),
        typed=typed,
    )


async def read_pairs(request: Request) -> dict[str, str]:
    """Return the fields of a form of this page.

    Raises:
        ApiError: 403, it comes from elsewhere; 400, it is no form or too large.
    """
    demand_own_form(request)
    try:
        content = await read_body(request, _MOST_BYTES)
        pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except TooLargeError as error:
        raise invalid("That is too large: at most 256 KB can be sent.") from error
    except ValueError as error:
        raise invalid("That is no form of this page.") from error
    return {name: _unix(value) for name, value in pairs}


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def demand_own_form(request: Request) -> None:
    """Refuse what another site made a browser send: forms need no script to be sent.

    Raises:
        ApiError: 403.
    """
    headers = request.headers
    origin, site = headers.get("origin", ""), headers.get("sec-fetch-site", "")
    is_form = headers.get("content-type", "").partition(";")[0].strip() == _FORM_TYPE
    is_ours = bool(origin) and urlsplit(origin).netloc == headers.get("host", "")
    if not is_form or not is_ours or site not in ("", "same-origin"):
        raise denied("the request does not come from this page")


def draft_of(posted: Posted) -> Draft:
    """Return what was typed as an Application; CPU-bound."""
    draft = parse_draft(posted.text)
    if posted.was is Act.YAML or draft.blocks:
        return draft
    fields = fields_of(draft.tree)
    tree, wrong = overlay(fields, draft.tree, posted.typed)
    told = {name: (Told(words),) for name, words in wrong.items()}
    text = draft.text if tree == draft.tree else yamlio.dump(tree)
    values, locked = read_all(fields, tree)
    # What could not be read stays as it was typed, to be corrected.
    values |= {name: posted.typed[name] for name in wrong}
    return replace(draft, text=text, tree=tree, values=values, locked=locked, told=told)


def parse_draft(text: str) -> Draft:
    """Return a YAML text as an Application; CPU-bound."""
    try:
        tree = yamlio.load_one(text, _LIMITS)
    except yamlio.YamlError as error:
        words = f"Line {error.line}: {error.reason}."
        return _unreadable(text, Told(words, "Correct the YAML."))
    wrong = _wrong_shape(tree)
    if wrong is not None:
        return _unreadable(text, wrong)
    fields = fields_of(tree)
    values, locked = read_all(fields, tree)
    spec = tree.get("spec") or {}
    return Draft(text, tree, values, locked, has_source=_has_one_source(spec))


def draft_from(tree: Tree) -> Draft:
    """Return the draft of an Application; CPU-bound."""
    return parse_draft(yamlio.dump(tree))


def _unreadable(text: str, told: Told) -> Draft:
    return Draft(text, {}, told={"": (told,)}, has_form=False)


def _wrong_shape(tree: JSON) -> Told | None:
    if not isinstance(tree, dict):
        return Told("That is no Application.", "It begins with apiVersion, kind, metadata, spec.")
    kind, version = tree.get("kind"), tree.get("apiVersion")
    if (kind, version) != (APPLICATION.kind, _API_VERSION):
        words = f"That is {kind or 'an object without a kind'} of {version or 'no apiVersion'}."
        return Told(words, f"kind: {APPLICATION.kind}, apiVersion: {_API_VERSION}.")
    for name in ("metadata", "spec"):
        if not isinstance(tree.get(name, {}), dict):
            return Told(f"{name} is no mapping.", "Below it stand lines such as “name: value”.")
    for name in ("name", "namespace"):
        if not isinstance(tree.get("metadata", {}).get(name, ""), str):
            return Told(f"metadata.{name} is no text.", "Put it into quotes.")
    return None


def _has_one_source(spec: Tree) -> bool:
    source = {} if spec.get("source") is None else spec["source"]
    return isinstance(source, dict) and not spec.get("sources") and not spec.get("sourceHydrator")


def fields_of(tree: Tree) -> tuple[FormField, ...]:
    """Return the fields of the form of an Application."""
    has_one = _has_one_source(tree.get("spec") or {})
    return (*SOURCE, *REST) if has_one else REST

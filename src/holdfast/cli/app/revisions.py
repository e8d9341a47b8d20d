"""`--revisions` for Applications with several sources: which revision is for which source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdfast.cli import layouts
from holdfast.cli.command import Call
from holdfast.cli.pflag import Flag, FlagKind, UsageError, Values
from holdfast.cli.spec_edit import find_place
from holdfast.domain.queries import GetApplication

if TYPE_CHECKING:
    from holdfast.cli.session import Link

REVISION_FLAGS = (
    Flag("revision", "Branch, tag or commit instead of the target revision."),
    Flag("revisions", "The same for several sources.", FlagKind.STRINGS),
    Flag("source-positions", "Sources that --revisions is about, from 1.", FlagKind.STRINGS),
    Flag("source-names", "Sources that --revisions is about, by name.", FlagKind.STRINGS),
)


async def ask_revisions(call: Call, link: "Link") -> tuple[str, ...]:
    """Return what `choose_revisions` does, and read the Application only where it is needed."""
    if not call.values.any_given(("source-positions", "source-names")):
        return call.values.texts("revisions")
    tree = await link.queries.answer(GetApplication(call.app()), "")
    return choose_revisions(call.values, layouts.block(tree, "spec"))


def choose_revisions(values: Values, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a revision for each source, `""` for its own target revision.

    Raises:
        UsageError: the flags contradict each other, or point at a source that is not there.
    """
    revisions = values.texts("revisions")
    positions, names = values.texts("source-positions"), values.texts("source-names")
    if not positions and not names:
        return revisions
    if positions and names:
        raise UsageError("Only one of source-positions and source-names can be specified.")
    flag = "source-positions" if positions else "source-names"
    if len(revisions) != len(positions or names):
        raise UsageError(
            f"While using --revisions and --{flag}, length of values for both flags should be same."
        )
    wanted = [""] * len(layouts.sources_of(spec))
    for revision, place in zip(revisions, positions or names, strict=True):
        wanted[_find(spec, place, by_name=bool(names))] = revision
    return tuple(wanted)


def _find(spec: Mapping[str, Any], text: str, *, by_name: bool) -> int:
    if by_name:
        return find_place(spec, name=text)
    try:
        return find_place(spec, position=int(text))
    except ValueError:
        raise UsageError(f"--source-positions: {text} is no number") from None

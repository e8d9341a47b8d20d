"""Which objects of an Application a command is about: `--resource [!]GROUP:KIND:[NS/]NAME`.

Each part may be `*`. With `!` the object is left out; exclusions alone select everything else.
They are resolved here, since the object has no field for them (api.md §1.6.7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from holdfast.cli.layouts import ResourceState, items, resource_states, text
from holdfast.cli.pflag import RefusedError, UsageError
from holdfast.domain.operation import SelectedResource

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One `--resource`."""

    group: str
    kind: str
    namespace: str
    name: str
    excludes: bool = False

    def matches(self, group: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is meant."""
        return (
            fnmatchcase(group, self.group)
            and fnmatchcase(kind, self.kind)
            and (not self.namespace or fnmatchcase(namespace, self.namespace))
            and fnmatchcase(name, self.name)
        )


class Selection:
    """A set of patterns; without any it means the whole Application."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        """Keep the patterns."""
        self._patterns = tuple(patterns)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Selection":
        """Read the values of `--resource`.

        Raises:
            UsageError: one has another form.
        """
        return cls(_pattern(item) for item in texts)

    def plus(self, patterns: Iterable[Pattern]) -> "Selection":
        """Return the selection with more patterns."""
        return Selection((*self._patterns, *patterns))

    @property
    def is_everything(self) -> bool:
        """Whether nothing was selected in particular."""
        return not self._patterns

    def matches(self, group: str, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is selected."""
        key = (group, kind, namespace, name)
        if any(item.excludes and item.matches(*key) for item in self._patterns):
            return False
        wanted = [item for item in self._patterns if not item.excludes]
        return not wanted or any(item.matches(*key) for item in wanted)

    def states(self, app: Tree) -> list[ResourceState]:
        """Return the rows of the selected objects."""
        return [state for state in resource_states(app) if self.matches(*state.key)]

    def resources(self, app: Tree) -> tuple[SelectedResource, ...]:
        """Return the selected objects of an Application; empty for the whole of it.

        Raises:
            RefusedError: nothing matches.
        """
        if self.is_everything:
            return ()
        chosen = []
        for item in items(app, "status", "resources"):
            key = (text(item, "group"), text(item, "kind"), text(item, "namespace"),
                   text(item, "name"))  # fmt: skip
            if self.matches(*key):
                chosen.append(SelectedResource(*key))
        if not chosen:
            raise RefusedError("No matching resources found for the given --resource")
        return tuple(chosen)


EVERYTHING = Selection()
"""The whole Application."""


def _pattern(value: str) -> Pattern:
    excludes = value.startswith("!")
    parts = value.removeprefix("!").split(":", 2)  # the name of a role may hold colons
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise UsageError(
            f'--resource "{value}": give GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME; the core '
            "group is empty, as in :Service:web"
        )
    namespace, _, name = parts[2].rpartition("/")
    return Pattern(parts[0], parts[1], namespace, name, excludes)

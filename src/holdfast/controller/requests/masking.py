"""Secrets as people see them: `++++++++`, equal values alike, different values different.

Values arrive sealed (tokens); each distinct token of a key becomes a run of `+` that is four
longer than the one before (docs/internals/argocd/controller.md §4.6).
"""

from collections.abc import Sequence

from holdfast.domain.manifest import JSON, Manifest, Tree

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_FIRST = 8
_STEP = 4


def mask(*states: Manifest | None) -> list[Tree | None]:
    """Return the trees of states of one object with Secret values masked, consistently.

    Args:
        states: Target, live, predicted …: the first distinct value gets the shortest mask.
    """
    trees = [state.tree if state is not None else None for state in states]
    found = [state for state in states if state is not None]
    if not any(_is_secret(state) or state.annotation(LAST_APPLIED) for state in found):
        return trees
    masks = _Masks()
    return [masks.apply(state) if state is not None else None for state in states]


def mask_one(manifest: Manifest) -> Tree:
    """Return one object's tree, masked."""
    return mask(manifest)[0] or {}


class _Masks:
    """Masks given so far, for each place of the object."""

    def __init__(self) -> None:
        self._given: dict[str, list[JSON]] = {}

    def apply(self, manifest: Manifest) -> Tree:
        tree = manifest.tree
        if manifest.annotation(LAST_APPLIED) is not None:
            masked = self._mask("last-applied", manifest.annotation(LAST_APPLIED))
            tree = manifest.with_annotation(LAST_APPLIED, masked).tree
        if not _is_secret(manifest):
            return tree
        changes: Tree = {}
        for block in ("data", "stringData"):
            values = tree.get(block)
            if isinstance(values, dict):
                changes[block] = {name: self._mask(name, value) for name, value in values.items()}
        return {**tree, **changes}

    def _mask(self, place: str, value: JSON) -> str:
        given = self._given.setdefault(place, [])
        if value not in given:
            given.append(value)
        return "+" * (_FIRST + _STEP * given.index(value))


def _is_secret(manifest: Manifest) -> bool:
    return manifest.kind == "Secret" and manifest.group == ""


def mask_all(manifests: Sequence[Manifest]) -> list[Tree]:
    """Return the trees of several objects, each masked by itself."""
    return [mask_one(manifest) for manifest in manifests]

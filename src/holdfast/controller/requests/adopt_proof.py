"""Adopt the drift of one source, and prove it before anybody commits it.

The edited files are rendered in a private copy. A change is proven when the render has the live
value there; an object when nothing but its changes differs; the whole when no other object does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.adopting.edit_tree import Change, value_at, with_changes
from holdfast.adopting.patches import find_transformer
from holdfast.controller.requests.adopt_files import Edited, FileAdoption
from holdfast.controller.requests.adopt_patches import Overlay, PatchAdoption, without
from holdfast.controller.requests.drifted import Drifted, DriftFinder, Moved, refuse
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.adoption import AdoptedField, Declared, FileChange, Refusal
from holdfast.domain.application import Application
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest
from holdfast.domain.ports import Copies
from holdfast.domain.source import Checkout, Rendered, Source, SourceType
from holdfast.schema.field_path import encode_value
from holdfast.schema.projection import MISSING

_MOST_TRIES = 4


@dataclass(frozen=True, slots=True)
class SourceAtWork:
    """One source: what it declares, and what of that has drifted."""

    source: Source
    checkout: Checkout
    rendered: Rendered
    declared: tuple[Declared, ...]
    moved: Moved | None
    drifted: list[Drifted]


@dataclass(slots=True)
class SourceResult:
    """What came of it."""

    files: tuple[FileChange, ...] = ()
    adopted: list[AdoptedField] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class _Attempt:
    """What is still to be adopted, and how."""

    items: list[Drifted]
    overlay: Overlay | None = None
    json_patched: frozenset[ResourceKey] = frozenset()


@dataclass(frozen=True, slots=True)
class SourceAdoption:
    """Edits the files of one source until the edit is proven."""

    rendering: Rendering
    copies: Copies
    finder: DriftFinder
    in_files: FileAdoption
    in_patches: PatchAdoption

    async def adopt(self, app: Application, work: SourceAtWork) -> SourceResult:
        """Return the files to commit, what they adopt, and what could not be adopted."""
        result = SourceResult()
        attempt = _Attempt(list(work.drifted))
        if work.rendered.source_type is SourceType.KUSTOMIZE:
            attempt.overlay = await self.in_patches.open(app, work.source, work.checkout)
        elif work.rendered.source_type is not SourceType.DIRECTORY:
            reason = f"{work.rendered.source_type.value} makes it: change what that reads"
            result.refused += [refuse(i.declared.target, i.changes, reason) for i in work.drifted]
            return result
        for _ in range(_MOST_TRIES):
            if not attempt.items:
                return result
            edited = await self._edit(work, attempt)
            result.refused += edited.refused
            refused = {item.key for item in edited.refused}
            attempt.items = [item for item in attempt.items if item.key not in refused]
            failed, after = await self._prove(app, work, edited, attempt.items)
            if not failed and not refused:
                await self._finish(app, work, attempt, edited, after, result)
                return result
            self._set_aside(attempt, failed, result)
        reason = "no edit of its files was found that changes these fields and nothing else"
        result.refused += [refuse(i.declared.target, i.changes, reason) for i in attempt.items]
        return result

    async def _edit(self, work: SourceAtWork, attempt: _Attempt) -> Edited:
        if attempt.overlay is None:
            return await self.in_files.edit(work.checkout, attempt.items)
        return await self.in_patches.edit(
            attempt.overlay, work.checkout, attempt.items, attempt.json_patched
        )

    async def _prove(
        self, app: Application, work: SourceAtWork, edited: Edited, items: Sequence[Drifted]
    ) -> tuple[dict[ResourceKey, list[Change]], dict[ResourceKey, Manifest]]:
        """Return the changes that the render does not show, and the objects of that render."""
        if not items:
            return {}, {}
        copy = await self.copies.copy(work.checkout, edited.files)
        try:
            rendered = await self.rendering.render_source(app, work.source, copy)
        except HoldfastError:
            return {item.key: list(item.changes) for item in items}, {}
        after = {manifest.key: manifest for manifest in rendered.manifests}
        failed: dict[ResourceKey, list[Change]] = {}
        ours = {item.declared.rendered.key for item in items}
        others = {m.key: m for m in work.rendered.manifests if m.key not in ours}
        same_others = {k: m for k, m in after.items() if k not in ours} == others
        for item in items:
            made = after.get(item.declared.rendered.key)
            wrong = [c for c in item.changes if made is None or not _holds(made, c)]
            if not same_others or (not wrong and made is not None and not _only(item, made)):
                wrong = list(item.changes)
            if wrong:
                failed[item.key] = wrong
        return failed, after

    def _set_aside(
        self, attempt: _Attempt, failed: Mapping[ResourceKey, list[Change]], result: SourceResult
    ) -> None:
        """Choose another way for what failed, or refuse it."""
        kept: list[Drifted] = []
        overlay = attempt.overlay
        for item in attempt.items:
            wrong = failed.get(item.key, [])
            if not wrong:
                kept.append(item)
                continue
            told = [change for change in wrong if overlay is not None and _set_by(overlay, change)]
            if told and overlay is not None:
                reason = "; ".join(dict.fromkeys(_set_by(overlay, change) for change in told))
                result.refused.append(refuse(item.declared.target, told, reason))
                left = without(item, told)
                kept += [left] if left is not None else []
            elif overlay is not None and item.key not in attempt.json_patched:
                attempt.json_patched |= {item.key}
                kept.append(item)
            else:
                reason = "the edited files, rendered, do not have the live values"
                result.refused.append(refuse(item.declared.target, item.changes, reason))
        attempt.items = kept

    async def _finish(
        self,
        app: Application,
        work: SourceAtWork,
        attempt: _Attempt,
        edited: Edited,
        after: Mapping[ResourceKey, Manifest],
        result: SourceResult,
    ) -> None:
        for item in attempt.items:
            result.adopted += [
                AdoptedField(
                    item.key, c.place, _shown(c.before), _shown(c.after), edited.said_in[item.key]
                )
                for c in item.changes
            ]
            await self._check_rest(app, item, after, result)
        texts = [
            FileChange(path, await self.copies.read(work.checkout, path), text)
            for path, text in sorted(edited.files.items())
        ]
        result.files = tuple(file for file in texts if file.before != file.after)

    async def _check_rest(
        self,
        app: Application,
        item: Drifted,
        after: Mapping[ResourceKey, Manifest],
        result: SourceResult,
    ) -> None:
        """Say what a heal would still put back after the commit."""
        made = after[item.declared.rendered.key]
        (target,) = (await self.rendering.targets(app, [made])).manifests
        left = await self.finder.left(app, target, item.live)
        known = {path for refusal in result.refused for path in refusal.paths}
        rest = [change for change in left if change.place not in known]
        if rest:
            reason = "it would still differ after this commit"
            result.refused.append(refuse(item.declared.target, rest, reason))


def _holds(made: Manifest, change: Change) -> bool:
    value = value_at(made.tree, change.path)
    if change.after is MISSING:
        return value is MISSING or value in (None, {}, [])
    return encode_value(_plain(value)) == encode_value(_plain(change.after))


def _only(item: Drifted, made: Manifest) -> bool:
    """Whether an object differs from what it was at the changes alone, orders of lists aside."""
    wanted = with_changes(item.declared.rendered.tree, item.changes)
    return encode_value(_plain(wanted)) == encode_value(_plain(made.tree))


def _plain(value: JSON) -> JSON:
    """Return a tree without nulls and empty collections, its lists sorted."""
    if value is MISSING:
        return None
    if isinstance(value, dict):
        inner = {key: _plain(item) for key, item in value.items()}
        return {k: v for k, v in inner.items() if v is not None and v not in ({}, [])}
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=encode_value)
    return value


def _set_by(overlay: Overlay, change: Change) -> str:
    """Return why a patch has no say over a field, in words; `""` when nothing is known."""
    name = find_transformer(overlay.effective, change.path)
    if not name:
        return ""
    if overlay.tree.get(name):
        return f"`{name}` of {overlay.file} sets it: change it there"
    return f"`kustomize.{name}` of the Application's source sets it: change it there"


def _shown(value: JSON) -> JSON:
    return None if value is MISSING else value

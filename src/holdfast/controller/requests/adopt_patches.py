"""Adopt into a kustomize overlay: a patch file, and an entry in its kustomization file."""

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from holdfast.adopting.edit_tree import Change
from holdfast.adopting.emitting import emit_document
from holdfast.adopting.patches import (
    build_json_patch,
    build_strategic,
    find_original,
    fold,
    patch_entry,
    patch_file_name,
)
from holdfast.adopting.places import CannotEditError
from holdfast.adopting.rewrite import rewrite
from holdfast.controller.requests.adopt_files import Edited
from holdfast.controller.requests.drifted import Drifted, refuse
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import Application
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.ports import Copies, Texts
from holdfast.domain.source import Checkout, Source
from holdfast.domain.text_nodes import apply_edits
from holdfast.schema.types import find_type

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_ORIGIN = "config.kubernetes.io/origin"
_GENERATORS = "configMapGenerator, secretGenerator …"
_HASHED = re.compile(r"-[a-z0-9]{10}\Z")
_HEADER = "# Taken from the cluster by `holdfast app adopt`.\n"
# What an overlay has before its own transformers and patches run (controller.md §3.6).
_BEFORE_TRANSFORMERS = frozenset(
    {"apiVersion", "kind", "resources", "bases", "components", "crds", "openapi", "helmCharts",
     "helmGlobals", "configMapGenerator", "secretGenerator", "generators", "generatorOptions"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay as it is before anything is adopted.

    Attributes:
        folder: Relative to the repository.
        file: Its kustomization file.
        text: What that says.
        tree: The same, parsed.
        effective: With the overrides of the Application (for names and transformers only).
        originals: Its objects before its own transformers.
    """

    folder: str
    file: str
    text: str
    tree: Tree
    effective: Tree
    originals: tuple[Manifest, ...]


@dataclass(slots=True)
class _Draft:
    """Files so far; the kustomization file's tree grows with each patch."""

    tree: Tree
    names: set[str]
    files: dict[str, str] = field(default_factory=dict)
    said_in: dict[ResourceKey, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PatchAdoption:
    """Writes patches for kustomize."""

    texts: Texts
    copies: Copies
    rendering: Rendering

    async def open(self, app: Application, source: Source, checkout: Checkout) -> Overlay:
        """Return the overlay of a source: what it is made of, and what its objects were before."""
        folder = posixpath.normpath(source.path or ".")
        context = self.rendering.context_of(app)
        _, effective = await self.texts.inspect(checkout, source, context)
        names = await self.copies.find(checkout, folder)
        name = next(name for name in KUSTOMIZATION_NAMES if name in names)
        file = posixpath.normpath(posixpath.join(folder, name))
        text = await self.copies.read(checkout, file) or ""
        tree = await self._tree(text, file)
        stripped = {key: value for key, value in tree.items() if key in _BEFORE_TRANSFORMERS}
        stripped["buildMetadata"] = ["originAnnotations"]
        changes: dict[str, str | None] = {file: json.dumps(stripped)}
        for override in names:
            if override.startswith(".argocd-source"):
                changes[posixpath.normpath(posixpath.join(folder, override))] = None
        copy = await self.copies.copy(checkout, changes)
        bare = {key: value for key, value in source.tree.items() if key != "kustomize"}
        bare["kustomize"] = {"version": (source.kustomize or {}).get("version", "")}
        rendered = await self.rendering.render_source(app, Source.parse(bare), copy)
        block = effective.kustomize or {}
        both = {**tree, **{key: value for key, value in block.items() if value}}
        return Overlay(folder, file, text, tree, both, rendered.manifests)

    async def edit(
        self,
        overlay: Overlay,
        checkout: Checkout,
        drifted: Sequence[Drifted],
        json_patched: frozenset[ResourceKey] = frozenset(),
    ) -> Edited:
        """Return the overlay's files with patches for the live values.

        Args:
            overlay: As `open` gives it.
            checkout: The files.
            drifted: What to take.
            json_patched: Objects for which a strategic merge patch was tried in vain.
        """
        refused = []
        names = set(await self.copies.find(checkout, overlay.folder))
        draft = _Draft(overlay.tree, names)
        for item in drifted:
            try:
                await self._add(draft, overlay, checkout, item, is_json=item.key in json_patched)
            except CannotEditError as error:
                refused.append(refuse(item.declared.target, item.changes, str(error)))
        if draft.tree is not overlay.tree:
            try:
                draft.files[overlay.file] = await self._kustomization(overlay, draft.tree)
            except CannotEditError as error:
                reason = f"{overlay.file} cannot be edited in place: {error}"
                refused += [refuse(i.declared.target, i.changes, reason) for i in drifted]
                return Edited({}, {}, tuple(refused))
        return Edited(draft.files, draft.said_in, tuple(refused))

    async def _add(
        self, draft: _Draft, overlay: Overlay, checkout: Checkout, item: Drifted, *, is_json: bool
    ) -> None:
        prefix = str(overlay.effective.get("namePrefix") or "")
        suffix = str(overlay.effective.get("nameSuffix") or "")
        original = find_original(item.declared.rendered, overlay.originals, prefix, suffix)
        if original is None:
            raise CannotEditError(_why_missing(item.declared.rendered))
        _refuse_generated(original)
        bare = _without_origin(original)
        patch: JSON = None
        if not is_json:
            known = find_type(bare.gvk) is not None
            patch = build_strategic(bare, item.changes, merges_lists=known)
        if patch is not None and await self._fold(draft, overlay, checkout, bare, patch, item):
            return
        entry_is_json = patch is None
        if patch is None:
            patch = build_json_patch(item.declared.rendered.tree, item.changes)
        name = patch_file_name(bare, draft.names)
        draft.names.add(name)
        path = posixpath.normpath(posixpath.join(overlay.folder, name))
        draft.files[path] = emit_document(patch, _HEADER)
        draft.said_in[item.key] = path
        entry = patch_entry(name, bare, is_json=entry_is_json)
        draft.tree = {**draft.tree, "patches": [*(draft.tree.get("patches") or ()), entry]}

    async def _fold(
        self,
        draft: _Draft,
        overlay: Overlay,
        checkout: Checkout,
        original: Manifest,
        patch: JSON,
        item: Drifted,
    ) -> bool:
        """Say it in the patch file of an earlier adoption, if that is the last to have a say."""
        name = patch_file_name(original, ())
        entries = overlay.tree.get("patches") or ()
        if {"path": name} not in entries:
            return False
        path = posixpath.normpath(posixpath.join(overlay.folder, name))
        text = await self.copies.read(checkout, path)
        if text is None:
            return False
        documents = [node for node in await self.texts.locate(text, path) if node is not None]
        if len(documents) != 1:
            return False
        wanted = fold(documents[0].to_value(), patch)
        draft.files[path] = apply_edits(text, rewrite(text, documents[0], wanted))
        draft.said_in[item.key] = path
        return True

    async def _kustomization(self, overlay: Overlay, wanted: Tree) -> str:
        documents = [n for n in await self.texts.locate(overlay.text, overlay.file) if n]
        if not documents:
            return overlay.text + emit_document(wanted)
        edited = apply_edits(overlay.text, rewrite(overlay.text, documents[0], wanted))
        if await self._tree(edited, overlay.file) != wanted:
            raise CannotEditError("it is written in a way that is not edited safely")
        return edited

    async def _tree(self, text: str, file: str) -> Tree:
        try:
            documents = [n for n in await self.texts.locate(text, file) if n is not None]
        except HoldfastError as error:
            raise CannotEditError(error.message) from None
        value = documents[0].to_value() if documents else {}
        return value if isinstance(value, dict) else {}


def _refuse_generated(original: Manifest) -> None:
    """Raise for what no file declares.

    Raises:
        CannotEditError: A generator or a remote base is where it comes from.
    """
    origin = original.annotation(_ORIGIN) or ""
    if "configuredIn:" in origin:
        raise CannotEditError(f"a generator makes it ({_GENERATORS}): change what it reads")
    if "repo:" in origin:
        raise CannotEditError("a remote base declares it: change it there")


def _why_missing(rendered: Manifest) -> str:
    if rendered.kind in ("ConfigMap", "Secret") and _HASHED.search(rendered.name):
        return f"a generator makes it ({_GENERATORS}): change what it reads"
    return "its declaration below the overlay is not found, or found twice"


def _without_origin(original: Manifest) -> Manifest:
    return original.with_annotation(_ORIGIN, None)


def without(item: Drifted, failed: Sequence[Change]) -> Drifted | None:
    """Return what is left of a drift without some of its changes."""
    left = tuple(change for change in item.changes if change not in failed)
    return replace(item, changes=left) if left else None

"""Adopt into the files that declare the objects: each field where it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.adopting.edit_tree import with_changes
from holdfast.adopting.find_object import find_object
from holdfast.adopting.places import CannotEditError
from holdfast.adopting.rewrite import rewrite
from holdfast.controller.requests.drifted import Drifted, refuse
from holdfast.domain.adoption import Refusal
from holdfast.domain.errors import HoldfastError
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON
from holdfast.domain.ports import Copies, Texts
from holdfast.domain.source import Checkout
from holdfast.domain.text_nodes import TextEdit, apply_edits


@dataclass(frozen=True, slots=True)
class Edited:
    """New texts by path, the file that says each object, and what could not be done."""

    files: Mapping[str, str]
    said_in: Mapping[ResourceKey, str]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class FileAdoption:
    """Edits plain YAML and JSON files."""

    texts: Texts
    copies: Copies

    async def edit(self, checkout: Checkout, drifted: Iterable[Drifted]) -> Edited:
        """Return the files with the live values in them."""
        by_file: dict[str, list[Drifted]] = {}
        for item in drifted:
            by_file.setdefault(item.declared.file, []).append(item)
        files: dict[str, str] = {}
        said_in: dict[ResourceKey, str] = {}
        refused: list[Refusal] = []
        for file, items in sorted(by_file.items()):
            text = await self.copies.read(checkout, file) or ""
            edits: list[TextEdit] = []
            for item in items:
                try:
                    edits += await self._edits(text, file, item)
                    said_in[item.key] = file
                except CannotEditError as error:
                    reason = f"{file} cannot be edited in place: {error}"
                    refused.append(refuse(item.declared.target, item.changes, reason))
            if edits:
                files[file] = apply_edits(text, edits)
        return Edited(files, said_in, tuple(refused))

    async def _edits(self, text: str, file: str, item: Drifted) -> list[TextEdit]:
        try:
            documents = await self.texts.locate(text, file)
        except HoldfastError as error:
            raise CannotEditError(error.message) from None
        node = find_object(documents, item.declared.rendered)
        if node is None:
            raise CannotEditError("the object is not found there, or found twice")
        is_json = file.endswith(".json")
        wanted: JSON = with_changes(node.to_value(), item.changes)
        edits = rewrite(text, node, wanted, is_json=is_json)
        await self._prove(apply_edits(text, edits), file, item, wanted)
        return edits

    async def _prove(self, text: str, file: str, item: Drifted, wanted: JSON) -> None:
        """Read the edited text again: it says what is wanted, or nothing is edited."""
        try:
            node = find_object(await self.texts.locate(text, file), item.declared.rendered)
        except HoldfastError:
            node = None
        if node is None or node.to_value() != wanted:
            raise CannotEditError("it is written in a way that is not edited safely")

"""What taking live drift into git would change, and what cannot be taken and why."""

from dataclasses import dataclass

from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.source import Source


@dataclass(frozen=True, slots=True)
class AdoptedField:
    """A field whose live value git will say.

    Attributes:
        key: The object.
        path: Human form, `spec.replicas`.
        before: What git said, None for nothing.
        after: The live value, None when the field goes.
        file: The file that says it, relative to the repository.
    """

    key: ResourceKey
    path: str
    before: JSON
    after: JSON
    file: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be adopted.

    Attributes:
        key: The object.
        paths: The fields, for people.
        reason: Why, as part of a sentence: `it is a Secret; …`.
        patch: The change as a tree that a person can use, Secret values masked; empty for none.
    """

    key: ResourceKey
    paths: tuple[str, ...]
    reason: str
    patch: Tree


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after; `before` None: it is new."""

    path: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class SourceChange:
    """The files of one source that change.

    Attributes:
        source: As the Application names it.
        revision: The commit that was read.
        files: Sorted by path.
    """

    source: Source
    revision: str
    files: tuple[FileChange, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """The whole of it."""

    sources: tuple[SourceChange, ...]
    adopted: tuple[AdoptedField, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """An object and where it is declared.

    Attributes:
        target: As it is applied: with its namespace and tracking, sealed.
        rendered: As the renderer gave it.
        file: The file that holds it, relative to the repository; `""` from a tool.
        place: Which source of the Application.
    """

    target: Manifest
    rendered: Manifest
    file: str
    place: int

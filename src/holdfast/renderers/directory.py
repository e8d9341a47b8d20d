"""Plain files: which are read, how, and what is wrong with them. Runs in the render worker.

Rules and their order: docs/internals/argocd/controller.md §3.7.
  1. extension .yaml .yml .json .jsonnet, unless `disableExtensionFilter`
  2. `exclude`, then `include`: globs against the path relative to the app's folder
  3. links must stay in the repository; a link to nothing, and what is no regular file, is skipped
     with a warning
  4. a file that contains `+argocd:skip-file-rendering` is skipped
  5. the sizes of the files together have a limit
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.domain.manifest import Tree
from holdfast.kit import yamlio
from holdfast.kit.files import is_inside
from holdfast.renderers.globs import compile_glob, matches
from holdfast.renderers.objects import Found
from holdfast.renderers.problems import not_built, wrong

EXTENSIONS = (".yaml", ".yml", ".json", ".jsonnet")
SKIP_MARKER = b"+argocd:skip-file-rendering"
_LOOKS_LIKE_A_MANIFEST = (b"apiVersion:", b"kind:", b"metadata:")


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    """The `directory` block, and limits.

    Attributes:
        recurse: Read sub-folders too.
        include: Glob; `""` takes everything.
        exclude: Glob; wins over `include`.
        every_extension: `disableExtensionFilter`.
        jsonnet_enabled: Whether `.jsonnet` files count (argocd-cm `jsonnet.enable`).
        size_bytes: Limit for all files together; 0 is no limit.
    """

    recurse: bool = False
    include: str = ""
    exclude: str = ""
    every_extension: bool = False
    jsonnet_enabled: bool = True
    size_bytes: int = 10 * 1024 * 1024

    @classmethod
    def parse(cls, block: Tree, *, jsonnet_enabled: bool, size_bytes: int) -> "DirectoryOptions":
        """Read a `directory` block.

        Raises:
            RepositoryError: HF1008, a glob that is none.
        """
        for field in ("include", "exclude"):
            pattern = block.get(field)
            if isinstance(pattern, str) and compile_glob(pattern) is None:
                raise wrong("HF1008", f"`directory.{field}` is not a glob: {pattern}")
        return cls(
            recurse=block.get("recurse") is True,
            include=str(block.get("include") or ""),
            exclude=str(block.get("exclude") or ""),
            every_extension=block.get("disableExtensionFilter") is True,
            jsonnet_enabled=jsonnet_enabled,
            size_bytes=size_bytes,
        )


def read_directory(root: str, path: str, options: DirectoryOptions) -> Found:
    """Return the objects of a folder.

    Args:
        root: The checkout.
        path: The app's folder, relative to it; known to exist and to be inside.
        options: What to read.

    Raises:
        HoldfastError: HF1004 to HF1007 name the file; HF3008 for jsonnet.
    """
    found = Found()
    total = 0
    folder = os.path.join(root, path)
    for relative in _accepted(folder, options):
        file = os.path.normpath(os.path.join(path, relative))
        data = _read(root, os.path.join(folder, relative), file, found.warnings)
        if data is None or SKIP_MARKER in data:
            continue
        if relative.endswith(".jsonnet"):
            raise not_built(
                f"{file}: jsonnet is", "leave it out with `directory.exclude: '*.jsonnet'`"
            )
        total += len(data)
        if options.size_bytes and total > options.size_bytes:
            raise wrong(
                "HF1007",
                f"{path}: the manifests are larger than {options.size_bytes} bytes together",
                hint="read fewer files (`directory.include`), or split the application",
            )
        _take(data, file, found)
    return found


def _accepted(folder: str, options: DirectoryOptions) -> Iterator[str]:
    for relative in _walk(folder, "", recurse=options.recurse):
        if not options.every_extension and not relative.endswith(EXTENSIONS):
            continue
        if relative.endswith(".jsonnet") and not options.jsonnet_enabled:
            continue
        if options.exclude and matches(options.exclude, relative):
            continue
        if options.include and not matches(options.include, relative):
            continue
        yield relative


def _walk(folder: str, prefix: str, *, recurse: bool) -> Iterator[str]:
    with os.scandir(os.path.join(folder, prefix)) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        relative = f"{prefix}{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            yield relative
        elif recurse:
            yield from _walk(folder, relative + "/", recurse=True)


def _read(root: str, full: str, file: str, warnings: list[str]) -> bytes | None:
    if os.path.islink(full) and not is_inside(root, full):
        raise wrong("HF1006", f"{file}: the link leaves the repository")
    try:
        if not stat.S_ISREG(os.stat(full).st_mode):
            warnings.append(f"{file}: not a regular file; skipped")
            return None
        return Path(full).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        warnings.append(f"{file}: a link to a missing file; skipped")
        return None
    except OSError as error:
        raise wrong("HF1004", f"{file}: cannot be read: {error.strerror}") from error


def _take(data: bytes, file: str, found: Found) -> None:
    if file.endswith(".json"):
        _take_json(data, file, found)
        return
    documents = 0
    try:
        for document in yamlio.load_all(data):
            documents += document.value is not None
            where = f"{file} (document {document.number}, line {document.line})"
            found.add(document.value, file=file, where=where)
    except yamlio.YamlError as error:
        # Files that only share the extension (templates, values) are not ours to judge.
        if documents or all(word in data for word in _LOOKS_LIKE_A_MANIFEST):
            raise _unparsable(file, error) from None


def _take_json(data: bytes, file: str, found: Found) -> None:
    try:
        values = yamlio.load_json(data)
    except yamlio.YamlError as error:
        raise _unparsable(file, error) from None
    if len(values) > 1:
        raise wrong(
            "HF1004",
            f'Found multiple objects in "{file}". Only single objects are allowed in JSON files.',
        )
    for value in values:
        found.add(value, file=file, where=f"{file} (line 1)")


def _unparsable(file: str, error: yamlio.YamlError) -> Exception:
    return wrong("HF1004", f"{file}: line {error.line}: does not parse: {error.reason}")

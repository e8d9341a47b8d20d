"""Reading and editing kustomization files. Runs in the render worker.

`inspect_graph` follows what a kustomization refers to before the program runs: kustomize would
fetch remote bases, and read folders outside the repository.
`rewrite` puts the overrides of the Application into a private copy, in the order and with the
meaning of `kustomize edit` (docs/internals/argocd/controller.md §3.6); no program is needed for it.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from holdfast.domain.manifest import Tree
from holdfast.kit import yamlio
from holdfast.kit.files import is_inside
from holdfast.renderers.detect import KUSTOMIZATION_NAMES
from holdfast.renderers.problems import not_built, wrong

_FOLDER_FIELDS = ("resources", "bases", "components")
_FILE_FIELDS = frozenset(
    {
        "resources",
        "bases",
        "components",
        "crds",
        "configurations",
        "generators",
        "transformers",
        "validators",
        "patchesStrategicMerge",
        "path",
        "files",
        "envs",
        "env",
        "valuesFile",
        "additionalValuesFiles",
        "chartHome",
    }
)
_REMOTE = re.compile(
    r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*://|git::|git@|[\w.-]+@[\w.-]+:|[\w-]+(?:\.[\w-]+)+/[\w.-]+/[\w.-]+)"
)
_MOST_FILES = 10_000


def inspect_graph(root: str, path: str) -> frozenset[str]:
    """Return the folders of a kustomization and of all that it refers to, relative to the root.

    Args:
        root: The checkout.
        path: The app's folder, relative to it.

    Raises:
        HoldfastError: HF1004, a kustomization that does not parse; HF1006, a path that leaves the
            repository; HF3008, a remote base.
    """
    seen: set[str] = set()
    waiting = [os.path.normpath(path)]
    while waiting:
        folder = waiting.pop()
        if folder in seen or len(seen) >= _MOST_FILES:
            continue
        seen.add(folder)
        file = find_kustomization(root, folder)
        if file is None:
            continue
        tree = load_kustomization(root, file)
        for field, entry in _references(tree):
            full = os.path.join(root, folder, entry)
            if _is_remote(entry) and not os.path.lexists(full):
                raise not_built(
                    f"{file}: the remote base `{_without_credentials(entry)}` cannot be fetched;"
                    " remote bases are",
                    "copy the base into the repository",
                )
            if os.path.isabs(entry) or not is_inside(root, full):
                raise wrong(
                    "HF1006", f"{file}: `{field}` refers to {entry}, outside the repository"
                )
            if field in _FOLDER_FIELDS and os.path.isdir(full):
                real = os.path.realpath(full)
                waiting.append(os.path.relpath(real, os.path.realpath(root)))
    return frozenset(seen)


def find_kustomization(root: str, folder: str) -> str | None:
    """Return the kustomization file of a folder, relative to the root, or None."""
    for name in KUSTOMIZATION_NAMES:
        file = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(root, file)) and is_inside(root, os.path.join(root, file)):
            return file
    return None


def load_kustomization(root: str, file: str) -> Tree:
    """Return a kustomization file.

    Raises:
        RepositoryError: HF1004, names file and line.
    """
    try:
        tree = yamlio.load_one(Path(root, file).read_bytes())
    except yamlio.YamlError as error:
        message = f"{file}: line {error.line}: does not parse: {error.reason}"
        raise wrong("HF1004", message) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise wrong("HF1004", f"{file}: not a mapping of kustomization fields")
    return tree


def rewrite(root: str, path: str, block: Tree, copy: str, folders: Iterable[str] = (".",)) -> None:
    """Lay out a private copy of a checkout whose kustomization holds the overrides.

    Files are hard links where that is possible; the kustomization is a new file.

    Args:
        root: The checkout.
        path: The app's folder.
        block: The `kustomize` block, variables substituted.
        copy: The folder to make; it must not exist.
        folders: What to copy: all that the kustomization may refer to, `../../base` too.

    Raises:
        HoldfastError: The folder has no kustomization, or an override contradicts it.
    """
    file = find_kustomization(root, path)
    if file is None:
        names = ", ".join(KUSTOMIZATION_NAMES)
        raise wrong("HF1003", f"{path}: none of {names} is there")
    tree = edit(load_kustomization(root, file), block, os.path.join(root, path))
    for folder in _topmost(folders):
        source, target = Path(root, folder), Path(copy, folder)
        shutil.copytree(source, target, symlinks=True, copy_function=_link)
    target = Path(copy, file)
    target.unlink()
    target.write_text(yamlio.dump(tree), encoding="utf-8")


def _topmost(folders: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for folder in sorted(folders, key=lambda name: (name != ".", name + "/")):
        if not any(top == "." or (folder + "/").startswith(top + "/") for top in kept):
            kept.append(folder)
    return kept


def edit(tree: Tree, block: Tree, folder: str) -> Tree:
    """Return a kustomization with the overrides of a `kustomize` block, in `edit`'s order.

    Raises:
        HoldfastError: HF1008, an override that is malformed or contradicts the file.
    """
    tree = dict(tree)
    for field in ("namePrefix", "nameSuffix"):
        if block.get(field):
            tree[field] = str(block[field])
    if block.get("images"):
        tree["images"] = _with_images(_list(tree, "images"), _list(block, "images"))
    if block.get("replicas"):
        new = {str(item.get("name")): _count(item) for item in _list(block, "replicas")}
        kept = [item for item in _list(tree, "replicas") if item.get("name") not in new]
        tree["replicas"] = kept + [{"name": name, "count": count} for name, count in new.items()]
    if block.get("commonLabels"):
        _add_labels(tree, block)
    if block.get("commonAnnotations"):
        force = block.get("forceCommonAnnotations") is True
        own = _mapping(tree, "commonAnnotations")
        new_pairs = _mapping(block, "commonAnnotations")
        tree["commonAnnotations"] = _joined(own, new_pairs, "annotation", force=force)
    if block.get("namespace"):
        tree["namespace"] = str(block["namespace"])
    if block.get("patches"):
        tree["patches"] = _list(tree, "patches") + _list(block, "patches")
    if block.get("components"):
        tree["components"] = _with_components(tree, block, folder)
    return tree


def components_of(block: Tree, path: str) -> list[str]:
    """Return the folders of the components that a `kustomize` block adds, relative to the root.

    Raises:
        HoldfastError: HF1006, one is outside the repository; HF3008, a remote one.
    """
    folders: list[str] = []
    for entry in _list(block, "components"):
        folder = os.path.normpath(os.path.join(path, str(entry)))
        if _is_remote(str(entry)):
            raise not_built(f"the remote component `{_without_credentials(str(entry))}` is")
        if folder.startswith(("..", "/")):
            raise wrong(
                "HF1006", f"`kustomize.components` refers to {entry}, outside the repository"
            )
        folders.append(folder)
    return folders


def parse_image(text: str) -> Tree:
    """Return `{name, newName, newTag, digest}` for `[old=]new[:tag|@digest]`.

    Raises:
        RepositoryError: HF1008, nothing would be replaced, or a part is empty.
    """
    old, equals, new = text.partition("=")
    rest = new if equals else old
    rest, at, digest = rest.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon >= 0 else (rest, "")
    image = {"name": old if equals else name}
    if equals:
        image["newName"] = name
    if colon >= 0:
        image["newTag"] = tag
    if at:
        image["digest"] = digest
    if not all(image.values()) or len(image) == 1:
        raise wrong(
            "HF1008",
            f"`kustomize.images` holds {text!r}, which is not [old=]new[:tag|@digest]",
        )
    return image


def _with_images(own: list[Any], overrides: list[Any]) -> list[Tree]:
    images = {str(item.get("name")): item for item in own if isinstance(item, dict)}
    for text in overrides:
        image = parse_image(str(text))
        before = images.get(image["name"], {})
        # An asterisk keeps what the file says.
        images[image["name"]] = {
            key: before.get(key) if value == "*" else value
            for key, value in image.items()
            if value != "*" or key in before
        }
    return [images[name] for name in sorted(images)]


def _add_labels(tree: Tree, block: Tree) -> None:
    force = block.get("forceCommonLabels") is True
    new = _mapping(block, "commonLabels")
    if block.get("labelWithoutSelector") is not True:
        tree["commonLabels"] = _joined(_mapping(tree, "commonLabels"), new, "label", force=force)
        return
    entry: Tree = {"includeSelectors": False}
    if block.get("labelIncludeTemplates") is True:
        entry["includeTemplates"] = True
    labels = [dict(item) for item in _list(tree, "labels") if isinstance(item, dict)]
    for existing in labels:
        if bool(existing.get("includeSelectors")) is False and bool(
            existing.get("includeTemplates")
        ) == bool(entry.get("includeTemplates")):
            existing["pairs"] = _joined(_mapping(existing, "pairs"), new, "label", force=force)
            break
    else:
        labels.append({**entry, "pairs": _joined({}, new, "label", force=force)})
    tree["labels"] = labels


def _joined(own: Tree, new: Tree, what: str, *, force: bool) -> Tree:
    taken = sorted(key for key in new if key in own and own[key] != new[key])
    if taken and not force:
        raise wrong(
            "HF1008",
            f"{what} {taken[0]} already in kustomization file",
            hint=f"set `kustomize.forceCommon{what.capitalize()}s: true` to replace it",
        )
    return own | {key: str(value) for key, value in new.items()}


def _with_components(tree: Tree, block: Tree, folder: str) -> list[Any]:
    components = _list(tree, "components")
    for entry in _list(block, "components"):
        missing = not os.path.lexists(os.path.join(folder, str(entry)))
        if entry in components or (missing and block.get("ignoreMissingComponents") is True):
            continue
        components.append(entry)
    return components


def _count(item: Tree) -> int:
    try:
        return int(item.get("count", ""))
    except (TypeError, ValueError):
        raise wrong("HF1008", "`kustomize.replicas[].count` is not a whole number") from None


def _references(tree: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _references(value, key)
    elif isinstance(tree, list):
        for item in tree:
            yield from _references(item, field)
    elif isinstance(tree, str) and field in _FILE_FIELDS and "\n" not in tree:
        name, equals, path = tree.partition("=")
        entry = path if equals and field == "files" and "/" not in name else tree
        if entry and not (field == "path" and entry.startswith("/")):  # a JSON pointer
            yield field, entry


def _is_remote(entry: str) -> bool:
    return bool(_REMOTE.match(entry)) or "?ref=" in entry


def _without_credentials(entry: str) -> str:
    return re.sub(r"://[^/@]*@", "://", entry)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _list(tree: Tree, key: str) -> list[Any]:
    value = tree.get(key)
    return list(value) if isinstance(value, list) else []


def _mapping(tree: Tree, key: str) -> Tree:
    value = tree.get(key)
    return dict(value) if isinstance(value, dict) else {}

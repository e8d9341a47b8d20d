"""Which tool a folder wants, and the override files that lie in it. Runs in the render worker.

Rules: docs/internals/argocd/controller.md §3.2 and §3.3.
"""

import os
from pathlib import Path

from holdfast.domain.manifest import Tree
from holdfast.domain.source import SourceType
from holdfast.kit import yamlio
from holdfast.kit.files import OutsideError, is_inside, resolve_inside
from holdfast.renderers.problems import wrong

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_BLOCKS = {
    "helm": SourceType.HELM,
    "kustomize": SourceType.KUSTOMIZE,
    "directory": SourceType.DIRECTORY,
    "plugin": SourceType.PLUGIN,
}
_SWITCHES = {SourceType.HELM: "helm.enable", SourceType.KUSTOMIZE: "kustomize.enable"}
_PATH_HINT = "check `path`: it counts from the root of the repository, at the target revision"
_RESTORED = ("chart", "path", "repoURL", "targetRevision")


def check_path(root: str, path: str) -> None:
    """Raise unless a path is a folder inside the repository.

    Raises:
        RepositoryError: HF1003 or HF1006, with Argo CD's texts.
    """
    if os.path.isabs(path):
        raise wrong("HF1006", f"{path}: app path is absolute")
    try:
        folder = resolve_inside(root, path)
    except OutsideError:
        raise wrong("HF1006", f"{path}: app path outside root") from None
    if not folder.exists():
        raise wrong("HF1003", f"{path}: app path does not exist", hint=_PATH_HINT)
    if not folder.is_dir():
        raise wrong("HF1003", f"{path}: app path is not a directory", hint=_PATH_HINT)


def merge_overrides(root: str, path: str, source: Tree, instance: str) -> Tree:
    """Return the source with `.argocd-source.yaml` and `.argocd-source-<instance>.yaml` merged in.

    Raises:
        RepositoryError: HF1004 or HF1006, a file that is none or does not parse.
    """
    merged = source
    for name in (".argocd-source.yaml", f".argocd-source-{instance}.yaml"):
        file = os.path.normpath(os.path.join(path, name))
        full = os.path.join(root, file)
        if os.sep in name or not os.path.lexists(full):
            continue
        if not is_inside(root, full):
            raise wrong("HF1006", f"{file}: the link leaves the repository")
        if not os.path.isfile(full):
            raise wrong("HF1004", f"{file}: not a regular file")
        try:
            patch = yamlio.load_one(Path(full).read_bytes())
        except yamlio.YamlError as error:
            raise wrong(
                "HF1004", f"{file}: line {error.line}: does not parse: {error.reason}"
            ) from None
        if patch is None:
            continue
        if not isinstance(patch, dict):
            raise wrong("HF1004", f"{file}: not a mapping of source fields")
        merged = merge_patch(merged, patch)
    restored = {key: value for key, value in merged.items() if key not in _RESTORED}
    return restored | {key: source[key] for key in _RESTORED if key in source}


def merge_patch(tree: Tree, patch: Tree) -> Tree:
    """Return the tree with a JSON merge patch (RFC 7386) applied."""
    merged = dict(tree)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            inner = merged.get(key)
            merged[key] = merge_patch(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def detect_type(root: str, path: str, source: Tree, settings: dict[str, str]) -> SourceType:
    """Return the tool: the explicit block, else what lies in the folder, else Directory.

    Args:
        root: The checkout.
        path: The app's folder, known to exist.
        source: The source block, overrides merged in.
        settings: Keys of argocd-cm; `kustomize.enable: "false"` makes it a Directory.

    Raises:
        RepositoryError: HF1008, two tool blocks.
    """
    blocks = [name for name in _BLOCKS if _says_something(source.get(name))]
    if len(blocks) > 1:
        names = ",".join(_BLOCKS[name].value for name in blocks)
        raise wrong("HF1008", f"multiple application sources defined: {names}")
    if source.get("chart"):
        return SourceType.HELM
    found = _BLOCKS[blocks[0]] if blocks else _discover(os.path.join(root, path), settings)
    return found if _enabled(found, settings) else SourceType.DIRECTORY


def _discover(folder: str, settings: dict[str, str]) -> SourceType:
    found = SourceType.DIRECTORY
    for name in sorted(os.listdir(folder)):
        # Kustomize wins over Helm: later in the alphabet, and Argo CD lets the last one win.
        if name in KUSTOMIZATION_NAMES and _enabled(SourceType.KUSTOMIZE, settings):
            found = SourceType.KUSTOMIZE
        elif name.endswith("Chart.yaml") and _enabled(SourceType.HELM, settings):
            found = SourceType.HELM
    return found


def _says_something(block: object) -> bool:
    # Argo CD removes blocks of nothing but defaults (controller.md §1.2): they decide nothing.
    if isinstance(block, dict):
        return any(_says_something(value) for value in block.values())
    return bool(block)


def _enabled(tool: SourceType, settings: dict[str, str]) -> bool:
    switch = _SWITCHES.get(tool)
    return switch is None or settings.get(switch, "true").strip().lower() != "false"

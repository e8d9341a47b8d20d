"""Remove fields from a spec as `argocd app unset` does. Pure."""

import copy
from typing import Any

from holdfast.cli.pflag import Flag, FlagKind, Values
from holdfast.cli.spec_edit import find_source, image_name

Tree = dict[str, Any]
_SWITCH, _LINES = FlagKind.SWITCH, FlagKind.LINES

UNSET_FLAGS = (
    Flag("parameter", "Helm parameter to remove.", _LINES, short="p"),
    Flag("values", "Helm values file to remove.", _LINES),
    Flag("values-literal", "Remove the Helm values text.", _SWITCH),
    Flag("ignore-missing-value-files", "Remove this Helm option.", _SWITCH),
    Flag("pass-credentials", "Remove this Helm option.", _SWITCH),
    Flag("nameprefix", "Remove the Kustomize name prefix.", _SWITCH),
    Flag("namesuffix", "Remove the Kustomize name suffix.", _SWITCH),
    Flag("kustomize-version", "Remove the Kustomize version.", _SWITCH),
    Flag("kustomize-namespace", "Remove the Kustomize namespace.", _SWITCH),
    Flag("kustomize-image", "Kustomize image override to remove.", _LINES),
    Flag("kustomize-replica", "Kustomize replica override to remove.", _LINES),
    Flag("ignore-missing-components", "Remove this Kustomize option.", _SWITCH),
    Flag("plugin-env", "Plugin variable to remove.", _LINES),
    Flag("ref", "Remove the source's reference name.", _SWITCH),
)

_SWITCHES: dict[str, tuple[str, ...]] = {
    "values-literal": ("helm", "values"),
    "ignore-missing-value-files": ("helm", "ignoreMissingValueFiles"),
    "pass-credentials": ("helm", "passCredentials"),
    "nameprefix": ("kustomize", "namePrefix"),
    "namesuffix": ("kustomize", "nameSuffix"),
    "kustomize-version": ("kustomize", "version"),
    "kustomize-namespace": ("kustomize", "namespace"),
    "ignore-missing-components": ("kustomize", "ignoreMissingComponents"),
    "ref": ("ref",),
}
_NAMED: dict[str, tuple[str, str]] = {
    "parameter": ("helm", "parameters"),
    "kustomize-replica": ("kustomize", "replicas"),
    "plugin-env": ("plugin", "env"),
}


def unset_flags(spec: Tree, values: Values, *, position: int = -1, name: str = "") -> Tree:
    """Return the spec without the fields that were named; blocks left empty go too."""
    spec = copy.deepcopy(spec)
    source = find_source(spec, position=position, name=name)
    for flag, path in _SWITCHES.items():
        if values.switch(flag):
            parent = source if len(path) == 1 else source.get(path[0], {})
            parent.pop(path[-1], None)
            if path == ("helm", "values"):
                parent.pop("valuesObject", None)
    for flag, (tool, key) in _NAMED.items():
        gone = set(values.texts(flag))
        _keep(source, tool, key, lambda entry, gone=gone: entry.get("name") not in gone)
    files = set(values.texts("values"))
    _keep(source, "helm", "valueFiles", lambda entry: entry not in files)
    images = {image_name(item) for item in values.texts("kustomize-image")}
    _keep(source, "kustomize", "images", lambda entry: image_name(str(entry)) not in images)
    for tool in ("helm", "kustomize", "plugin"):
        if source.get(tool) == {}:
            del source[tool]
    return spec


def _keep(source: Tree, tool: str, key: str, wanted: Any) -> None:
    block = source.get(tool)
    if not isinstance(block, dict) or not isinstance(block.get(key), list):
        return
    block[key] = [entry for entry in block[key] if wanted(entry)]
    if not block[key]:
        del block[key]

"""Bring a manifest into the form that is hashed, compared and applied (apply.md A5).

The API server stores some things differently than they are written; applying them as written
would look like drift for ever, or be a write each time. Secrets have been folded and normalised
before (they are sealed by the cluster room).
"""

import hashlib
import json
from collections.abc import Mapping

from holdfast.domain.manifest import JSON, Manifest, Tree

_SERVER_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_TEXT_MAPS = {("", "ConfigMap"): ("data", "binaryData"), ("", "Secret"): ("data", "stringData")}


def canonicalise(manifest: Manifest) -> Manifest:
    """Return the manifest as it is to be applied.

    Dropped: `status`, metadata that only the server writes, nulls (values of ConfigMap and Secret
    data become `""`), `rules` beside an `aggregationRule`, an empty `caBundle`, and a `nodePort` of
    zero. Nothing else changes.
    """
    tree = _without_nulls(_texts_for_nulls(manifest))
    tree.pop("status", None)
    _drop_empty_authority(manifest, tree)
    _drop_node_ports_to_choose(manifest, tree)
    if tree.get("aggregationRule"):
        # The aggregator owns them: each identical apply would empty them until it is back.
        tree.pop("rules", None)
    metadata = tree.get("metadata")
    if isinstance(metadata, dict):
        tree["metadata"] = {k: v for k, v in metadata.items() if k not in _SERVER_METADATA}
    return Manifest(tree)


_NO_AUTHORITY = frozenset({"", "Cg==", "Cgo="})
_AUTHORITIES = {
    "ValidatingWebhookConfiguration": ("webhooks", "clientConfig"),
    "MutatingWebhookConfiguration": ("webhooks", "clientConfig"),
    "CustomResourceDefinition": ("spec", "conversion", "webhook", "clientConfig"),
    "APIService": ("spec",),
}


def _drop_empty_authority(manifest: Manifest, tree: Tree) -> None:
    """A caBundle without a certificate holds the place for a controller that fills it in.

    Declared, it would be put back each time and take the authority away (apply.md A5). `tree` is
    a copy of ours.
    """
    here: list[JSON] = [tree]
    for name in _AUTHORITIES.get(manifest.kind, ()):
        inside = [item.get(name) for item in here if isinstance(item, dict)]
        here = [
            item for value in inside for item in (value if isinstance(value, list) else [value])
        ]
    for item in here:
        if isinstance(item, dict) and item.get("caBundle") in _NO_AUTHORITY:
            del item["caBundle"]


def _drop_node_ports_to_choose(manifest: Manifest, tree: Tree) -> None:
    """A node port of zero leaves the choice to the API server, as does saying nothing.

    Said, it makes the server choose again at each identical apply where TCP and UDP share the
    number of a port (kube-apiserver 1.36.3), and a heal cannot put a chosen one back. `tree` is a
    copy of ours.
    """
    spec = tree.get("spec")
    if manifest.group or manifest.kind != "Service" or not isinstance(spec, dict):
        return
    ports = spec.get("ports")
    for port in ports if isinstance(ports, list) else ():
        if isinstance(port, dict) and port.get("nodePort") == 0:
            del port["nodePort"]


def manifest_hash(manifest: Manifest) -> str:
    """Return a hash of the whole tree; equal trees have equal hashes, whatever their order."""
    text = json.dumps(manifest.tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _texts_for_nulls(manifest: Manifest) -> Tree:
    blocks = _TEXT_MAPS.get((manifest.group, manifest.kind))
    if blocks is None:
        return manifest.tree
    tree = dict(manifest.tree)
    for block in blocks:
        values = tree.get(block)
        if isinstance(values, dict):
            tree[block] = {k: "" if v is None else v for k, v in values.items()}
    return tree


def _without_nulls(tree: Mapping[str, JSON]) -> Tree:
    return {key: _clean(value) for key, value in tree.items() if value is not None}


def _clean(value: JSON) -> JSON:
    if isinstance(value, dict):
        return _without_nulls(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value

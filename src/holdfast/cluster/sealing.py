"""Keeps Secret values and last-applied annotations inside this room.

    seal:   data: {token: czNjcjN0}   ->  data: {token: "hmac-sha256:9f2c…"}
    open:   the way back, just before a request is sent; nothing else can.

`data` and `stringData` of core Secrets are folded into one `data` with canonical base64 (values
of `stringData` win), because the server stores them so and the comparison must see it
(docs/internals/argocd/apply.md A5). Every last-applied annotation, of whatever kind, is sealed too:
even a metadata-only list of Secrets quotes the values there (apply.md B3).

A token is an HMAC-SHA256 of the decoded value under the installation's key: equal values have
equal tokens, in every namespace and after a restart, and nobody without the key can test a guess.
"""

import base64
import binascii
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping

import orjson

from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.identity import ResourceKey
from holdfast.domain.manifest import JSON, Manifest, Tree

PREFIX = "hmac-sha256:"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LAST_APPLIED_ANNOTATIONS = (
    LAST_APPLIED,
    "kapp.k14s.io/original",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
)

_TOKEN = re.compile(r"hmac-sha256:[0-9a-f]{64}")
_LAST_APPLIED_SET = frozenset(LAST_APPLIED_ANNOTATIONS)
# What a token stands for is part of the HMAC, so that a value and an annotation never collide.
_VALUE, _ANNOTATION, _RAW = b"v\0", b"a\0", b"r\0"


class Vault:
    """Remembers what stands behind each token.

    Values of manifests that were applied stay until another version of the same object is
    applied. The rest (renders that were never applied, live values that were read) is kept by
    recency, up to a limit of bytes.
    """

    def __init__(self, unpinned_bytes: int = 32 * 1024 * 1024) -> None:
        """Start empty.

        Args:
            unpinned_bytes: How much is kept of values that no applied object uses.
        """
        self._limit = unpinned_bytes
        self._loose: OrderedDict[str, JSON] = OrderedDict()
        self._loose_bytes = 0
        self._pinned: dict[str, JSON] = {}
        self._pins: dict[str, int] = {}
        self._of_key: dict[ResourceKey, frozenset[str]] = {}

    def remember(self, token: str, value: JSON) -> None:
        """Keep what a token stands for."""
        if token in self._pins:
            self._pinned.setdefault(token, value)
            return
        if token in self._loose:
            self._loose.move_to_end(token)
            return
        self._loose[token] = value
        self._loose_bytes += _weight(value)
        while self._loose_bytes > self._limit and len(self._loose) > 1:
            _, dropped = self._loose.popitem(last=False)
            self._loose_bytes -= _weight(dropped)

    def touch(self, token: str) -> None:
        """A live object carries this token: the value behind it is in use."""
        if token in self._loose:
            self._loose.move_to_end(token)

    def find(self, token: str) -> JSON:
        """Return what a token stands for, or None."""
        return self._pinned.get(token) if token in self._pinned else self._loose.get(token)

    def pin(self, key: ResourceKey, tokens: frozenset[str]) -> None:
        """Keep these values for an object for good, instead of those pinned for it before."""
        before = self._of_key.get(key, frozenset())
        if before == tokens:
            return
        for token in tokens - before:
            self._pin(token)
        for token in before - tokens:
            self._unpin(token)
        if tokens:
            self._of_key[key] = tokens
        else:
            self._of_key.pop(key, None)

    def _pin(self, token: str) -> None:
        self._pins[token] = self._pins.get(token, 0) + 1
        if token in self._loose:
            value = self._loose.pop(token)
            self._loose_bytes -= _weight(value)
            self._pinned[token] = value

    def _unpin(self, token: str) -> None:
        self._pins[token] -= 1
        if self._pins[token] == 0:
            del self._pins[token]
            if token in self._pinned:
                self.remember(token, self._pinned.pop(token))


class Sealer:
    """Seals manifests and, for this room alone, opens them. Implements the port `Sealing`."""

    def __init__(self, key: bytes, vault: Vault | None = None) -> None:
        """Seal with a key of at least 16 bytes.

        Args:
            key: The installation's key; the same key gives the same tokens.
            vault: Where the values rest; a new one when None.
        """
        if len(key) < 16:
            raise ValueError("an installation key has at least 16 bytes")
        self._key = key
        self._vault = vault if vault is not None else Vault()

    def rekey(self, key: bytes) -> None:
        """Seal with another key from now on; what was sealed before can still be opened."""
        if len(key) < 16:
            raise ValueError("an installation key has at least 16 bytes")
        self._key = key

    def seal(self, manifest: Manifest) -> Manifest:
        """Seal a manifest from git, and remember its values so that it can be applied."""
        tree = self.seal_tree(manifest.tree, remember=True)
        return manifest if tree is manifest.tree else Manifest(tree)

    def seal_tree(self, tree: Tree, *, remember: bool) -> Tree:
        """Return the sealed tree; the same one when there was nothing to seal.

        Args:
            tree: An object, in any state between sealed and not sealed. It is not changed.
            remember: Whether the values must be openable later. False for what a watch or a list
                brings: the values of a whole cluster have no business in our memory.
        """
        metadata = tree.get("metadata")
        if isinstance(metadata, dict):
            annotations = metadata.get("annotations")
            if isinstance(annotations, dict) and not _LAST_APPLIED_SET.isdisjoint(annotations):
                sealed = self._seal_annotations(annotations, remember)
                if sealed is not annotations:
                    tree = {**tree, "metadata": {**metadata, "annotations": sealed}}
        if tree.get("kind") == "Secret" and tree.get("apiVersion") == "v1":
            tree = self._seal_secret(tree, remember)
        return tree

    def open_tree(self, tree: Tree) -> Tree:
        """Return the tree with every token replaced by what it stands for.

        Raises:
            ClusterError: HF2005, a value is not known (any more).
        """
        metadata = tree.get("metadata")
        if isinstance(metadata, dict):
            annotations = metadata.get("annotations")
            if isinstance(annotations, dict) and not _LAST_APPLIED_SET.isdisjoint(annotations):
                opened = {
                    name: self._opened(value, f"annotation {name}", tree)
                    if name in _LAST_APPLIED_SET
                    else value
                    for name, value in annotations.items()
                }
                tree = {**tree, "metadata": {**metadata, "annotations": opened}}
        data = tree.get("data")
        if data and tree.get("kind") == "Secret" and tree.get("apiVersion") == "v1":
            if isinstance(data, dict):
                opened = {k: self._opened(v, f"data.{k}", tree) for k, v in data.items()}
                tree = {**tree, "data": opened}
            else:
                tree = {**tree, "data": self._opened(data, "data", tree)}
        return tree

    def pin(self, manifest: Manifest) -> None:
        """The manifest was applied: its values must stay openable until the next apply."""
        tokens = frozenset(_tokens(manifest.tree))
        self._vault.pin(manifest.key, tokens)

    def forget(self, key: ResourceKey) -> None:
        """The object was deleted by us: its values need not stay."""
        self._vault.pin(key, frozenset())

    @staticmethod
    def text_of(value: str) -> str:
        """Return the text behind a base64 value, or `""`; to take it out of error texts."""
        content = _decode(value)
        return content.decode("utf-8", "replace") if content else ""

    def _opened(self, value: JSON, where: str, tree: Tree) -> JSON:
        if not is_token(value):
            return value
        found = self._vault.find(value)
        if found is None:
            key = Manifest(tree).key
            raise ClusterError(
                "HF2005",
                f"The value of {where} is not in memory (it is never stored), so this version "
                "of the object can't be applied.",
                about=key,
                hint="Sync the application: the value is read from git again.",
                retry=Retry.ON_PREREQUISITE,
            )
        return found

    def _seal_annotations(self, annotations: Mapping[str, JSON], remember: bool) -> Tree:
        return {
            name: self._seal_annotation(value, remember) if name in _LAST_APPLIED_SET else value
            for name, value in annotations.items()
        }

    def _seal_annotation(self, value: JSON, remember: bool) -> JSON:
        if is_token(value):
            self._vault.touch(value)
            return value
        content = value.encode() if isinstance(value, str) else orjson.dumps(value)
        return self._token(_ANNOTATION, content, value, remember)

    def _seal_secret(self, tree: Tree, remember: bool) -> Tree:
        data, text = tree.get("data"), tree.get("stringData")
        if data is None and text is None:
            return tree
        result = {key: value for key, value in tree.items() if key != "stringData"}
        for block in (data, text):
            if block is not None and not isinstance(block, dict):
                # The server will refuse it, but a value may stand in it all the same.
                result["data"] = self._seal_raw(block, remember)
                return result
        sealed = {key: self._seal_value(value, remember) for key, value in (data or {}).items()}
        for key, value in (text or {}).items():
            sealed[key] = self._seal_text(value, remember)
        result["data"] = sealed
        return result

    def _seal_value(self, value: JSON, remember: bool) -> str:
        """Seal a value of `data`: base64 text, or null for an empty one."""
        if is_token(value):
            self._vault.touch(value)
            return str(value)
        if value is None:
            return self._token(_VALUE, b"", "", remember)
        if not isinstance(value, str):
            return self._seal_raw(value, remember)
        content = _decode(value)
        if content is None:
            return self._seal_raw(value, remember)
        return self._token(_VALUE, content, base64.b64encode(content).decode(), remember)

    def _seal_text(self, value: JSON, remember: bool) -> str:
        """Seal a value of `stringData`: the text itself."""
        if value is None:
            value = ""
        if not isinstance(value, str):
            return self._seal_raw(value, remember)
        content = value.encode("utf-8", "surrogatepass")
        return self._token(_VALUE, content, base64.b64encode(content).decode(), remember)

    def _seal_raw(self, value: JSON, remember: bool) -> str:
        """Seal what is no valid value; opened again it is refused by the server, in its words."""
        if is_token(value):
            return str(value)
        return self._token(_RAW, orjson.dumps(value), value, remember)

    def _token(self, domain: bytes, content: bytes, stands_for: JSON, remember: bool) -> str:
        token = PREFIX + hmac.digest(self._key, domain + content, "sha256").hex()
        if remember:
            self._vault.remember(token, stands_for)
        else:
            self._vault.touch(token)
        return token


def is_token(value: JSON) -> bool:
    """Whether a value is a token of ours. Base64 text never is: it has no colon."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _tokens(tree: Tree) -> list[str]:
    manifest = Manifest(tree)
    found = [v for k, v in manifest.annotations.items() if k in _LAST_APPLIED_SET and is_token(v)]
    data = tree.get("data")
    if isinstance(data, dict) and manifest.kind == "Secret" and manifest.group == "":
        found.extend(value for value in data.values() if is_token(value))
    return found


def _decode(value: str) -> bytes | None:
    """Decode base64 as Go does: line breaks are skipped, anything else foreign is an error."""
    compact = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        return None


def _weight(value: JSON) -> int:
    return 100 + (len(value) if isinstance(value, str) else 1000)

"""Host keys and certificates in Argo CD's two ConfigMaps: list, add, remove (api.md §1.5, §12)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.globs import matches_glob
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.domain.manifest import Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import ClusterReader, SystemWriter
from holdfast.domain.stored_settings import (
    KNOWN_HOSTS,
    TLS_CERTIFICATES,
    DeleteTrustedKeys,
    PutTrustedKeys,
    StoredSettings,
    TrustedKey,
)

_LINES = "ssh_known_hosts"
_SSH, _HTTPS = "ssh", "https"
_MOST_DATA = 256 * 1024
_SUB_TYPE = re.compile(r"[a-z0-9@.\-]{3,80}")


@dataclass(frozen=True, slots=True)
class TrustRequests:
    """Host keys and certificates."""

    system: SystemWriter
    reader: ClusterReader
    stored: StoredSettings | None
    namespace: str

    async def carry_out(self, command: PutTrustedKeys | DeleteTrustedKeys) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        if isinstance(command, PutTrustedKeys):
            return await self.put(command)
        return await self.delete(command)

    async def put(self, command: PutTrustedKeys) -> Done:
        """Trust more.

        Raises:
            ConfigurationError: HF3006, there is another key for that host; HF3009, one is no key.
        """
        for key in command.keys:
            _check(key)
        made: list[TrustedKey] = []
        known = await self._known()
        for key in command.keys:
            before = next((one for one in known if _place(one) == _place(key)), None)
            if before is not None and before.data.strip() != key.data.strip():
                if not command.upsert:
                    raise ConfigurationError(
                        "HF3006",
                        f"there is another key for {key.host}: use upsert to replace it",
                        about=f"{key.type} {key.sub_type}".strip(),
                        retry=Retry.NEVER,
                    )
                known.remove(before)
                before = None
            if before is None:
                known.append(key)
                made.append(key)
        if made:
            await self._write(known, {key.type for key in made})
        items = [shown(key) for key in made]
        return Done("created" if made else "unchanged", {"items": items})

    async def delete(self, command: DeleteTrustedKeys) -> Done:
        """Trust less.

        Raises:
            ConfigurationError: HF3009, no host is named; HF3017, nothing fits.
        """
        if not command.host:
            raise ConfigurationError("HF3009", "name a host", retry=Retry.NEVER)
        known = await self._known()
        gone = [key for key in known if _fits(key, command)]
        if not gone:
            raise ConfigurationError(
                "HF3017", f"no host key or certificate is known for {command.host}",
                retry=Retry.NEVER,
            )  # fmt: skip
        await self._write([key for key in known if key not in gone], {key.type for key in gone})
        return Done("deleted", {"items": [shown(key) for key in gone]})

    async def list_all(self) -> list[Tree]:
        """Return all: host keys, then certificates."""
        return [shown(key) for key in await self._known()]

    async def _known(self) -> list[TrustedKey]:
        lines = (await self._data(KNOWN_HOSTS)).get(_LINES, "")
        keys = [key for line in lines.splitlines() if (key := _read_line(line)) is not None]
        certificates = await self._data(TLS_CERTIFICATES)
        return keys + [TrustedKey(host, _HTTPS, "", pem) for host, pem in certificates.items()]

    async def _data(self, name: str) -> dict[str, str]:
        found = await self.reader.get(CONFIG_MAP, self.namespace, name)
        data = found.tree.get("data") if found is not None else None
        return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}

    async def _write(self, keys: Iterable[TrustedKey], types: set[str]) -> None:
        listed = list(keys)
        if _SSH in types:
            before = (await self._data(KNOWN_HOSTS)).get(_LINES, "")
            # Comments, markers and hashed lines that we cannot name stay.
            others = [line for line in before.splitlines() if _read_line(line) is None]
            ours = [f"{k.host} {k.sub_type} {k.data}" for k in listed if k.type == _SSH]
            text = "".join(f"{line}\n" for line in [*others, *ours])
            await self._put(KNOWN_HOSTS, {_LINES: text})
        if _HTTPS in types:
            wanted: dict[str, str | None] = dict.fromkeys(await self._data(TLS_CERTIFICATES))
            wanted |= {k.host: k.data for k in listed if k.type == _HTTPS}
            await self._put(TLS_CERTIFICATES, wanted)
        if self.stored is not None:
            self.stored.forget()

    async def _put(self, name: str, data: dict[str, str | None]) -> None:
        found = await self.reader.get(CONFIG_MAP, self.namespace, name)
        if found is None:
            labels = {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name}
            tree = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
                "data": {key: value for key, value in data.items() if value is not None},
            }
            await self.system.create(Manifest(tree), SystemWrite.TRUST)
            return
        lock = {"resourceVersion": found.resource_version}
        patch: Tree = {"metadata": lock, "data": data}
        await self.system.merge_patch(CONFIG_MAP, self.namespace, name, patch, SystemWrite.TRUST)


def shown(key: TrustedKey) -> Tree:
    """Return a key as Argo CD's API writes it; `certInfo` is a fingerprint, or who is certified."""
    if key.type == _SSH:
        digest = hashlib.sha256(_decoded(key.data)).digest()
        info = "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
    else:
        info = _subject(key.data)
    return {
        "serverName": key.host,
        "certType": key.type,
        "certSubType": key.sub_type,
        "certData": None,
        "certInfo": info,
    }


def _subject(pem: str) -> str:
    from cryptography import x509  # noqa: PLC0415 - large, and few ask

    try:
        return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()
    except ValueError:
        return "unreadable"


def _check(key: TrustedKey) -> None:
    """Refuse what no program could read.

    Raises:
        ConfigurationError: HF3009.
    """
    words = ""
    if key.type not in (_SSH, _HTTPS):
        words = f"certType is {key.type!r}: give ssh or https"
    elif not key.host or any(c.isspace() for c in key.host) or len(key.host) > 253:
        words = "a host is missing, or is none"
    elif len(key.data) > _MOST_DATA:
        words = "it is too large"
    elif key.type == _SSH and not (_decoded(key.data) and _SUB_TYPE.fullmatch(key.sub_type)):
        words = "it is no host key: give its type and its base64, as ssh-keyscan prints them"
    elif key.type == _HTTPS and _subject(key.data) == "unreadable":
        words = "it is no certificate in PEM"
    if words:
        raise ConfigurationError("HF3009", words, about=f"the key of {key.host}", retry=Retry.NEVER)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _read_line(line: str) -> TrustedKey | None:
    """Return the key of a line of `known_hosts`; None for comments, markers and hashed hosts."""
    parts = line.split()
    if len(parts) < 3 or parts[0].startswith(("#", "@", "|")):
        return None
    return TrustedKey(parts[0], _SSH, parts[1], parts[2])


def _place(key: TrustedKey) -> tuple[str, str, str]:
    return (key.host, key.type, key.sub_type)


def _fits(key: TrustedKey, wanted: DeleteTrustedKeys) -> bool:
    return (
        matches_glob(wanted.host, key.host)
        and wanted.type in ("", "*", key.type)
        and wanted.sub_type in ("", "*", key.sub_type)
    )

"""One call on one object: path, request, refusal to error, answer to sealed manifest."""

from collections.abc import Sequence

import orjson

from holdfast.cluster import errors
from holdfast.cluster.discovery import Discovery
from holdfast.cluster.sealing import Sealer
from holdfast.cluster.transport import JSON_TYPE, Response, Transport
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.identity import GroupVersionKind, Uid
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import Propagation

READ_HEADERS = {"Accept": JSON_TYPE}
JSON_HEADERS = {"Accept": JSON_TYPE, "Content-Type": JSON_TYPE}
APPLY_HEADERS = {"Accept": JSON_TYPE, "Content-Type": "application/apply-patch+yaml"}
MERGE_HEADERS = {"Accept": JSON_TYPE, "Content-Type": "application/merge-patch+json"}
PATCH_HEADERS = {"Accept": JSON_TYPE, "Content-Type": "application/json-patch+json"}
STRATEGIC_HEADERS = {
    "Accept": JSON_TYPE,
    "Content-Type": "application/strategic-merge-patch+json",
}

_GONE = frozenset({"HF2003", "HF2006", "HF2008"})


class Calls:
    """What reader, writer and system writer share."""

    __slots__ = ("discovery", "sealer", "transport")

    def __init__(self, transport: Transport, discovery: Discovery, sealer: Sealer) -> None:
        """Join the three.

        Args:
            transport: The server.
            discovery: Its kinds.
            sealer: Masks what comes back.
        """
        self.transport = transport
        self.discovery = discovery
        self.sealer = sealer

    async def send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        sent: Manifest,
    ) -> Manifest:
        """Send an object and return the server's version of it, sealed.

        Args:
            method: PATCH, PUT or POST; a POST is never repeated.
            path: Path and query.
            body: The object or patch as JSON.
            headers: One of the constants above.
            sent: What is sent, sealed; names it in errors.

        Raises:
            ClusterError: the server refused, or gave no answer.
        """
        repeatable = headers is APPLY_HEADERS or headers is MERGE_HEADERS
        answer = await self.transport.request(method, path, body, headers, repeatable=repeatable)
        if answer.status >= 300:
            secrets = quotable(self.sealer, sent) if is_secret(sent.gvk) else None
            raise refusal(answer, about=sent.key, secrets=secrets)
        return self.received(answer.body)

    def received(self, body: bytes, *, remember: bool = False) -> Manifest:
        """Decode and seal an object."""
        return Manifest(self.sealer.seal_tree(orjson.loads(body), remember=remember))

    async def delete(
        self,
        path: str,
        uid: Uid | None,
        propagation: Propagation,
        about: object,
        grace_s: int | None = None,
    ) -> bool:
        """Delete an object; False when it was gone, or has another uid.

        Raises:
            ClusterError: the server refused, or gave no answer.
        """
        options: Tree = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation.value,
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        answer = await self.transport.request(
            "DELETE", path, orjson.dumps(options), JSON_HEADERS, repeatable=True
        )
        if answer.status < 300:
            return True
        error = refusal(answer, about=about)
        if error.code in _GONE and error.status in (404, 409):
            if error.code == "HF2008" and error.status != 404:
                raise error
            return False
        raise error


def refusal(
    answer: Response, *, about: object, secrets: Sequence[str] | None = None
) -> ClusterError:
    """Turn an answer that is no success into an error."""
    parsed = errors.parse_answer(answer.status, answer.body, answer.headers.get("Retry-After"))
    return errors.classify(parsed, about=about, secrets=secrets)


def is_secret(gvk: GroupVersionKind) -> bool:
    """Whether objects of this kind hold secret values."""
    return gvk.kind == "Secret" and gvk.group == ""


def quotable(sealer: Sealer, sent: Manifest) -> list[str]:
    """Return the values of a Secret that an error text could quote, in each form."""
    try:
        tree = sealer.open_tree(sent.tree)
    except ClusterError:
        return []
    values: list[str] = []
    data: JSON = tree.get("data")
    for value in data.values() if isinstance(data, dict) else [data]:
        if isinstance(value, str) and value:
            values.append(value)
            values.append(sealer.text_of(value))
    return [value for value in values if value]


def no_name(manifest: Manifest) -> ClusterError:
    """Return the error for an object that cannot be addressed."""
    return ClusterError(
        "HF2005",
        "An object with generateName and no name can be created, but not applied.",
        about=manifest.key,
        hint="Give it metadata.name, or let it be a hook.",
        retry=Retry.NEVER,
    )

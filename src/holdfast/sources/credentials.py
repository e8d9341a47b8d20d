"""How to sign in to which repository, from Argo CD's repository Secrets.

Lookup: docs/internals/argocd/controller.md §10.2. A Secret of the very repository first; has it no
credentials (or is there none), the `repo-creds` Secret with the longest matching URL prefix.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.sources.git_credentials import GitCredentials
from holdfast.sources.urls import normalise_git_url

_NOT_BUILT = (
    "tlsClientCertData",
    "githubAppID",
    "gcpServiceAccountKey",
    "useAzureWorkloadIdentity",
    "azureServicePrincipalClientId",
    "azureServicePrincipalClientID",
)
SECRET_TYPE = "argocd.argoproj.io/secret-type"  # noqa: S105 - a label's name


@dataclass(frozen=True, slots=True)
class _Entry:
    url: str
    is_prefix: bool
    credentials: GitCredentials

    @property
    def signs_in(self) -> bool:
        return bool(self.credentials.secrets or self.credentials.unsupported)


class RepositoryCredentials:
    """A `Credentials` callable over repository Secrets; `replace` takes a new set of them."""

    def __init__(self) -> None:
        """Know none."""
        self._entries: tuple[_Entry, ...] = ()

    def replace(self, secrets: Iterable[Mapping[str, object]]) -> None:
        """Take the Secrets that count from now on, as trees with their real values.

        Secrets of other types, and those without a URL, are left out.
        """
        self._entries = tuple(entry for tree in secrets if (entry := _read(tree)) is not None)

    def __call__(self, repo_url: str) -> GitCredentials | None:
        """Return how to sign in, or None."""
        wanted = normalise_git_url(repo_url)
        own = next((e for e in self._entries if not e.is_prefix and e.url == wanted), None)
        if own is not None and own.signs_in:
            return own.credentials
        fitting = [e for e in self._entries if e.is_prefix and _is_prefix(e.url, wanted)]
        if fitting:
            return max(fitting, key=lambda entry: len(entry.url)).credentials
        return own.credentials if own is not None else None


def _is_prefix(prefix: str, url: str) -> bool:
    # The host must be the whole host: `https://git.example` is no prefix of
    # `https://git.example.attacker.org/x`, which must not be sent a password.
    host = prefix.partition("://")[2].partition("/")[0]
    return bool(host) and url.startswith(prefix) and url.partition("://")[2].split("/")[0] == host


def _read(tree: Mapping[str, object]) -> _Entry | None:
    metadata = tree.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    kind = labels.get(SECRET_TYPE) if isinstance(labels, Mapping) else None
    values = _values(tree)
    url = values.get("url", "").strip()
    if kind not in {"repository", "repo-creds"} or not url:
        return None
    if values.get("type", "git") not in {"", "git"}:
        return None
    insecure = _flag(values, "insecure") or _flag(values, "insecureIgnoreHostKey")
    credentials = GitCredentials(
        username=values.get("username", ""),
        password=values.get("password", ""),
        bearer_token=values.get("bearerToken", ""),
        ssh_private_key=values.get("sshPrivateKey", ""),
        insecure=insecure,
        proxy=values.get("proxy", "").strip(),
        no_proxy=values.get("noProxy", ""),
        unsupported=tuple(key for key in _NOT_BUILT if values.get(key, "") not in {"", "false"}),
    )
    return _Entry(normalise_git_url(url), kind == "repo-creds", credentials)


def _values(tree: Mapping[str, object]) -> dict[str, str]:
    values: dict[str, str] = {}
    data = tree.get("data")
    for key, value in data.items() if isinstance(data, Mapping) else ():
        try:
            values[str(key)] = base64.b64decode(str(value), validate=True).decode()
        except ValueError:
            continue  # a broken value is as good as none: the fetch says that it has no credentials
    plain = tree.get("stringData")
    for key, value in plain.items() if isinstance(plain, Mapping) else ():
        values[str(key)] = str(value)
    return values


def _flag(values: Mapping[str, str], key: str) -> bool:
    return values.get(key, "").strip().lower() in {"true", "t", "1"}

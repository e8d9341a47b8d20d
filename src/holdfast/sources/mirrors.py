"""Talking to remote repositories: their references, and single commits of them.

Bare mirrors hold what was fetched so far. Nothing but the wanted commit is asked for (depth 1);
a server that refuses to give a single commit is asked for all branches and tags instead.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import pygit2
from pygit2.enums import CredentialType

from holdfast.domain.errors import HoldfastError, RepositoryError, Retry, ToolError
from holdfast.kit.redact import redact
from holdfast.sources.git_credentials import GitCredentials
from holdfast.sources.proxies import find_proxy
from holdfast.sources.ssh_keys import why_unusable
from holdfast.sources.urls import find_scheme

FULL_SHA = 40
_WHOLE_HISTORY = 2**31 - 1  # the depth by which git asks for everything


_SSH = CredentialType.USERNAME | CredentialType.SSH_KEY | CredentialType.SSH_MEMORY


class RemoteTalk(pygit2.RemoteCallbacks):
    """Signs in, checks certificates, and stops a transfer that takes too long."""

    def __init__(self, sign_in: GitCredentials | None, expired: Callable[[], bool]) -> None:
        super().__init__()
        self._sign_in = sign_in or GitCredentials()
        self._expired = expired
        self._tries = 0
        self.is_rejected = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must not appear in a text."""
        return self._sign_in.secrets

    def credentials(self, url: str, username_from_url: str | None, allowed_types: Any) -> Any:
        """Return what the server asks for."""
        self._tries += 1
        sign_in = self._sign_in
        if self._tries > 3:
            raise pygit2.GitError("the credentials were refused")
        if allowed_types & _SSH:
            return self._ssh_key(username_from_url or "git", allowed_types)
        name = sign_in.username or username_from_url or "git"
        if allowed_types & CredentialType.USERPASS_PLAINTEXT and sign_in.password:
            return pygit2.UserPass(name, sign_in.password)
        raise pygit2.GitError("the repository asks for credentials, and there are none for it")

    def _ssh_key(self, name: str, allowed_types: Any) -> Any:
        if not allowed_types & CredentialType.SSH_MEMORY:
            return pygit2.Username(name)  # asked for first where the URL names nobody
        key = self._sign_in.ssh_private_key
        if not key:
            raise pygit2.GitError(
                "the server asks for a key, and there is none: the repository's Secret has no"
                " sshPrivateKey"
            )
        if self._tries > 2:
            raise pygit2.GitError("the server refused the key (sshPrivateKey)")
        if reason := why_unusable(key):
            raise pygit2.GitError(f"the sshPrivateKey of its Secret cannot be used: {reason}")
        return pygit2.KeypairFromMemory(name, "", key if key.endswith("\n") else f"{key}\n", "")

    def custom_headers(self) -> list[str]:
        """Send a bearer token, which libgit2 has no credential type for."""
        token = self._sign_in.bearer_token
        return [f"Authorization: Bearer {token}"] if token else []

    def certificate_check(self, certificate: None, valid: bool, host: Any) -> bool:
        """Accept what is trusted; anything when told to."""
        self.is_rejected = not (valid or self._sign_in.insecure)
        return not self.is_rejected

    def transfer_progress(self, stats: Any) -> None:
        """Stop when the time is over."""
        if self._expired():
            raise TimeoutError

    def sideband_progress(self, string: str) -> None:
        """Stop when the time is over."""
        if self._expired():
            raise TimeoutError


class PushCallbacks(RemoteTalk):
    """Keeps what the server said about a reference that it did not take."""

    refusal = ""

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """Take the server's answer for one reference; no message is a yes."""
        if message:
            self.refusal = message


def open_mirror(folder: str) -> pygit2.Repository:
    """Return the bare mirror in a folder, made when it is missing."""
    if not os.path.isdir(os.path.join(folder, "objects")):
        os.makedirs(folder, exist_ok=True)
        return pygit2.init_repository(folder, bare=True)
    return pygit2.Repository(folder)


def list_refs(
    folder: str, url: str, sign_in: GitCredentials | None, expired: Callable[[], bool]
) -> dict[str, str]:
    """Return the references of a remote; annotated tags by the commit they point to.

    Raises:
        HoldfastError: HF1001, it cannot be read; HF4003, it took too long.
    """
    remote = open_mirror(folder).remotes.create_anonymous(url)
    proxy = way_to(url, sign_in)
    callbacks = RemoteTalk(sign_in, expired)
    heads = _guarded(url, callbacks, lambda: remote.list_heads(callbacks=callbacks, proxy=proxy))
    refs: dict[str, str] = {}
    peeled: dict[str, str] = {}
    for head in heads:
        name = str(head.name)
        if name.endswith("^{}"):
            peeled[name.removesuffix("^{}")] = str(head.oid)
        elif head.symref_target:
            refs[name] = f"ref: {head.symref_target}"
            peeled.pop(name, None)
        else:
            refs[name] = str(head.oid)
    return refs | peeled


def fetch_commit(
    folder: str,
    url: str,
    sha: str,
    sign_in: GitCredentials | None,
    expired: Callable[[], bool],
    refs: Mapping[str, str],
) -> str:
    """Bring a commit into the mirror and return its full SHA.

    Args:
        folder: The mirror.
        url: The remote.
        sha: Full or short SHA.
        sign_in: Credentials.
        expired: Whether the time is over.
        refs: What is known of the remote's references; one that points to the commit is fetched
            where the server gives no commits by their SHA (git's own default).

    Raises:
        HoldfastError: HF1001, the remote cannot be read; HF1002, it has no such commit.
    """
    repository = open_mirror(folder)
    remote = repository.remotes.create_anonymous(url)
    proxy = way_to(url, sign_in)
    found = find_commit(repository, sha)
    names = [name for name, target in refs.items() if target == sha][:1]
    for name in [sha, *names] if len(sha) == FULL_SHA and found is None else ():
        # A server that refuses is asked for all branches and tags, below.
        with contextlib.suppress(pygit2.GitError, ValueError, KeyError):
            callbacks = RemoteTalk(sign_in, expired)
            refspec = f"+{name}:refs/holdfast/{sha}"
            remote.fetch([refspec], callbacks=callbacks, proxy=proxy, depth=1)
        found = find_commit(repository, sha)
        if found is not None:
            break
    return found or _fetch_everything(repository, remote, sha, sign_in, expired)


def _fetch_everything(
    repository: pygit2.Repository,
    remote: pygit2.Remote,
    sha: str,
    sign_in: GitCredentials | None,
    expired: Callable[[], bool],
) -> str:
    everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    depth = _WHOLE_HISTORY if repository.is_shallow else 0
    url = remote.url or ""
    proxy = way_to(url, sign_in)
    callbacks = RemoteTalk(sign_in, expired)
    _guarded(
        url,
        callbacks,
        lambda: remote.fetch(everything, callbacks=callbacks, proxy=proxy, depth=depth),
    )
    found = find_commit(repository, sha)
    if found is None:
        raise RepositoryError(
            "HF1002",
            f"unable to resolve '{sha}' to a commit SHA: no branch or tag of the repository"
            " contains it",
        )
    return found


def find_commit(repository: pygit2.Repository, sha: str) -> str | None:
    """Return the full SHA of a commit that is there, or None."""
    try:
        return str(repository[sha].peel(pygit2.Commit).id)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def way_to(url: str, sign_in: GitCredentials | None) -> str | Literal[True] | None:
    """Return the proxy for a remote: its URL, None for no proxy, True for the environment's.

    Raises:
        RepositoryError: HF1001, its Secret asks for something that is not built.
    """
    if sign_in is None:
        return True
    unbuilt = list(sign_in.unsupported)
    if sign_in.proxy and find_scheme(url) == "ssh":
        unbuilt.append("proxy (for ssh)")
    if unbuilt:
        raise RepositoryError(
            "HF1001",
            f"the repository {redact(url, sign_in.secrets)} is not read: its Secret has"
            f" {', '.join(unbuilt)}, which is not built",
            hint="sign in with username and password, bearerToken or sshPrivateKey",
            retry=Retry.NEVER,
        )
    return find_proxy(url, sign_in.proxy, sign_in.no_proxy) or None


def unreadable(url: str, error: BaseException, secrets: tuple[str, ...] = ()) -> HoldfastError:
    """Return the error for a repository that cannot be read, without credentials."""
    if isinstance(error, TimeoutError):
        return ToolError("HF4003", f"fetching from {redact(url)} took too long and was stopped")
    reason = redact(str(error), secrets) or type(error).__name__
    return RepositoryError(
        "HF1001",
        f"the repository {redact(url, secrets)} cannot be read: {reason}",
        hint="check its URL, the network, and the credentials in its repository Secret",
    )


def explain_failure(url: str, callbacks: RemoteTalk, error: BaseException) -> HoldfastError:
    """Return the error for a talk with a remote that failed."""
    if not callbacks.is_rejected:
        return unreadable(url, error, callbacks.secrets)
    shown = redact(url, callbacks.secrets)
    if find_scheme(url) != "ssh":
        host = urlsplit(url).netloc.rpartition("@")[2]
        return RepositoryError(
            "HF1001",
            f"the repository {shown} cannot be read: the certificate of {host} is signed by no"
            " authority that is trusted here, or is not for this host",
            hint=f"put the authority's certificate under the key {host.partition(':')[0]} of the"
            " ConfigMap argocd-tls-certs-cm",
        )
    host, port = _ssh_host(url)
    return RepositoryError(
        "HF1001",
        f"the repository {shown} cannot be read: the host key of {host} is not one of the known"
        " ones. The server is new here, has got another key, or is not the one it should be",
        hint=f"compare what `ssh-keyscan{f' -p {port}' if port else ''} {host}` prints with what"
        " the server's owner says, and add the line to the key ssh_known_hosts of the ConfigMap"
        " argocd-ssh-known-hosts-cm",
    )


def _ssh_host(url: str) -> tuple[str, str]:
    """Return host and port (`""` for the usual one) of an ssh URL or of the scp form."""
    if "://" not in url:
        return url.partition(":")[0].rpartition("@")[2], ""
    parts = urlsplit(url)
    return parts.hostname or "", str(parts.port or "")


def _guarded(url: str, callbacks: RemoteTalk, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (pygit2.GitError, TimeoutError, OSError, ValueError, KeyError) as error:
        raise explain_failure(url, callbacks, error) from None

"""Repositories and credentials: list, add, change, remove, try (docs/internals/argocd/api.md §1.7).

Nothing that is returned from here holds a value of `HIDDEN_KEYS`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.controller.requests.connection_states import ConnectionStates, State, Try
from holdfast.controller.requests.stored import (
    SecretWrites,
    differs,
    fnv32a,
    secret_tree,
    unknown,
)
from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import Tree
from holdfast.domain.repository_urls import problem_of
from holdfast.domain.stored_settings import (
    HIDDEN_KEYS,
    CheckRepository,
    DeleteRepoCreds,
    DeleteRepository,
    ListRepositories,
    PutRepoCreds,
    PutRepository,
    SecretType,
    StoredSecret,
)
from holdfast.kit.redact import redact
from holdfast.planning.permits import normalize_repo_url

REPOSITORY, CREDS = SecretType.REPOSITORY, SecretType.REPO_CREDS
_WHAT, _WHAT_CREDS = "repository", "repository credentials"
_FLAGS = ("insecure", "enableLfs", "enableOCI", "forceHttpBasicAuth", "insecureOCIForceHttp")
_TEXTS = ("name", "username", "project", "noProxy", "githubAppID", "githubAppInstallationID",
          "githubAppEnterpriseBaseUrl", "depth")  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepositoryRequests:
    """Repositories, and credentials for many of them."""

    writes: SecretWrites
    states: ConnectionStates

    # --- repositories -------------------------------------------------------------------------

    async def carry_out(self, command: PutRepository | DeleteRepository | CheckRepository) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        match command:
            case PutRepository():
                return await self.put(command)
            case DeleteRepository():
                return await self.delete(command)
            case CheckRepository():
                return await self.check(command)

    async def put(self, command: PutRepository) -> Done:
        """Keep a repository once it could be read.

        Raises:
            ConfigurationError: HF3006, there is another one; HF3017, there is none to update.
            HoldfastError: it cannot be read.
        """
        values = _plain(command.values)
        url, project = _checked_url(values), values.get("project", "")
        before = self._find(await self._all(REPOSITORY), url, project)
        if before is None and command.must_exist:
            raise unknown(_WHAT, url)
        if before is not None and command.must_exist and not HIDDEN_KEYS & set(values):
            kept = {key: before.text(key) for key in HIDDEN_KEYS if before.text(key)}
            values = {**kept, **values}
        if before is not None and not _same(before, values):
            if not (command.upsert or command.must_exist):
                raise differs(_WHAT)
            await self._try(values)
            await self.writes.replace(before, _replacing(before, values))
            outcome = "updated"
        elif before is not None:
            outcome = "unchanged"
        else:
            await self._try(values)
            await self.writes.create(_repository_name(url, project), REPOSITORY, values)
            outcome = "created"
        return Done(outcome, {"repo": url, "type": _type(values), "name": values.get("name", "")})

    async def delete(self, command: DeleteRepository) -> Done:
        """Forget a repository.

        Raises:
            ConfigurationError: HF3017, there is none.
        """
        found = self._find(await self._all(REPOSITORY), command.url, command.project)
        if found is None:
            raise unknown(_WHAT, redact(command.url))
        await self.writes.delete([found])
        return Done("deleted")

    async def check(self, command: CheckRepository) -> Done:
        """Try to read a repository.

        Raises:
            HoldfastError: it cannot be read.
        """
        values = _plain(command.values)
        _checked_url(values)
        await self._try(values)
        return Done("checked")

    async def list_all(self, query: ListRepositories) -> list[Tree]:
        """Return all, by URL and project."""
        secrets = [one for one in await self._all(REPOSITORY)
                   if query.url in ("", redact(one.text("url")))]  # fmt: skip
        creds = await self._all(CREDS)
        trees = [secret.tree for secret in (*secrets, *creds)]
        readable = {_key(one): self._attempt(one.text("url"), [one.tree, *trees])
                    for one in secrets if _type(one.values) == "git"}  # fmt: skip
        states = await self.states.look(
            readable, refresh=query.refresh, patience_s=query.patience_s
        )
        shown = [_shown(one, creds, states.get(_key(one))) for one in secrets]
        return sorted(shown, key=lambda tree: (tree["repo"], tree.get("project", "")))

    def _attempt(self, url: str, trees: Sequence[Tree]) -> Try:
        async def attempt() -> str:
            await self.writes.reads().check_repository(url, trees)
            return ""

        return attempt

    async def _try(self, values: Mapping[str, str]) -> None:
        kind = _type(values)
        if kind != "git":
            raise ConfigurationError(
                "HF3008",
                f"repositories of type {kind} are not read yet: git alone is",
                about=redact(values["url"]),
                hint="leave --type out for a git repository",
                retry=Retry.NEVER,
            )
        own = secret_tree("new", self.writes.namespace, REPOSITORY, values)
        trees = [own, *(secret.tree for secret in await self._all(CREDS))]
        await self.writes.reads().check_repository(values["url"], trees)

    # --- credentials --------------------------------------------------------------------------

    async def carry_out_creds(self, command: PutRepoCreds | DeleteRepoCreds) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        if isinstance(command, PutRepoCreds):
            return await self.put_creds(command)
        return await self.delete_creds(command)

    async def put_creds(self, command: PutRepoCreds) -> Done:
        """Keep credentials for all repositories below a URL.

        Raises:
            ConfigurationError: HF3006, there are others; HF3017, there are none to update.
        """
        values = _plain(command.values)
        url = _checked_url(values, end="/x")  # what follows the prefix
        before = next((one for one in await self._all(CREDS) if one.text("url") == url), None)
        if before is None and command.must_exist:
            raise unknown(_WHAT_CREDS, url)
        if before is not None and not _same(before, values):
            if not (command.upsert or command.must_exist):
                raise differs(_WHAT_CREDS)
            await self.writes.replace(before, _replacing(before, values))
            outcome = "updated"
        elif before is not None:
            outcome = "unchanged"
        else:
            await self.writes.create(f"creds-{fnv32a(url)}", CREDS, values)
            outcome = "created"
        return Done(outcome, _shown_creds(values))

    async def delete_creds(self, command: DeleteRepoCreds) -> Done:
        """Forget credentials.

        Raises:
            ConfigurationError: HF3017, there are none.
        """
        found = [one for one in await self._all(CREDS) if one.text("url") == command.url]
        if not found:
            raise unknown(_WHAT_CREDS, redact(command.url))
        await self.writes.delete(found)
        return Done("deleted")

    async def list_creds(self) -> list[Tree]:
        """Return all, by URL."""
        found = [_shown_creds(one.values) for one in await self._all(CREDS)]
        return sorted(found, key=lambda tree: str(tree["url"]))

    async def _all(self, wanted: SecretType) -> Sequence[StoredSecret]:
        return await self.writes.reads().secrets(wanted)

    @staticmethod
    def _find(secrets: Sequence[StoredSecret], url: str, project: str) -> StoredSecret | None:
        same = [
            one
            for one in secrets
            if normalize_repo_url(redact(one.text("url"))) == normalize_repo_url(redact(url))
        ]
        return next((one for one in same if one.text("project") == project), None)


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value and value != "false"}


def _checked_url(values: Mapping[str, str], end: str = "") -> str:
    """Return the URL.

    Raises:
        ConfigurationError: HF3009, there is none, a password stands in it, or git knows none
            like it.
    """
    url = values.get("url", "")
    try:
        has_password = bool(urlsplit(url).password) if "://" in url else False
    except ValueError:
        has_password = False
    if not url.strip():
        raise ConfigurationError("HF3009", "a repository needs a URL", retry=Retry.NEVER)
    if has_password:
        raise ConfigurationError(
            "HF3009",
            "a password stands in the URL, and everybody who sees the repository would see it",
            about=redact(url),
            hint="leave it out of the URL; give --username and --password",
            retry=Retry.NEVER,
        )
    is_git = _type(values) == "git" and values.get("enableOCI") != "true"
    if is_git and (problem := problem_of(url + end)):
        raise ConfigurationError(
            "HF3009",
            f"this cannot be the URL of a repository: {problem}",
            about=redact(url),
            hint="give https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH",
            retry=Retry.NEVER,
        )
    return url


def _type(values: Mapping[str, str]) -> str:
    return values.get("type") or "git"


def _repository_name(url: str, project: str) -> str:
    return f"repo-{fnv32a(url + project)}"


def _key(secret: StoredSecret) -> str:
    return f"{secret.name} {secret.tree['metadata'].get('resourceVersion', '')}"


def _compared(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in _plain(values).items() if (key, value) != ("type", "git")}


def _same(before: StoredSecret, values: Mapping[str, str]) -> bool:
    return _compared(before.values) == _compared(values)


def _replacing(before: StoredSecret, values: Mapping[str, str]) -> dict[str, str]:
    return {**dict.fromkeys(before.values, ""), **values}


def signs_in(values: Mapping[str, str]) -> bool:
    """Whether these values hold a way to sign in."""
    return any(values.get(key) for key in (*HIDDEN_KEYS, "username"))


def covers(prefix: str, url: str) -> bool:
    """Whether credentials of a URL prefix are for a repository: its host must be the whole host."""
    start, wanted = normalize_repo_url(prefix), normalize_repo_url(url)
    host = prefix.partition("://")[2].partition("/")[0].lower()
    return wanted.startswith(start) and (
        not host or url.partition("://")[2].lower().split("/")[0] == host
    )


def _shown(secret: StoredSecret, creds: Sequence[StoredSecret], state: State | None) -> Tree:
    values = secret.values
    tree: Tree = {"repo": redact(secret.text("url")), "type": _type(values)}
    tree |= {name: values[name] for name in _TEXTS if values.get(name)}
    tree |= {name: True for name in _FLAGS if values.get(name, "").lower() in ("true", "1", "t")}
    if values.get("proxy"):
        tree["proxy"] = redact(values["proxy"])
    if kind := _sign_in_kind(values):
        tree["credentialsKind"] = kind
    if not signs_in(values):
        fitting = [one for one in creds if covers(one.text("url"), secret.text("url"))]
        if fitting:
            used = max(fitting, key=lambda one: len(one.text("url")))
            tree["inheritedCreds"] = True
            if used.text("username"):
                tree["username"] = used.text("username")
    if state is None:
        words = f"repositories of type {_type(values)} are not read by Holdfast yet"
        state = State("Unknown", words, "", 0.0)
    tree["connectionState"] = (state).tree
    return tree


def _sign_in_kind(values: Mapping[str, str]) -> str:
    kinds = (("sshPrivateKey", "ssh key"), ("bearerToken", "token"), ("password", "password"),
             ("githubAppPrivateKey", "GitHub App"),
             ("tlsClientCertKey", "certificate"))  # fmt: skip
    return next((words for key, words in kinds if values.get(key)), "")


def _shown_creds(values: Mapping[str, str]) -> Tree:
    tree: Tree = {"url": redact(values.get("url", ""))}
    tree |= {name: values[name] for name in ("username", "type") if values.get(name)}
    if values.get("enableOCI") == "true":
        tree["enableOCI"] = True
    if kind := _sign_in_kind(values):
        tree["credentialsKind"] = kind
    return tree

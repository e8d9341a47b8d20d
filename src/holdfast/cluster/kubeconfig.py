"""Finds out which API server to speak to, and as whom, the way kubectl does.

    --kubeconfig FILE  >  $KUBECONFIG (a list; the first that says something wins)  >
    ~/.kube/config     >  the pod's own ServiceAccount

Out comes an `Access`: plain values, files already read where they don't change. What may change
while we run (token files, credential plugins) stays a description; `signin` acts on it.

Raises `ConfigurationError` HF3001 that names the file, the entry and what to do.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import JSON, Tree
from holdfast.kit import yamlio

SERVICE_ACCOUNT_DIR = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token that stands in the kubeconfig."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A bearer token in a file that others renew; read again every minute."""

    path: Path


@dataclass(frozen=True, slots=True)
class Basic:
    """User name and password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that prints credentials (client.authentication.k8s.io).

    Attributes:
        command: Program; found on PATH, or absolute.
        args: Its words.
        env: Variables added to our environment.
        api_version: Of the ExecCredential that it speaks.
        provide_cluster_info: Whether it is told which cluster it signs in to.
        install_hint: What the kubeconfig says about getting the program.
        needs_terminal: `interactiveMode: Always`.
        user: Name of the kubeconfig entry, for messages.
    """

    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_version: str = "client.authentication.k8s.io/v1"
    provide_cluster_info: bool = False
    install_hint: str = ""
    needs_terminal: bool = False
    user: str = ""


SignIn: TypeAlias = Token | TokenFile | Basic | ExecPlugin | None


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that is needed to speak to one API server.

    Attributes:
        server: `https://host:port[/prefix]`, no slash at the end.
        sign_in: How we say who we are, besides a client certificate.
        ca: PEM of the server's authority; None means the machine's own.
        insecure: Don't check the server's certificate.
        tls_server_name: Name in the certificate when it isn't the host's.
        proxy_url: Proxy for this cluster, or `""`.
        client_cert, client_key: PEM, or None.
        impersonate: Headers that ask the server to act as another user.
        namespace: The context's namespace.
        origin: Where all this stands, for messages: a file and a context.
    """

    server: str
    sign_in: SignIn = None
    ca: bytes | None = None
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    client_cert: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)
    impersonate: tuple[tuple[str, str], ...] = ()
    namespace: str = "default"
    origin: str = ""


def find_access(
    kubeconfig: str | os.PathLike[str] | None = None,
    context: str = "",
    environ: Mapping[str, str] | None = None,
    service_account: Path = SERVICE_ACCOUNT_DIR,
) -> Access:
    """Return the access that kubectl would use.

    Args:
        kubeconfig: The flag `--kubeconfig`; it alone counts when given.
        context: The flag `--context`; `""` is the current context.
        environ: Environment variables; the process's own when None.
        service_account: Where a pod finds its token.

    Raises:
        ConfigurationError: HF3001, nothing usable was found.
    """
    env = os.environ if environ is None else environ
    paths, must_exist = _paths(kubeconfig, env)
    merged = _merge([(path, _load(path, must_exist)) for path in paths])
    if not merged.clusters and not merged.contexts and not context and kubeconfig is None:
        if "KUBERNETES_SERVICE_HOST" in env and (service_account / "token").exists():
            return in_cluster(env, service_account)
        shown = ", ".join(str(path) for path in paths)
        raise _problem(
            f"There is no kubeconfig (looked at {shown}) and this is no pod.",
            hint="Name one with --kubeconfig or KUBECONFIG, or try Holdfast without a cluster: "
            "holdfast up",
        )
    return _access(merged, context, ", ".join(str(path) for path in paths))


def in_cluster(env: Mapping[str, str], folder: Path = SERVICE_ACCOUNT_DIR) -> Access:
    """Return the access of a pod, through its ServiceAccount."""
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = folder / "namespace"
    try:
        ca = (folder / "ca.crt").read_bytes()
        own = namespace.read_text().strip() if namespace.exists() else "default"
    except OSError as error:
        raise _problem(
            f"The ServiceAccount in {folder} cannot be read: {error.strerror}."
        ) from error
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        sign_in=TokenFile(folder / "token"),
        ca=ca,
        namespace=own,
        origin=f"the ServiceAccount of this pod ({folder})",
    )


@dataclass(slots=True)
class _Merged:
    """Several files as one. Each entry keeps the folder that its relative paths start at."""

    current: str = ""
    clusters: dict[str, tuple[Tree, Path]] = field(default_factory=dict)
    users: dict[str, tuple[Tree, Path]] = field(default_factory=dict)
    contexts: dict[str, tuple[Tree, Path]] = field(default_factory=dict)


def _paths(
    kubeconfig: str | os.PathLike[str] | None, env: Mapping[str, str]
) -> tuple[list[Path], bool]:
    if kubeconfig is not None:
        return [Path(kubeconfig).expanduser()], True
    listed = [part for part in env.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part) for part in dict.fromkeys(listed)], False
    return [Path(env.get("HOME") or "~").expanduser() / ".kube" / "config"], False


def _load(path: Path, must_exist: bool) -> Tree:
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise _problem(
            f"The kubeconfig {path} does not exist.", hint="Check the flag --kubeconfig."
        ) from error
    except OSError as error:
        raise _problem(f"The kubeconfig {path} cannot be read: {error.strerror}.") from error
    try:
        tree = yamlio.load_one(text)
    except yamlio.YamlError as error:
        raise _problem(f"The kubeconfig {path} does not parse: {error}.") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise _problem(f"The kubeconfig {path} is no mapping.")
    return tree


def _merge(files: list[tuple[Path, Tree]]) -> _Merged:
    merged = _Merged()
    for path, tree in files:
        merged.current = merged.current or _text(tree.get("current-context"))
        for plural, singular, into in (
            ("clusters", "cluster", merged.clusters),
            ("users", "user", merged.users),
            ("contexts", "context", merged.contexts),
        ):
            for entry in tree.get(plural) or ():
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    value = entry.get(singular)
                    value = value if isinstance(value, dict) else {}
                    into.setdefault(entry["name"], (value, path.absolute().parent))
    return merged


def _access(merged: _Merged, context: str, files: str) -> Access:
    name = context or merged.current
    if not name:
        raise _problem(
            f"The kubeconfig {files} has no current context.",
            hint="kubectl config use-context NAME, or --kube-context NAME",
        )
    chosen = _entry(merged.contexts, name, "context", files)[0]
    cluster_name, user_name = _text(chosen.get("cluster")), _text(chosen.get("user"))
    cluster, cluster_dir = _entry(merged.clusters, cluster_name, "cluster", files)
    user: Tree = {}
    user_dir = cluster_dir
    if user_name:
        user, user_dir = _entry(merged.users, user_name, "user", files)
    origin = f"{files}, context {name}"
    access = Access(
        server=_server(cluster, cluster_name, files),
        sign_in=_sign_in(user, user_dir, user_name, files),
        ca=_pem(cluster, "certificate-authority", cluster_dir, origin),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        tls_server_name=_text(cluster.get("tls-server-name")),
        proxy_url=_proxy(cluster, cluster_name, files),
        client_cert=_pem(user, "client-certificate", user_dir, origin),
        client_key=_pem(user, "client-key", user_dir, origin),
        impersonate=_impersonate(user, user_name, files),
        namespace=_text(chosen.get("namespace")) or "default",
        origin=origin,
    )
    if (access.client_cert is None) != (access.client_key is None):
        raise _problem(
            f"User {user_name} in {files} has a client certificate or a key, but not both."
        )
    if access.insecure and access.ca is not None:
        # kubectl refuses this combination too: one of the two can't be meant.
        raise _problem(
            f"Cluster {cluster_name} in {files} has a certificate authority and "
            "insecure-skip-tls-verify: only one of them makes sense."
        )
    return access


def _entry(
    entries: Mapping[str, tuple[Tree, Path]], name: str, what: str, files: str
) -> tuple[Tree, Path]:
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise _problem(f"The kubeconfig {files} has no {what} {name!r} (there are: {known}).")
    return entries[name]


def _server(cluster: Tree, name: str, files: str) -> str:
    server = _text(cluster.get("server")).rstrip("/")
    if server and "://" not in server:
        server = f"http://{server}"
    if urlsplit(server).scheme not in ("http", "https") or not urlsplit(server).hostname:
        raise _problem(f"Cluster {name} in {files} has no usable `server` ({server!r}).")
    return server


def _proxy(cluster: Tree, name: str, files: str) -> str:
    url = _text(cluster.get("proxy-url"))
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise _problem(
            f"Cluster {name} in {files} has a proxy-url that Holdfast can't use.",
            hint="Only http:// and https:// proxies are built.",
        )
    return url


def _sign_in(user: Tree, folder: Path, name: str, files: str) -> SignIn:
    # The order is client-go's: a plugin only counts when nothing static is given.
    if path := _text(user.get("tokenFile")):
        return TokenFile(folder / path)
    if token := _text(user.get("token")):
        return Token(token)
    if username := _text(user.get("username")):
        return Basic(username, _text(user.get("password")))
    if isinstance(plugin := user.get("exec"), dict):
        return _exec(plugin, folder, name, files)
    if user.get("auth-provider"):
        raise _problem(
            f"User {name} in {files} uses an auth-provider; Kubernetes removed those in 1.26.",
            hint="Use a credential plugin (`exec`) instead, as kubectl demands too.",
        )
    return None


def _exec(plugin: Tree, folder: Path, name: str, files: str) -> ExecPlugin:
    command = _text(plugin.get("command"))
    if not command:
        raise _problem(f"User {name} in {files} has an exec plugin without a command.")
    if "/" in command:
        command = str(folder / command)
    api_version = _text(plugin.get("apiVersion"))
    if api_version not in (
        "client.authentication.k8s.io/v1",
        "client.authentication.k8s.io/v1beta1",
    ):
        raise _problem(f"The exec plugin of user {name} in {files} speaks {api_version!r}.")
    env = tuple(
        (_text(item.get("name")), _text(item.get("value")))
        for item in plugin.get("env") or ()
        if isinstance(item, dict)
    )
    return ExecPlugin(
        command=command,
        args=tuple(str(arg) for arg in plugin.get("args") or ()),
        env=env,
        api_version=api_version,
        provide_cluster_info=plugin.get("provideClusterInfo") is True,
        install_hint=_text(plugin.get("installHint")),
        needs_terminal=plugin.get("interactiveMode") == "Always",
        user=name,
    )


def _impersonate(user: Tree, name: str, files: str) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    if len(user.get("as-groups") or ()) > 1 or user.get("as-user-extra"):
        raise _problem(
            f"User {name} in {files} impersonates with several groups or with extra fields; "
            "Holdfast can do that with a user, a uid and one group alone."
        )
    if who := _text(user.get("as")):
        headers.append(("Impersonate-User", who))
    if uid := _text(user.get("as-uid")):
        headers.append(("Impersonate-Uid", uid))
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    return tuple(headers)


def _pem(entry: Tree, key: str, folder: Path, origin: str) -> bytes | None:
    """Read `KEY-data` (base64) or the file `KEY`; data wins, as in client-go."""
    if data := _text(entry.get(f"{key}-data")):
        try:
            return base64.b64decode(data, validate=False)
        except binascii.Error as error:
            raise _problem(f"{key}-data is not base64 ({origin}).") from error
    if path := _text(entry.get(key)):
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            raise _problem(
                f"{key} {folder / path} cannot be read: {error.strerror} ({origin})."
            ) from error
    return None


def with_server(access: Access, server: str) -> Access:
    """Return the access pointed at another address of the same cluster (tests, port forwards)."""
    return replace(access, server=server.rstrip("/"))


def _problem(message: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError("HF3001", message, hint=hint, retry=Retry.NEVER)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""

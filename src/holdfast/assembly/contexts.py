"""Servers that a person has signed in to: a file in the form of Argo CD's (api.md §4.3).

    contexts:        [{name, server, user}]
    current-context: cd.example.com
    servers:         [{server, insecure, plain-text, certificate-authority-data}]
    users:           [{name, auth-token}]

It holds tokens, so nobody else may read it: a file that others can read is refused.
"""

import base64
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from holdfast.assembly.chosen_server import ChosenServer
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.kit import yamlio

_SECRET_MODES = (0o600, 0o400)
_PREVIOUS = ".prev-ctx"
_FOLDER_VARIABLE = "HOLDFAST_CONFIG_DIR"
_PORT = 443


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is reached.

    Attributes:
        address: `HOST[:PORT][/PATH]` as it was typed; a path where the server has a root path.
        ca: PEM, `b""` for the machine's own authorities.
        context: The name of its entry, `""` when it has none.
        is_current: That entry is the current one.
    """

    address: str
    plaintext: bool = False
    insecure: bool = False
    ca: bytes = b""
    token: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    context: str = ""
    is_current: bool = field(default=False, compare=False)

    @property
    def url(self) -> str:
        """`http[s]://host:port[/path]`; without a port 443, as with Argo CD, also in plain text."""
        place, slash, path = self.address.partition("/")
        host, _, port = place.rpartition(":")
        has_port = bool(host) and port.isdigit() and not host.endswith(":")
        scheme = "http" if self.plaintext else "https"
        url = f"{scheme}://{place}" if has_port else f"{scheme}://{place}:{_PORT}"
        return (url + slash + quote(path, safe="/-._~%")).rstrip("/")


@dataclass(slots=True)
class ContextFile:
    """The configuration file, read."""

    path: Path
    tree: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str, environ: Mapping[str, str]) -> "ContextFile":
        """Read it; one that is not there is empty.

        Raises:
            ConfigurationError: HF3009, others can read it, or it is no such file.
        """
        where = Path(path) if path else usual_path(environ)
        try:
            mode = where.stat().st_mode & 0o777
            text = where.read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls(where)
        except (OSError, UnicodeDecodeError) as error:
            raise _refused(where, f"cannot be read: {error}", "look at --config") from error
        if mode not in _SECRET_MODES:
            words = f"holds tokens, and its mode is {mode:04o}"
            raise _refused(where, words, f"chmod 600 {where}")
        try:
            tree = yamlio.load_one(text) or {}
        except ValueError as error:
            raise _refused(where, f"is no YAML: {error}", "repair or remove it") from error
        if not isinstance(tree, dict):
            raise _refused(where, "is no configuration of ours", "repair or remove it")
        return cls(where, tree)

    @property
    def current(self) -> str:
        """Name of the current context, `""` for none."""
        return str(self.tree.get("current-context") or "")

    def names(self) -> list[tuple[str, str]]:
        """Return name and server of each context."""
        return [(str(one.get("name")), str(one.get("server"))) for one in self._all("contexts")]

    def find(self, name: str) -> Server | None:
        """Return the server of a context."""
        context = self._find("contexts", "name", name)
        if context is None:
            return None
        server = self.find_address(str(context.get("server")))
        user = self._find("users", "name", str(context.get("user"))) or {}
        return Server(
            address=server.address,
            plaintext=server.plaintext,
            insecure=server.insecure,
            ca=server.ca,
            token=str(user.get("auth-token") or ""),
            context=name,
            is_current=name == self.current,
        )

    def find_address(self, address: str) -> Server:
        """Return what is known of a server by its address."""
        entry = self._find("servers", "server", address) or {}
        return Server(
            address=address,
            plaintext=bool(entry.get("plain-text")),
            insecure=bool(entry.get("insecure")),
            ca=base64.b64decode(str(entry.get("certificate-authority-data") or "")),
        )

    def put(self, name: str, server: Server) -> None:
        """Keep a server and its token under a context, and make that the current one."""
        entry: dict[str, Any] = {
            "server": server.address,
            "insecure": server.insecure,
            "plain-text": server.plaintext,
        }
        if server.ca:
            entry["certificate-authority-data"] = base64.b64encode(server.ca).decode()
        self._put("servers", "server", entry)
        self._put("users", "name", {"name": name, "auth-token": server.token})
        context = {"name": name, "server": server.address, "user": name}
        self._put("contexts", "name", context)
        self.tree["current-context"] = name

    def forget_token(self, name: str) -> str:
        """Remove the token of a context; return it, `""` when there was none."""
        context = self._find("contexts", "name", name) or {}
        user = self._find("users", "name", str(context.get("user"))) or {}
        return str(user.pop("auth-token", "") or "")

    def switch(self, name: str) -> str:
        """Make a context the current one (`-`: the one before); return its name.

        Raises:
            ConfigurationError: HF3009, there is no such context.
        """
        previous = self.path.with_name(_PREVIOUS)
        if name == "-":
            name = previous.read_text("utf-8").strip() if previous.exists() else ""
        if self._find("contexts", "name", name) is None:
            known = ", ".join(one for one, _ in self.names()) or "none"
            raise ConfigurationError(
                "HF3009", f'there is no context "{name}"', hint=f"there is: {known}",
                retry=Retry.NEVER,
            )  # fmt: skip
        if self.current and self.current != name:
            _write(previous, self.current)
        self.tree["current-context"] = name
        return name

    def delete(self, name: str) -> bool:
        """Remove a context with its user, and its server if nobody else uses it."""
        context = self._find("contexts", "name", name)
        if context is None:
            return False
        self._drop("contexts", "name", name)
        if not any(one.get("user") == context.get("user") for one in self._all("contexts")):
            self._drop("users", "name", str(context.get("user")))
        if not any(one.get("server") == context.get("server") for one in self._all("contexts")):
            self._drop("servers", "server", str(context.get("server")))
        if self.current == name:
            self.tree["current-context"] = ""
        return True

    def save(self) -> None:
        """Write it, for this person alone.

        Raises:
            ConfigurationError: HF3009, it cannot be written.
        """
        try:
            _write(self.path, yamlio.dump(self.tree))
        except OSError as error:
            raise _refused(self.path, f"cannot be written: {error}", "give --config") from error

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.tree.get(kind) or [] if isinstance(one, dict)]

    def _find(self, kind: str, key: str, value: str) -> dict[str, Any] | None:
        return next((one for one in self._all(kind) if str(one.get(key)) == value), None)

    def _put(self, kind: str, key: str, entry: dict[str, Any]) -> None:
        before = self._find(kind, key, entry[key])
        if before is None:
            self.tree[kind] = [*self._all(kind), entry]
        else:  # what another program keeps there stays
            before.update(entry)

    def _drop(self, kind: str, key: str, value: str) -> None:
        self.tree[kind] = [one for one in self._all(kind) if str(one.get(key)) != value]


def usual_path(environ: Mapping[str, str]) -> Path:
    """Return where the file lies when nothing names one."""
    named = environ.get(_FOLDER_VARIABLE, "")
    if named:
        return Path(named) / "config"
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(environ.get("HOME") or "~").expanduser()
    return (Path(base) if base.startswith("/") else home / ".config") / "holdfast" / "config"


def find_server(chosen: ChosenServer, environ: Mapping[str, str]) -> Server | None:
    """Return the server that a command goes through; None: straight to the cluster.

    A flag wins over the environment (HOLDFAST_SERVER, HOLDFAST_AUTH_TOKEN), and that over the
    current context. Argo CD's own variables do not count: they name its server, not ours.

    Raises:
        ConfigurationError: HF3009, there is no such context, or a file or header is no good.
    """
    if chosen.is_off:
        return None
    contexts = ContextFile.read(chosen.config, environ)
    address = _below(chosen.address or environ.get("HOLDFAST_SERVER", ""), chosen.root_path)
    found: Server | None
    if address and not chosen.context:
        found = contexts.find_address(address)
        named = [name for name, server in contexts.names() if server == address]
        known = contexts.find(named[0]) if named else None
        found = known or found
    else:
        name = chosen.context or contexts.current
        found = contexts.find(name) if name else None
        if found is None and chosen.context:
            contexts.switch(chosen.context)  # says which there are
    if found is None:
        return None
    return Server(
        address=_below(found.address, chosen.root_path),
        plaintext=found.plaintext or chosen.plaintext,
        insecure=found.insecure or chosen.insecure,
        ca=_pem(chosen.certificate) if chosen.certificate else found.ca,
        token=chosen.token or environ.get("HOLDFAST_AUTH_TOKEN", "") or found.token,
        headers=tuple(_header(line) for line in chosen.headers),
        context=found.context,
        is_current=found.is_current,
    )


def _below(address: str, root_path: str) -> str:
    """Return an address with a path, where a path is given and it has none."""
    root_path = root_path.strip("/")
    return f"{address}/{root_path}" if address and root_path and "/" not in address else address


def _pem(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _refused(Path(path), f"cannot be read: {error}", "look at --server-crt") from error


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or "\n" in line or "\r" in line:
        raise ConfigurationError(
            "HF3009", f'--header "{name}": give NAME: VALUE', retry=Retry.NEVER
        )
    return name.strip(), value.strip()


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole; nobody else may ever read it, not even half written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _refused(path: Path, words: str, hint: str) -> ConfigurationError:
    return ConfigurationError("HF3009", f"{path} {words}", hint=hint, retry=Retry.NEVER)

"""The data folder: one process at a time, certificates and token that outlive it, a kubeconfig."""

import base64
import fcntl
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import TextIO

from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.ports import Clock
from holdfast.sandbox.pem import PemTexts


class DataFolder:
    """A folder that one sandbox owns while it runs.

    Attributes:
        path: The folder.
        certificates: Authority and server certificate; made once, kept.
        token: The bearer token; made once, kept.
    """

    def __init__(self, data: Path | None, clock: Clock) -> None:
        """Take the folder; None makes a temporary one that goes with `close`.

        Raises:
            ConfigurationError: HF3007, another process holds it; HF3009, it cannot be used.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if data is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="holdfast-sandbox-")
            data = Path(self._temporary.name)
        self.path = data
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _take(data)
            self.certificates = self._certificates(clock)
            self.token = self._token()
        except OSError as error:
            raise _unusable(f"The data folder {data}", error) from error

    def _certificates(self, clock: Clock) -> PemTexts:
        paths = [self.path / name for name in ("ca.crt", "server.crt", "server.key")]
        if all(path.exists() for path in paths):
            ca, certificate, key = (path.read_text() for path in paths)
            return PemTexts(ca, certificate, key)
        # Once in the life of a folder: the library weighs 11 MB.
        from holdfast.sandbox.certificates import make_certificates  # noqa: PLC0415

        made = make_certificates(clock.now())
        for path, text in zip(paths, (made.ca, made.certificate, made.key), strict=True):
            write_private(path, text)
        return made

    def _token(self) -> str:
        path = self.path / "token"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text().strip()

    def write_kubeconfig(self, path: Path, url: str) -> None:
        """Write the file that kubectl and Holdfast sign in with.

        Raises:
            ConfigurationError: HF3009, it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, kubeconfig_text(url, self.certificates.ca, self.token))
        except OSError as error:
            raise _unusable(f"The kubeconfig {path}", error, "--kubeconfig") from error

    def close(self) -> None:
        """Let the folder go."""
        self._lock.close()
        if self._temporary is not None:
            self._temporary.cleanup()


def _unusable(what: str, error: OSError, flag: str = "--data") -> ConfigurationError:
    keeps_nothing = " (--data :memory: keeps nothing)" if flag == "--data" else ""
    return ConfigurationError(
        "HF3009",
        f"{what} cannot be used: {error.strerror or error}.",
        hint=f"name another one with {flag}{keeps_nothing}, or make this one writable",
        retry=Retry.NEVER,
    )


def _take(data: Path) -> TextIO:
    """Lock the folder and write down who we are."""
    path = data / "pid"
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise ConfigurationError(
            "HF3007",
            f"The sandbox's data folder {data} is in use by process {holder}. Nothing was started.",
            about=data,
            hint="use the running one, stop it, or name another folder with --data "
            "(--data :memory: keeps nothing)",
            retry=Retry.NEVER,
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)


def kubeconfig_text(url: str, ca: str, token: str) -> str:
    """Return a kubeconfig. JSON is YAML, and every client reads it."""
    encoded = _base64(ca)
    name = "holdfast-sandbox"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": url, "certificate-authority-data": encoded}}
        ],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, "namespace": "default"}}
        ],
        "current-context": name,
    }
    return json.dumps(config, indent=2) + "\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

"""Whom git may talk to: host keys of ssh servers and certificates of https servers.

libgit2 keeps both for the whole process, so there is one `Trust` in a process at a time. Host keys
are read anew for each connection; a certificate that is trusted once stays so until the process
ends, and holds for every host (docs/reference/argocd-differences.md).
Source: docs/internals/argocd/controller.md §10.2.
"""

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from holdfast.sources import libgit2

log = logging.getLogger(__name__)

_MARKERS = ("#", "@")
_LOCK = threading.Lock()


class Trust:
    """Keeps what is trusted in a folder of its own, which libgit2 takes for the home folder."""

    def __init__(self, folder: str, own_known_hosts: Path | None = None) -> None:
        """Trust nobody yet.

        Args:
            folder: Where the lists are kept; made when it is missing.
            own_known_hosts: `known_hosts` of the person who runs the process; its lines count
                beside those that `replace` gives.
        """
        self._folder = Path(folder)
        self._own = own_known_hosts
        self._trusted: set[str] = set()
        self._untold: list[tuple[str, Path]] = []

    async def replace(
        self, known_hosts: str = "", certificates: Mapping[str, str] | None = None
    ) -> None:
        """Take the host keys that count from now on, and add certificates.

        Args:
            known_hosts: Lines as OpenSSH writes them.
            certificates: PEM text by host.
        """
        await asyncio.to_thread(self._replace, known_hosts, certificates or {})

    def _replace(self, known_hosts: str, certificates: Mapping[str, str]) -> None:
        with _LOCK:
            file = self._folder / ".ssh" / "known_hosts"
            _write(file, known_hosts_lines(known_hosts, self._own_lines()))
            for host, text in certificates.items():
                if text not in self._trusted:
                    self._trusted.add(text)
                    self._untold.append((host, self._keep(text)))
        libgit2.when_loaded(self._tell)

    def _keep(self, certificate: str) -> Path:
        digest = hashlib.sha256(certificate.encode()).hexdigest()[:24]
        file = self._folder / f"{digest}.pem"
        _write(file, certificate)
        return file

    def _tell(self) -> None:
        """Tell libgit2 what it does not know yet."""
        import pygit2  # noqa: PLC0415 - loaded by now, see libgit2
        from pygit2.enums import Option  # noqa: PLC0415 - the same

        with _LOCK:
            pygit2.option(Option.SET_HOMEDIR, str(self._folder))
            for host, file in self._untold:
                try:
                    pygit2.settings.set_ssl_cert_locations(str(file), None)
                except (pygit2.GitError, OSError, ValueError) as error:
                    log.warning(
                        "the certificate for %s in argocd-tls-certs-cm is unreadable: %s",
                        host,
                        error,
                    )
            self._untold.clear()

    def _own_lines(self) -> str:
        if self._own is None:
            return ""
        try:
            return self._own.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def known_hosts_lines(*texts: str) -> str:
    """Return the lines of `known_hosts` texts that libssh2 can read.

    Comments and lines with a marker are left out: one such line would make it read none at all.
    A key that is `@revoked` anywhere is left out everywhere.
    """
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    revoked = {"".join(line.split()[3:4]) for line in lines if line.startswith("@revoked")}
    kept = [
        line
        for line in lines
        if not line.startswith(_MARKERS)
        and len(line.split()) >= 3
        and line.split()[2] not in revoked
    ]
    return "".join(f"{line}\n" for line in dict.fromkeys(kept))


def default_known_hosts() -> Path:
    """Return the `known_hosts` of the person who runs the process."""
    return Path(os.path.expanduser("~/.ssh/known_hosts"))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)

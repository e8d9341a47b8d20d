"""A real ssh server on loopback that gives and takes git repositories."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_GIT_PROGRAMS = frozenset({"git-upload-pack", "git-receive-pack"})


class _Session(asyncssh.SSHServer):
    """Remembers its connection, so that none outlives the server."""

    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep it."""
        self._connections.append(conn)


class SshGitServer:
    """What a test needs to know of the server.

    Attributes:
        port: On 127.0.0.1.
        private_key: Signs the user `git` in, in OpenSSH's form.
        known_hosts: The line that tells the server's own key.
        users: Who signed in, in turn.
    """

    def __init__(self, kind: str = "ssh-ed25519") -> None:
        """Make keys; nothing listens yet."""
        self.port = 0
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._user_key = asyncssh.generate_private_key(kind)
        self.private_key = self._user_key.export_private_key().decode()
        self.users: list[str] = []
        self._connections: list[asyncssh.SSHServerConnection] = []

    @property
    def known_hosts(self) -> str:
        """As `ssh-keyscan` prints it."""
        return f"[127.0.0.1]:{self.port} {self._host_key.export_public_key().decode().strip()}"

    def locked_key(self, passphrase: str) -> str:
        """Return the private key as a file that asks for a passphrase holds it."""
        return self._user_key.export_private_key("pkcs8-pem", passphrase).decode()

    def url(self, repository: Path) -> str:
        """Return the ssh URL of a repository of this machine."""
        return f"ssh://git@127.0.0.1:{self.port}{repository}"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[SshGitServer]:
        """Listen on a free port."""
        keys = self._user_key.export_public_key().decode()
        server = await asyncssh.create_server(
            self._session,
            "127.0.0.1",
            0,
            server_host_keys=[self._host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(keys),
            process_factory=self._answer,
            encoding=None,
        )
        self.port = server.get_port()
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.abort()

    def _session(self) -> asyncssh.SSHServer:
        return _Session(self._connections)

    async def _answer(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        words = shlex.split(process.command or "")
        self.users.append(str(process.get_extra_info("username")))
        if len(words) != 2 or words[0] not in _GIT_PROGRAMS:
            process.stderr.write(b"only git is served here\n")
            process.exit(1)
            return
        program = await asyncio.create_subprocess_exec(
            "git", "-c", "safe.directory=*", words[0].removeprefix("git-"), words[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        feeding = asyncio.ensure_future(_feed(process, program.stdin))
        await asyncio.gather(
            _pour(program.stdout, process.stdout), _pour(program.stderr, process.stderr)
        )
        code = await program.wait()
        feeding.cancel()
        process.exit(code)


async def _feed(process: asyncssh.SSHServerProcess[bytes], program: asyncio.StreamWriter) -> None:
    try:
        while chunk := await process.stdin.read(65536):
            program.write(chunk)
            await program.drain()
    except (OSError, asyncssh.Error):
        pass  # one of the two has gone
    finally:
        program.close()


async def _pour(program: asyncio.StreamReader, out: asyncssh.SSHWriter[bytes]) -> None:
    try:
        while chunk := await program.read(65536):
            out.write(chunk)
            await out.drain()
    except (OSError, asyncssh.Error):
        pass  # the client has gone

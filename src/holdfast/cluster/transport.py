"""HTTP to one API server: bytes out, bytes in. The only module that names aiohttp.

Two pools of connections: one for requests, bounded, kept warm; one for streams (watches, logs),
which live long and must never stand in a heal's way. Every await has a time limit.

A request whose credentials are refused (401) is sent once more with renewed ones. A request that
met a connection which the server was just closing is sent once more if it is `repeatable`.
"""

import asyncio
import contextlib
import ipaddress
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from holdfast.cluster import errors
from holdfast.cluster.kubeconfig import Access
from holdfast.cluster.signin import Credentials, SignInSource
from holdfast.domain.errors import ClusterError, ConfigurationError
from holdfast.domain.ports import Clock

JSON_TYPE = "application/json"

_NO_AUTO_HEADERS = ("Accept-Encoding", "User-Agent")
_BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, and counts.

    Attributes:
        connect_s: For a TCP connection and TLS.
        request_s: For a whole request; the server itself gives webhooks up to 30 s.
        silence_s: How long a stream may say nothing. Bookmarks come every minute.
        connections: Requests in flight; more wait.
        keep_alive_s: Idle connections are kept so long; the server closes them after 90.
    """

    connect_s: float = 10.0
    request_s: float = 40.0
    silence_s: float = 100.0
    connections: int = 64
    keep_alive_s: float = 75.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Stream:
    """The body of an answer, as it arrives."""

    __slots__ = ("_response", "_where", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, where: str) -> None:
        """Wrap an answer whose headers have come."""
        self._response = response
        self._where = where
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        """Return the next bytes; `b""` when the server ended the stream properly.

        Raises:
            ClusterError: HF2001, the connection broke or was silent for too long.
        """
        try:
            return await self._response.content.readany()
        except TimeoutError as error:
            raise errors.unreachable("", where=self._where, timed_out=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise errors.unreachable(_reason(error), where=self._where) from error

    async def read_all(self) -> bytes:
        """Return the whole body; for refusals, which are short."""
        try:
            return await self._response.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return b""

    def close(self) -> None:
        """Hang up, without waiting for TLS to say goodbye."""
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.close()


class Transport:
    """One API server.

    Attributes:
        in_flight: Requests that have been sent and not answered; streams are not counted.
    """

    def __init__(self, access: Access, clock: Clock, limits: Limits | None = None) -> None:
        """Prepare; nothing is connected before the first request.

        Args:
            access: Where to and as whom.
            clock: For the age of credentials.
            limits: Times and counts.
        """
        self._access = access
        self._limits = limits or Limits()
        self._clock = clock
        self._sign_in = SignInSource(access, clock)
        self._base = access.server
        self._proxy = access.proxy_url or _environment_proxy(access.server)
        self._tls_name = access.tls_server_name or None
        self._tls: ssl.SSLContext | None = None
        self._tls_for: Credentials | None = None
        self._tls_lock = asyncio.Lock()
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        seconds = self._limits
        self._request_timeout = aiohttp.ClientTimeout(
            total=seconds.request_s, sock_connect=seconds.connect_s
        )
        self.in_flight = 0

    @property
    def server(self) -> str:
        """The address, as messages name it."""
        return self._base

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool = False,
    ) -> Response:
        """Send a request and return the answer, whatever its status.

        Args:
            method: `GET`, `PATCH` …
            path: Path and query, already quoted.
            body: What to send.
            headers: Content-Type, Accept …
            repeatable: Sending it twice does no harm.

        Raises:
            ClusterError: HF2001, there was no answer.
        """
        self.in_flight += 1
        try:
            return await self._request(method, path, body, headers, repeatable=repeatable)
        finally:
            self.in_flight -= 1

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        *,
        repeatable: bool,
    ) -> Response:
        session = self._requests or self._open_sessions()[0]
        credentials = self._sign_in.current() or await self._sign_in.obtain()
        if self._tls_for is not credentials:
            await self._prepare_tls(credentials)
        try:
            answer = await self._send(session, method, path, body, headers, credentials)
        except _BROKEN as error:
            if not repeatable or isinstance(error, aiohttp.ClientConnectorError):
                raise self._unreachable(error) from error
            answer = await self._send_again(session, method, path, body, headers, credentials)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        if answer.status == 401 and await self._sign_in.renew(credentials):
            renewed = await self._sign_in.obtain()
            await self._prepare_tls(renewed)
            return await self._send_again(session, method, path, body, headers, renewed)
        return answer

    async def open_stream(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        silence_s: float | None = None,
    ) -> Stream:
        """Begin a GET whose body is read piece by piece; the caller must `close` it.

        Args:
            path: Path and query, already quoted.
            headers: Accept …
            silence_s: How long it may say nothing; the limit of this transport when None.

        Raises:
            ClusterError: HF2001, there was no answer.
        """
        session = self._streams or self._open_sessions()[1]
        credentials = self._sign_in.current() or await self._sign_in.obtain()
        await self._prepare_tls(credentials)
        silence = self._limits.silence_s if silence_s is None else silence_s
        stream = await self._begin(session, path, headers, credentials, silence)
        if stream.status == 401 and await self._sign_in.renew(credentials):
            stream.close()
            renewed = await self._sign_in.obtain()
            await self._prepare_tls(renewed)
            return await self._begin(session, path, headers, renewed, silence)
        return stream

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()
        self._requests = self._streams = None
        await self._clock.sleep(0)  # lets the sockets of hung up streams close

    async def _send(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        credentials: Credentials,
    ) -> Response:
        async with session.request(
            method,
            URL(self._base + path, encoded=True),
            data=body,
            headers={**credentials.headers, **headers} if headers else credentials.headers,
            ssl=self._tls if self._tls is not None else True,
            server_hostname=self._tls_name,
            proxy=self._proxy,
            timeout=self._request_timeout,
            allow_redirects=False,
        ) as response:
            return Response(response.status, await response.read(), response.headers)

    async def _send_again(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        credentials: Credentials,
    ) -> Response:
        try:
            return await self._send(session, method, path, body, headers, credentials)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def _begin(
        self,
        session: aiohttp.ClientSession,
        path: str,
        headers: Mapping[str, str] | None,
        credentials: Credentials,
        silence_s: float,
    ) -> Stream:
        try:
            response = await session.get(
                URL(self._base + path, encoded=True),
                headers={**credentials.headers, **(headers or {})},
                ssl=self._tls if self._tls is not None else True,
                server_hostname=self._tls_name,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._limits.connect_s, sock_read=silence_s
                ),
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        return Stream(response, self._base)

    def _open_sessions(self) -> tuple[aiohttp.ClientSession, aiohttp.ClientSession]:
        limits = self._limits
        self._requests = _session(
            aiohttp.TCPConnector(
                limit=limits.connections, keepalive_timeout=limits.keep_alive_s, ttl_dns_cache=60
            )
        )
        self._streams = _session(aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, force_close=True))
        return self._requests, self._streams

    async def _prepare_tls(self, credentials: Credentials) -> None:
        if self._tls_for is credentials:
            return
        async with self._tls_lock:
            before = self._tls_for
            same_certificate = before is not None and (
                (before.client_cert, before.client_key)
                == (credentials.client_cert, credentials.client_key)
            )
            if not same_certificate and urlsplit(self._base).scheme == "https":
                self._tls = await asyncio.to_thread(_tls_context, self._access, credentials)
            self._tls_for = credentials

    def _unreachable(self, error: Exception) -> ClusterError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError):
            found = errors.unreachable(_reason(error), where=self._base)
            found.hint = (
                "The certificate and the certificate authority of the kubeconfig don't fit "
                f"({self._access.origin})."
            )
            return found
        timed_out = isinstance(error, TimeoutError)
        return errors.unreachable(
            "" if timed_out else _reason(error), where=self._base, timed_out=timed_out
        )


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
        headers={"User-Agent": "holdfast"},
        skip_auto_headers=_NO_AUTO_HEADERS,
        read_bufsize=1024 * 1024,
        trust_env=False,
    )


def _tls_context(access: Access, credentials: Credentials) -> ssl.SSLContext:
    cert = credentials.client_cert or access.client_cert
    key = credentials.client_key or access.client_key
    try:
        context = ssl.create_default_context(
            cadata=access.ca.decode("ascii") if access.ca is not None else None
        )
        # Certificates of many clusters lack extensions that Python 3.13 began to demand.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if access.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if cert is not None and key is not None:
            _load_pair(context, cert, key)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigurationError(
            "HF3001",
            f"A certificate or key of {access.origin} cannot be used: {_reason(error)}.",
            hint="Check certificate-authority, client-certificate and client-key.",
        ) from error
    return context


def _load_pair(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    # The ssl module reads certificates from files alone; these live for a moment, mode 0700.
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        cert_file, key_file = Path(folder) / "cert", Path(folder) / "key"
        cert_file.write_bytes(cert)
        key_file.touch(mode=0o600)
        key_file.write_bytes(key)
        context.load_cert_chain(cert_file, key_file)


def _environment_proxy(server: str) -> str | None:
    """Return the proxy that HTTPS_PROXY and NO_PROXY mean for this server; never for loopback."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if host == "localhost":
        return None
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return None
    proxy = getproxies().get(parts.scheme)
    return None if not proxy or proxy_bypass(host) else proxy


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        # Its own text shows the address of a TLS context in our memory.
        error = error.os_error
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]

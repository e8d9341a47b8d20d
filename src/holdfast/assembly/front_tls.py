"""TLS of the API and the page: our own certificate, or one that is made (api.md §2.8).

`argocd-server-tls` comes first, then `tls.crt` and `tls.key` of `argocd-secret`; where there is
none, one is made and kept there. A renewed certificate counts for the next connection.
"""

import asyncio
import datetime
import ipaddress
import logging
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.domain.errors import ConfigurationError, HoldfastError, Retry
from holdfast.domain.ports import Clock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)

OWN = "argocd-server-tls"
_LASTS = datetime.timedelta(days=365)
_EARLIER = datetime.timedelta(hours=1)


async def new_context(namespace: str, clock: Clock) -> ssl.SSLContext:
    """Return the context of a server, with a certificate of the moment.

    The port answers before the cluster does; `keep_certificate` then brings the lasting one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    made = await asyncio.to_thread(make_certificate, namespace, clock.now())
    await asyncio.to_thread(_load, context, *made)
    return context


async def file_context(chain: str, key: str) -> ssl.SSLContext:
    """Return the context of a server with a certificate from files, which were checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    await asyncio.to_thread(context.load_cert_chain, chain, key)
    return context


async def keep_certificate(
    context: ssl.SSLContext, argo: ArgoSettings, clock: Clock, supervisor: Supervisor
) -> None:
    """Give a context the certificate of the control namespace, now and whenever it changes.

    One that cannot be used, read or written is logged, and the last one stays.
    """

    async def renew() -> None:
        try:
            await asyncio.to_thread(_load, context, *await _certificate(argo, clock))
        except HoldfastError as error:
            log.warning("the last certificate stays in use: %s", error.describe())

    await renew()
    known = [_stored(argo)]

    def changed() -> None:
        found = _stored(argo)
        if found != known[0] and all(found):
            known[0] = found
            supervisor.once("certificate", renew())

    argo.changed.append(changed)
    argo.follow_secret(OWN, renew)


def _stored(argo: ArgoSettings) -> tuple[str, str]:
    return argo.secret("tls.crt"), argo.secret("tls.key")


async def _certificate(argo: ArgoSettings, clock: Clock) -> tuple[bytes, bytes]:
    """Return certificate and key (PEM)."""
    own = await argo.read_other_secret(OWN) or {}
    if own.get("tls.crt") and own.get("tls.key"):
        return own["tls.crt"], own["tls.key"]
    chain, key = _stored(argo)
    if not chain or not key:
        await argo.read()  # for sure: one that only seems to be missing would be written over
        chain, key = _stored(argo)
    if chain and key:
        return chain.encode(), key.encode()
    made = await asyncio.to_thread(make_certificate, argo.namespace, clock.now())
    await argo.fill_secret({"tls.crt": made[0].decode(), "tls.key": made[1].decode()})
    return made


def make_certificate(namespace: str, now: datetime.datetime) -> tuple[bytes, bytes]:
    """Return a self-signed certificate and its key (PEM), for a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Holdfast"),
            x509.NameAttribute(NameOID.COMMON_NAME, "argocd-server"),
        ]
    )
    names = ["localhost"]
    for service in ("argocd-server", "holdfast"):
        names += [service, *(f"{service}.{namespace}{end}" for end in _ENDS)]
    san = [x509.DNSName(one) for one in names]
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in ("127.0.0.1", "::1")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([*san, *addresses]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), text


_ENDS = ("", ".svc", ".svc.cluster.local")


def _load(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    # The ssl module reads certificates from files alone; these are gone a moment later.
    with tempfile.TemporaryDirectory(prefix="holdfast-tls-") as name:
        folder = Path(name)
        (folder / "tls.crt").write_bytes(chain)
        (folder / "tls.key").touch(mode=0o600)
        (folder / "tls.key").write_bytes(key)
        try:
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                "HF3009",
                f"the certificate of {OWN} or argocd-secret cannot be used",
                hint="tls.crt must be PEM with its chain, and tls.key its key, unencrypted",
                retry=Retry.NEVER,
            ) from error

"""Which versions and ciphers of TLS the page takes: keys `server.tls.*` (api.md §2.8, §10.4).

Ciphers are named as Go names them, or as OpenSSL does, with `:` between; they count for TLS 1.2,
as in Argo CD. Below 1.2 nothing is spoken, whatever stands there: those versions are broken.
"""

import re
import ssl
from collections.abc import Callable, Mapping

MINIMUM, MAXIMUM, CIPHERS = "server.tls.minversion", "server.tls.maxversion", "server.tls.ciphers"
_OLD = frozenset({"1.0", "1.1"})
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_GO = re.compile(r"TLS_(?:(ECDHE_RSA|ECDHE_ECDSA|RSA)_WITH_)?([A-Z0-9_]+)")
_OPENSSL = re.compile(r"[A-Za-z0-9-]+")


def limit(context: ssl.SSLContext, text: Callable[[str], str]) -> None:
    """Let a context take what the settings say; it counts for the next connection.

    Args:
        context: Of a server; stays as it was when the settings are no good.
        text: The value of a key, `""` for none.

    Raises:
        ValueError: a value is not known, or they leave nothing; in words for people.
    """
    least = _version(MINIMUM, text(MINIMUM) or "1.2")
    most = _version(MAXIMUM, text(MAXIMUM) or "1.3")
    if least > most:
        raise ValueError(f"{MINIMUM} is above {MAXIMUM}")
    # Tried first on one that nobody uses: what fails half-way must not stay half done.
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    usual = ":".join(str(cipher["name"]) for cipher in trial.get_ciphers())
    names = _ciphers(text(CIPHERS)) or usual
    for each in (trial, context):
        try:
            each.set_ciphers(names)
        except ssl.SSLError:
            raise ValueError(f"{CIPHERS}: OpenSSL knows none of them") from None
        each.minimum_version = least
        each.maximum_version = most


def check_limits(given: Mapping[str, str]) -> None:
    """Refuse values that are no good, before anything is served.

    Raises:
        ValueError: which one, in words for people.
    """
    limit(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), lambda key: given.get(key, ""))


def _version(key: str, text: str) -> ssl.TLSVersion:
    if text in _OLD:
        return ssl.TLSVersion.TLSv1_2
    if text not in _VERSIONS:
        raise ValueError(f'{key}: "{text}" is no version of TLS; give 1.2 or 1.3')
    return _VERSIONS[text]


def _ciphers(text: str) -> str:
    """Return a list for OpenSSL, `""` without any that counts for TLS 1.2."""
    return ":".join(name for part in text.split(":") if (name := _cipher(part.strip())))


def _cipher(name: str) -> str:
    """`TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` -> `ECDHE-RSA-AES256-GCM-SHA384`."""
    if not name:
        return ""
    go = _GO.fullmatch(name)
    if go is None or (go[1] is None and "_WITH_" in name):
        if _OPENSSL.fullmatch(name) is None:
            raise ValueError(f'{CIPHERS}: "{name}" is no cipher')
        return name
    if go[1] is None:  # TLS 1.3: all of its few are good, and always there
        return ""
    exchange = "" if go[1] == "RSA" else go[1].replace("_", "-") + "-"
    cipher = re.sub(r"AES_(\d+)_", r"AES\1-", go[2]).replace("CBC_", "").replace("_", "-")
    return exchange + re.sub(r"(CHACHA20-POLY1305)-SHA256", r"\1", cipher)

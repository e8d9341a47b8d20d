"""What a browser carries while it is at the provider: sealed, for five minutes (api.md §2.3).

The cookie binds the answer to the browser that asked (no sign-in into somebody else's session),
and keeps PKCE's verifier and the nonce. AES-GCM with a key that only we have.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import asdict, dataclass

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

COOKIE = "argocd.oauthstate"
LASTS_S = 300
_NONCE_BYTES = 12
_PURPOSE = b"holdfast oidc state"


@dataclass(frozen=True, slots=True)
class State:
    """One sign-in on its way; `until` is Unix time."""

    state: str
    nonce: str
    verifier: str
    return_url: str
    until: float


def seal(state: State, key: str) -> str:
    """Return the value of the cookie."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    content = AESGCM(_key(key)).encrypt(nonce, orjson.dumps(asdict(state)), _PURPOSE)
    return base64.urlsafe_b64encode(nonce + content).decode()


def open_seal(value: str, key: str, now: float) -> State | None:
    """Return what a cookie holds, None when it is not ours or too old."""
    try:
        content = base64.urlsafe_b64decode(value.encode())
        clear = AESGCM(_key(key)).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _PURPOSE)
        state = State(**orjson.loads(clear))
    except (binascii.Error, ValueError, InvalidTag, TypeError):
        return None
    return state if now < state.until else None


def cookie(value: str, *, secure: bool) -> str:
    """Return the `Set-Cookie` value; `""` removes it."""
    age = LASTS_S if value else 0
    text = f"{COOKIE}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax"
    return f"{text}; Secure" if secure else text


def _key(key: str) -> bytes:
    return hashlib.sha256(_PURPOSE + key.encode()).digest()

"""The signature of a webhook: HMAC-SHA256 over timestamp and body. Pure.

    Holdfast-Timestamp: 1767355200
    Holdfast-Signature: v1=<hex of HMAC-SHA256(secret, "1767355200." + body)>

The timestamp is of the attempt, so that a receiver may refuse what is older than a few minutes.
"""

import hashlib
import hmac

TIMESTAMP = "Holdfast-Timestamp"
SIGNATURE = "Holdfast-Signature"
DELIVERY = "Holdfast-Delivery"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of `Holdfast-Signature`."""
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()

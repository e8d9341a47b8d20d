"""What signs and what is signed, as texts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PemTexts:
    """PEM texts.

    Attributes:
        ca: The authority's certificate.
        certificate: The server's certificate, signed by it.
        key: The server's private key.
    """

    ca: str
    certificate: str
    key: str

"""What kind of private key a Secret holds, before it is given to libssh2.

libssh2 as it comes with pygit2 1.21 destroys memory when it signs with an RSA key (seen with keys
in OpenSSH's form, PKCS #1 and PKCS #8, with and without the public half): the process would end.
"""


def why_unusable(private_key: str) -> str:
    """Return why a key cannot be used, or `""`.

    Args:
        private_key: In PEM or OpenSSH's form.
    """
    # Imported here: few installations read over ssh, and the library is large.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization as keys  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    data = private_key.strip().encode() + b"\n"
    load = keys.load_ssh_private_key if b"BEGIN OPENSSH" in data else keys.load_pem_private_key
    try:
        key = load(data, None)
    except TypeError:
        return "the key is locked with a passphrase; Secrets hold keys without one"
    except (ValueError, UnsupportedAlgorithm):
        return "it is no private key in PEM or OpenSSH's form"
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA keys are not supported; make another: `ssh-keygen -t ed25519 -N ''`"
    if not isinstance(key, (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey)):
        return "keys of this kind are not supported; make another: `ssh-keygen -t ed25519 -N ''`"
    return ""

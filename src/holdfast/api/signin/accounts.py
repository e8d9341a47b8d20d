"""Local accounts: `argocd-cm` says who there is, `argocd-secret` holds what they know (§2.4)."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import orjson

from holdfast.api.access.builtin import ADMIN
from holdfast.api.people import Account, Capability, TokenRecord

log = logging.getLogger(__name__)

_PREFIX = "accounts."


class AccountSettings(Protocol):
    """What accounts are read from."""

    def cm(self) -> dict[str, str]:
        """Return all of `argocd-cm`."""
        ...

    def secrets(self) -> dict[str, str]:
        """Return all of `argocd-secret`, decoded."""
        ...


def prefix_of(name: str) -> str:
    """Return what the keys of an account in `argocd-secret` begin with."""
    return f"{ADMIN}." if name == ADMIN else f"{_PREFIX}{name}."


class AccountBook:
    """All accounts, read again after `forget`."""

    def __init__(self, settings: AccountSettings) -> None:
        """Read nothing yet."""
        self._settings = settings
        self._known: dict[str, Account] | None = None

    def forget(self) -> None:
        """Hear that settings changed."""
        self._known = None

    def all(self) -> Sequence[Account]:
        """Return all, by name."""
        return [self._accounts()[name] for name in sorted(self._accounts())]

    def find(self, name: str) -> Account | None:
        """Return one."""
        return self._accounts().get(name)

    def _accounts(self) -> dict[str, Account]:
        if self._known is None:
            self._known = read_accounts(self._settings.cm(), self._settings.secrets())
        return self._known


def read_accounts(config: dict[str, str], secrets: dict[str, str]) -> dict[str, Account]:
    """Return all accounts by name; `admin` is always one."""
    capabilities: dict[str, tuple[str, ...]] = {ADMIN: (Capability.LOGIN.value,)}
    for key, value in config.items():
        name = key.removeprefix(_PREFIX)
        if key.startswith(_PREFIX) and name and "." not in name:
            capabilities[name] = tuple(word.strip() for word in value.split(",") if word.strip())
    return {name: _account(name, able, config, secrets) for name, able in capabilities.items()}


def _account(
    name: str, capabilities: tuple[str, ...], config: dict[str, str], secrets: dict[str, str]
) -> Account:
    switch = "admin.enabled" if name == ADMIN else f"{_PREFIX}{name}.enabled"
    prefix = prefix_of(name)
    return Account(
        name=name,
        is_enabled=config.get(switch, "true").strip().lower() != "false",
        capabilities=capabilities,
        password_hash=secrets.get(f"{prefix}password", "").strip(),
        password_changed_at=_moment(secrets.get(f"{prefix}passwordMtime", "")),
        tokens=_tokens(secrets.get(f"{prefix}tokens", ""), name),
    )


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        return 0.0


def _tokens(text: str, name: str) -> tuple[TokenRecord, ...]:
    if not text.strip():
        return ()
    try:
        listed = orjson.loads(text)
        return tuple(
            TokenRecord(str(item["id"]), int(item.get("iat") or 0), int(item.get("exp") or 0))
            for item in listed or ()
        )
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
        log.warning("the tokens of account %s in argocd-secret cannot be read; none counts", name)
        return ()


def tokens_as_text(tokens: Sequence[TokenRecord]) -> str:
    """Return tokens as `argocd-secret` holds them."""
    items = []
    for token in tokens:
        item: dict[str, str | int] = {"id": token.id, "iat": token.issued_at}
        items.append({**item, "exp": token.expires_at} if token.expires_at else item)
    return orjson.dumps(items).decode()

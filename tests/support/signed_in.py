"""Sign-in over settings in memory: accounts, tokens and cookies without a cluster."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from holdfast.api.access.projects import ProjectRoles
from holdfast.api.news import News
from holdfast.api.signin.accounts import AccountBook
from holdfast.api.signin.guard import LoginGuard
from holdfast.api.signin.keeping import AccountKeeper
from holdfast.api.signin.links import OneTimeLinks
from holdfast.api.signin.passwords import Passwords
from holdfast.api.signin.revocations import Revocations
from holdfast.api.signin.sessions import LocalSessions, Parts
from holdfast.api.signin.tokens import Mint

if TYPE_CHECKING:
    from holdfast.api.people import Provider
    from holdfast.domain.ports import Clock

KEY = "k" * 44
PASSWORDS = Passwords(cost=4)
HOST = "holdfast.example.com"


@dataclass
class MemorySettings:
    """`argocd-cm`, `argocd-rbac-cm`, `argocd-secret` and other Secrets, in memory."""

    config: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=lambda: {"server.secretkey": KEY})
    others: dict[str, dict[str, bytes]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        return self.config.get(key, default)

    def switch(self, key: str, *, default: bool = False) -> bool:
        return self.config.get(key, str(default)).lower() == "true"

    def cm(self) -> dict[str, str]:
        return dict(self.config)

    def rbac(self) -> dict[str, str]:
        return dict(self.policies)

    def secret(self, key: str) -> str:
        return self.keys.get(key, "")

    def secrets(self) -> dict[str, str]:
        return dict(self.keys)

    async def put_secret(self, changes: dict[str, str | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.keys.pop(key, None)
            else:
                self.keys[key] = value

    async def fill_secret(self, changes: dict[str, str | None]) -> None:
        await self.put_secret(changes)

    async def make_secret(self, name: str, values: dict[str, str]) -> bool:
        if name in self.others:
            return False
        self.others[name] = {key: value.encode() for key, value in values.items()}
        return True

    async def read_other_secret(self, name: str) -> dict[str, bytes] | None:
        return self.others.get(name)

    async def read_settings_secret(self, name: str) -> dict[str, bytes] | None:
        return self.others.get(name)

    async def put_other_secret(self, name: str, changes: dict[str, str | None]) -> None:
        secret = self.others.setdefault(name, {})
        for key, value in changes.items():
            if value is None:
                secret.pop(key, None)
            else:
                secret[key] = value.encode()


class Entrance:
    """Sign-in with everything it is made of."""

    def __init__(
        self, clock: Clock, settings: MemorySettings, *, provider: Provider | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.news = News()
        self.projects = ProjectRoles()
        self.revocations = Revocations(settings, clock, self.news)
        self.links = OneTimeLinks(self.revocations, clock)
        self.mint = Mint(lambda: settings.secret("server.secretkey"), clock)
        self.book = AccountBook(settings)
        self.guard = LoginGuard(clock)
        self.keeper = AccountKeeper(settings, self.book, PASSWORDS, self.mint, clock)
        self.sessions = LocalSessions(
            Parts(
                settings=settings,
                clock=clock,
                accounts=self.book,
                passwords=PASSWORDS,
                mint=self.mint,
                revocations=self.revocations,
                projects=self.projects,
                links=self.links,
                guard=self.guard,
                provider=provider,
            ),
            random.Random(7),
        )

    async def give(self, name: str, password: str, capabilities: str = "login") -> None:
        """Makes an account with a password."""
        if name != "admin":
            self.settings.config[f"accounts.{name}"] = capabilities
        prefix = "admin." if name == "admin" else f"accounts.{name}."
        self.settings.keys[f"{prefix}password"] = await PASSWORDS.hash(password)
        self.book.forget()


def request(
    method: str = "GET", *, bearer: str = "", cookie: str = "", client: str = "127.0.0.1",
    **headers: str,
) -> Request:  # fmt: skip
    """A request as it would come in."""
    sent = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if bearer:
        sent["authorization"] = f"Bearer {bearer}"
    if cookie:
        sent["cookie"] = cookie
    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": "/", "raw_path": b"/", "query_string": b"",
        "scheme": "http", "server": (HOST, 80), "client": (client, 4711),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }  # fmt: skip
    return Request(scope)

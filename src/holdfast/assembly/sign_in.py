"""Sign-in and roles, built from the settings of the control namespace."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from holdfast.api.access.projects import ProjectRoles
from holdfast.api.access.roles import PolicyRoles
from holdfast.api.news import News
from holdfast.api.people import Provider
from holdfast.api.signin import first_start
from holdfast.api.signin.accounts import AccountBook
from holdfast.api.signin.guard import LoginGuard
from holdfast.api.signin.keeping import AccountKeeper
from holdfast.api.signin.links import OneTimeLinks
from holdfast.api.signin.oidc.late import LateProvider
from holdfast.api.signin.passwords import Passwords
from holdfast.api.signin.revocations import SECRET as REVOKED
from holdfast.api.signin.revocations import Revocations
from holdfast.api.signin.sessions import LocalSessions, Parts
from holdfast.api.signin.tokens import Mint
from holdfast.assembly.argo_settings import ArgoSettings
from holdfast.domain.ports import Clock
from holdfast.kit.tasks import Supervisor

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """Who may come in, and what they may do there."""

    sessions: LocalSessions
    accounts: AccountKeeper
    roles: PolicyRoles
    provider: Provider
    links: OneTimeLinks


@asynccontextmanager
async def sign_in_running(
    argo: ArgoSettings, projects: ProjectRoles, news: News, supervisor: Supervisor,
    clock: Clock,
) -> AsyncIterator[Doors]:  # fmt: skip
    """Build sign-in and roles; missing keys of `argocd-secret` are added first."""
    passwords = Passwords()
    provider = LateProvider(argo, clock)
    try:
        # Read for sure: a key that only seems to be missing would be written over.
        await argo.read()
        if provider.is_configured:
            await provider.load()
        if await first_start.prepare(argo, passwords, clock) and not argo.observes:
            log.warning("%s", first_start.how_to_read(argo.namespace))
        book, revocations = AccountBook(argo), Revocations(argo, clock, news)
        await revocations.load()
        argo.follow_secret(REVOKED, revocations.load)
        roles = PolicyRoles(argo, projects, news, supervisor.once)
        await roles.load()
        argo.changed += [book.forget, roles.settings_changed]
        mint = Mint(lambda: argo.secret("server.secretkey"), clock)
        links = OneTimeLinks(revocations, clock)
        sessions = LocalSessions(
            Parts(
                settings=argo,
                clock=clock,
                accounts=book,
                passwords=passwords,
                mint=mint,
                revocations=revocations,
                projects=projects,
                links=links,
                guard=LoginGuard(clock),
                provider=provider,
                on_login=news.logged_in,
            )
        )
        accounts = AccountKeeper(argo, book, passwords, mint, clock)
        yield Doors(sessions, accounts, roles, provider, links)
    finally:
        passwords.close()
        await provider.close()

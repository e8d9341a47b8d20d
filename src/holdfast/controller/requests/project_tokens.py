"""Tokens that a project lists for a role, in `spec.roles[]` and mirrored in `status` (api.md §1.7).

Argo CD reads both places; who is listed in neither cannot sign in.
"""

import copy
from dataclasses import dataclass

from holdfast.controller.requests.locking import locked
from holdfast.controller.requests.lookup import Lookup
from holdfast.domain.commands import Done
from holdfast.domain.errors import ConfigurationError, Retry
from holdfast.domain.manifest import JSON, Manifest, Tree
from holdfast.domain.plan import SystemWrite
from holdfast.domain.ports import SystemWriter
from holdfast.domain.project import PROJECT
from holdfast.domain.stored_settings import AddProjectToken, DeleteProjectToken


@dataclass(frozen=True, slots=True)
class ProjectTokens:
    """Lists tokens of project roles."""

    system: SystemWriter
    lookup: Lookup

    async def carry_out(self, command: AddProjectToken | DeleteProjectToken) -> Done:
        """Do it, or raise a HoldfastError that says why not."""
        if isinstance(command, AddProjectToken):
            return await self.add(command)
        return await self.delete(command)

    async def add(self, command: AddProjectToken) -> Done:
        """List a token.

        Raises:
            ConfigurationError: HF3004, there is no such project; HF3017, no such role; HF3006, a
                token has that id.
        """
        manifest, spec, at = await self._role(command.project, command.role)
        tokens = _tokens(manifest, command.role)
        if any(one.get("id") == command.token_id for one in tokens if one.get("id")):
            raise ConfigurationError(
                "HF3006", f"rpc error: token id '{command.token_id}' has been used",
                about=f"role {command.role} of project {command.project}", retry=Retry.NEVER,
            )  # fmt: skip
        token: Tree = {"iat": command.issued_at, "id": command.token_id}
        if command.expires_at:
            token["exp"] = command.expires_at
        return await self._write(manifest, spec, at, command.role, [*tokens, token])

    async def delete(self, command: DeleteProjectToken) -> Done:
        """List a token no longer; one that is not listed is gone already.

        Raises:
            ConfigurationError: HF3004, there is no such project; HF3017, no such role.
        """
        manifest, spec, at = await self._role(command.project, command.role)
        tokens = _tokens(manifest, command.role)
        kept = [one for one in tokens if not _is_meant(one, command)]
        if len(kept) == len(tokens):
            return Done("unchanged", manifest.tree)
        return await self._write(manifest, spec, at, command.role, kept)

    async def _role(self, project: str, role: str) -> tuple[Manifest, Tree, int]:
        manifest = (await self.lookup.project(project)).manifest
        spec: Tree = copy.deepcopy(manifest.tree.get("spec") or {})
        names = [one.get("name") for one in spec.get("roles") or ()]
        if role not in names:
            raise ConfigurationError(
                "HF3017", f"project '{project}' does not have role '{role}'", retry=Retry.NEVER
            )
        return manifest, spec, names.index(role)

    async def _write(
        self, manifest: Manifest, spec: Tree, at: int, role: str, tokens: list[Tree]
    ) -> Done:
        spec["roles"][at]["jwtTokens"] = tokens
        status: Tree = copy.deepcopy(manifest.tree.get("status") or {})
        status.setdefault("jwtTokensByRole", {})[role] = {"items": tokens}
        steps: list[Tree] = [
            {"op": "add", "path": "/spec", "value": spec},
            {"op": "add", "path": "/status", "value": status},
        ]
        changed = await self.system.json_patch(
            PROJECT, manifest.namespace, manifest.name, locked(manifest, steps), SystemWrite.PROJECT
        )
        return Done("updated", changed.tree)


def _tokens(manifest: Manifest, role: str) -> list[Tree]:
    """Return what is listed in either place, once each."""
    roles: JSON = manifest.at("spec", "roles") or []
    spec: Tree = next((one for one in roles if one.get("name") == role), {})
    mirrored: JSON = manifest.at("status", "jwtTokensByRole", role, "items") or []
    found: dict[tuple[object, object], Tree] = {}
    for one in [*(spec.get("jwtTokens") or ()), *mirrored]:
        found.setdefault((one.get("iat"), one.get("id")), dict(one))
    return list(found.values())


def _is_meant(token: Tree, command: DeleteProjectToken) -> bool:
    if command.token_id:
        return token.get("id") == command.token_id
    return int(token.get("iat") or 0) == command.issued_at

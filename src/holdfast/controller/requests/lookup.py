"""Read Applications and projects, with an error for each way in which they can be missing."""

from dataclasses import dataclass

from holdfast.domain.application import APPLICATION, Application, no_such_application
from holdfast.domain.errors import ConfigurationError
from holdfast.domain.identity import AppKey
from holdfast.domain.manifest import Manifest
from holdfast.domain.ports import ClusterReader, Kinds
from holdfast.domain.project import PROJECT, Project

INSTALL_HINT = "holdfast install --crds-only | kubectl apply --server-side -f -"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Reads from the control namespace."""

    reader: ClusterReader
    kinds: Kinds
    control_namespace: str

    async def application(self, app: AppKey) -> Application:
        """Return an Application.

        Raises:
            ConfigurationError: HF3003, it does not exist; HF3010, its kind does not.
        """
        found = await self.find_application(app)
        if found is None:
            raise no_such_application(app)
        return Application.parse(found)

    async def find_application(self, app: AppKey) -> Manifest | None:
        """Return an Application object, or None."""
        await self.check_installed()
        return await self.reader.get(APPLICATION, app.namespace, app.name)

    async def project(self, name: str) -> Project:
        """Return a project.

        Raises:
            ConfigurationError: HF3004, it does not exist.
        """
        found = await self.find_project(name)
        if found is None:
            raise ConfigurationError(
                "HF3004",
                f'appprojects.argoproj.io "{name}" not found in namespace {self.control_namespace}',
                hint="`holdfast proj list` shows what is there",
            )
        return found

    async def find_project(self, name: str) -> Project | None:
        """Return a project, or None."""
        await self.check_installed()
        found = await self.reader.get(PROJECT, self.control_namespace, name)
        return Project.parse(found) if found is not None else None

    async def check_installed(self) -> None:
        """Make sure that the cluster knows Applications.

        Raises:
            ConfigurationError: HF3010, it does not.
        """
        if self.kinds.find(APPLICATION) is not None:
            return
        await self.kinds.refresh()
        if self.kinds.find(APPLICATION) is None:
            raise ConfigurationError(
                "HF3010",
                "this cluster does not know applications.argoproj.io yet",
                hint=f"`holdfast run` installs what is missing, or: {INSTALL_HINT}",
            )

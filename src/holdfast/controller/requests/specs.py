"""Whether a spec may be written: destination, project, repository (api.md §1.6.3)."""

from dataclasses import dataclass

from holdfast.controller.requests.lookup import Lookup
from holdfast.controller.requests.rendering import Rendering
from holdfast.domain.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER, Application
from holdfast.domain.errors import ConfigurationError, HoldfastError, RepositoryError, ToolError
from holdfast.domain.manifest import Tree
from holdfast.planning.validate import resolve_destination, validate_spec

CHECKED_ELSEWHERE = frozenset({"HF1009", "HF3008", "HF4001"})
"""What only the controller can judge: its local folders, its source types, its tools."""


@dataclass(frozen=True, slots=True)
class SpecChecks:
    """Checks a spec before it is written."""

    lookup: Lookup
    rendering: Rendering

    async def check(self, app: Application, *, validate: bool) -> tuple[str, ...]:
        """Return sentences about what could not be checked from here.

        Args:
            app: The Application as it would be.
            validate: False leaves out the repository; destination and project are always checked.

        Raises:
            ConfigurationError: HF3004, HF3006: what is wrong, in Argo CD's words.
        """
        name = app.key.name
        destination = resolve_destination(app.destination)
        if isinstance(destination, str):
            raise self._refused(
                app,
                f"application destination spec for {name} is invalid: {destination}",
                f"the cluster that Holdfast runs in is {IN_CLUSTER_SERVER}, by name "
                f"{IN_CLUSTER_NAME}; it deploys to no other yet",
            )
        project = await self.lookup.find_project(app.project)
        wrong = validate_spec(app, project, self.lookup.control_namespace)
        if wrong:
            words = "; ".join(f"{item.type}: {item.message}" for item in wrong)
            there = "`holdfast proj list` shows what is there" if project is None else ""
            raise self._refused(app, f"application spec for {name} is invalid: {words}", there)
        if not validate or app.is_hydrated:
            return ()
        try:
            await self.rendering.render(app)
        except (RepositoryError, ToolError, ConfigurationError) as error:
            if error.code in CHECKED_ELSEWHERE:
                return (f"not checked from here: {error.message}",)
            raise self._unusable(app, error) from error
        return ()

    def _unusable(self, app: Application, error: HoldfastError) -> ConfigurationError:
        path = app.sources[0].path if app.sources else ""
        return ConfigurationError(
            "HF3006",
            f"application spec for {app.key.name} is invalid: InvalidSpecError: Unable to generate "
            f"manifests in {path or '.'}: {error.message} ({error.code})",
            about=app.key,
            hint=error.hint or "--validate=false writes it all the same",
        )

    def _refused(self, app: Application, message: str, hint: str) -> ConfigurationError:
        return ConfigurationError("HF3006", message, about=app.key, hint=hint)


def normalise(spec: Tree) -> Tree:
    """Return the spec as the API server stores it (controller.md §1.2, last paragraph)."""
    result = dict(spec)
    result["project"] = result.get("project") or "default"
    if not result.get("syncPolicy", True):
        del result["syncPolicy"]
    if isinstance(result.get("source"), dict):
        result["source"] = _without_empty_tools(result["source"])
    if isinstance(result.get("sources"), list):
        result["sources"] = [_without_empty_tools(source) for source in result["sources"]]
    return result


def _without_empty_tools(source: Tree) -> Tree:
    empty = {
        tool
        for tool in ("helm", "kustomize", "directory")
        if isinstance(source.get(tool), dict) and not any(source[tool].values())
    }
    return {key: value for key, value in source.items() if key not in empty}

"""The projects that are known, each with what it inherits from global projects."""

from typing import Any

from holdfast.domain.project import Project
from holdfast.planning.global_projects import GlobalProject, with_inherited


class Projects(dict[str, Project]):
    """Projects by name. What is put in is the project alone; what comes out has inherited."""

    def __init__(self) -> None:
        """Start empty; nothing is inherited before `inherit`."""
        super().__init__()
        self._own: dict[str, Project] = {}
        self._entries: tuple[GlobalProject, ...] = ()

    def inherit(self, entries: tuple[GlobalProject, ...]) -> None:
        """Use these entries of `globalProjects` from now on."""
        self._entries = entries
        self._renew()

    def __setitem__(self, name: str, project: Project) -> None:
        """Remember a project as it is written."""
        self._own[name] = project
        self._renew()

    def __delitem__(self, name: str) -> None:
        """Forget a project."""
        del self._own[name]
        self._renew()

    def pop(self, name: str, *default: Any) -> Any:
        """Forget a project, and return it as it was."""
        found = self.get(name, *default) if default else self[name]
        if name in self._own:
            del self[name]
        return found

    def _renew(self) -> None:
        """Projects are few, and seldom change: all are made anew."""
        self.clear()
        for name, project in self._own.items():
            super().__setitem__(name, with_inherited(project, self._own, self._entries))

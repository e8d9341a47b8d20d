"""`/settings/projects` and one project: its limits, roles and windows."""

from collections import Counter

from holdfast.api.failures import ApiError, Code, denied
from holdfast.api.page.board import Board, Visit
from holdfast.api.page.screen import Screen
from holdfast.api.page.screens.settings import settings_screen
from holdfast.api.page.settings_view import project_of
from holdfast.api.page.settings_week import Calendar, calendar_of, week_start
from holdfast.domain.application import DEFAULT_PROJECT
from holdfast.domain.errors import HoldfastError
from holdfast.domain.queries import GetProject
from holdfast.domain.stored_settings import GetWindowWeek, ListGlobalProjects

_VIEWS = ("limits", "roles", "windows")
_FAR = 52


async def show_all(board: Board, visit: Visit) -> Screen:
    """Show the projects that the caller may see."""
    counts = await _counts(board)
    views = [
        project_of(tree, counts[name], board.now)
        for tree in board.services.applications.projects()
        if visit.may("projects", "get", name := str(tree["metadata"]["name"]))
    ]
    values = {"projects": views, "may_create": visit.may("projects", "create", "*")}
    return settings_screen("settings_projects.html", "projects", values)


async def show_one(board: Board, visit: Visit) -> Screen:
    """Show one project; `view` is limits, roles or windows, `week` counts from this one."""
    name, query = visit.path["name"], visit.request.query_params
    if not visit.may("projects", "get", name):
        raise denied("There is no such project, or you may not see it.")
    user, questions = visit.caller.username, board.services.queries
    try:
        tree = await questions.answer(GetProject(name), user)
    except HoldfastError as error:
        if error.code == "HF3004":
            raise ApiError(Code.NOT_FOUND, error.message) from error
        raise
    inherits, trouble = [], ""
    try:
        found = await questions.answer(ListGlobalProjects(name), user)
        inherits = [str(one["metadata"]["name"]) for one in found]
    except HoldfastError as error:
        trouble = error.message
    view = query.get("view", "limits")
    view = view if view in _VIEWS else "limits"
    project = project_of(tree, (await _counts(board))[name], board.now, inherits)
    may_update = visit.may("projects", "update", name)
    groups = set(visit.caller.groups)
    values = {
        "project": project,
        "view": view,
        "trouble": trouble,
        "calendar": None,
        "week": 0,
        "makes": query.get("token", ""),
        "may_update": may_update,
        "may_token": {
            role.name: board.services.sessions is not None
            and (may_update or bool(groups & set(role.groups)))
            for role in project.roles
        },
        "may_delete": name != DEFAULT_PROJECT and visit.may("projects", "delete", name),
    }
    if view == "windows" and project.windows:
        week = _week(query.get("week", "0"))
        values |= {"week": week, "calendar": await _calendar(board, visit, name, week)}
    return settings_screen("settings_project.html", "projects", values, name)


async def _calendar(board: Board, visit: Visit, name: str, week: int) -> Calendar:
    start = week_start(board.now, week)
    question = GetWindowWeek(name, start.isoformat())
    found = await board.services.queries.answer(question, visit.caller.username)
    return calendar_of(found, start, board.now)


def _week(asked: str) -> int:
    is_number = asked.removeprefix("-").isdigit() and len(asked) < 4
    return max(-_FAR, min(_FAR, int(asked))) if is_number else 0


async def _counts(board: Board) -> Counter[str]:
    counts: Counter[str] = Counter()
    async for tree in board.services.applications.each():
        counts[str((tree.get("spec") or {}).get("project") or DEFAULT_PROJECT)] += 1
    return counts

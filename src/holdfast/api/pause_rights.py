"""Who may see a pause, and who may end it: those who could have made it.

An Application's (or one object's) belongs to who may change the Application, a project's or
cluster's to who may change that, one of everything to who may change every Application.
"""

from typing import Any

from holdfast.api.applications import APPLICATIONS, target_of
from holdfast.api.call import Call
from holdfast.domain.identity import AppKey
from holdfast.domain.pause import Pause, PauseScope

EVERY_APPLICATION = "*/*"


def may_with_pause(call: Call[Any, Any], pause: Pause | None, action: str) -> bool:
    """Whether the caller may see (`get`) or end (`update`) a pause.

    None stands for one that cannot be read: it could be about anything.
    """
    if pause is None:
        return call.may(APPLICATIONS, action, EVERY_APPLICATION)
    match pause.scope:
        case PauseScope.APPLICATION | PauseScope.OBJECT:
            namespace = pause.app_namespace or call.services.facts.control_namespace
            app = call.services.applications.find(AppKey(namespace, pause.target))
            target = target_of(call, app) if app is not None else EVERY_APPLICATION
            return call.may(APPLICATIONS, action, target)
        case PauseScope.PROJECT:
            return call.may("projects", action, pause.target)
        case PauseScope.CLUSTER:
            return call.may("clusters", action, pause.target)
        case PauseScope.ALL:
            return action == "get" or call.may(APPLICATIONS, action, EVERY_APPLICATION)

"""What all shapes share."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

JsonObject = dict[str, Any]
"""An object of Kubernetes or Argo CD that is passed on as it is: no field is ever lost."""


class Shape(BaseModel):
    """A shape of Argo CD's contract: unknown fields pass, as in its own gateway (api.md §1.1)."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, frozen=True)


class OurShape(BaseModel):
    """A shape of ours: a field that we don't know is a mistake that the caller should hear of."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Nothing(Shape):
    """No query parameters, or the answer `{}`."""


def _go_bool(value: object) -> object:
    """Take what Go's `strconv.ParseBool` takes."""
    if isinstance(value, str):
        if value in {"1", "t", "T", "TRUE", "true", "True"}:
            return True
        if value in {"0", "f", "F", "FALSE", "false", "False"}:
            return False
    return value


Switch = Annotated[bool, BeforeValidator(_go_bool)]
"""A truth value in a query, in any of Go's spellings."""

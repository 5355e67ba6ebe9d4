"""The types behind the forms: what a marketer can choose, as it stood when this process started, and what is said of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field

from flows.choices import drop_down
from nurture.engine.letting_in import ENTRY_RULE, Form, Moment, campaigns, moment, segments
from nurture.settings import Settings

__all__ = ["Audience", "Campaign", "Count", "Moment", "moment", "told_as"]

Function = TypeVar("Function", bound=Callable[..., object])
Count = Annotated[int, Field(ge=0)]
"""A limit; 0 for none."""

if TYPE_CHECKING:
    Campaign = str
    Audience = str
else:
    _home = Settings().home
    Campaign = drop_down(campaigns(_home))
    Audience = drop_down((ENTRY_RULE, *segments(_home)))


def told_as(form: type[Form]) -> Callable[[Function], Function]:
    """The parameters of this flow are described as the fields of `form` are: Prefect reads it in the docstring."""

    def described(function: Function) -> Function:
        lines = (f"    {name}: {field.description}" for name, field in form.model_fields.items())
        function.__doc__ = "\n".join((inspect.cleandoc(function.__doc__ or ""), "", "Args:", *lines))
        return function

    return described

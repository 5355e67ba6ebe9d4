"""Forms and questionnaires that a message leads to: what is asked, and what an answer becomes.

`content/<name>/form.<language>.json`, beside the mail whose `{{ form_url }}` leads there:

    {"title": "Five questions", "intro": "...", "thanks": "...", "tags": ["answered"],
     "fields": [{"name": "budget", "label": "Your budget", "type": "choice", "choices": ["none yet", "this year"]}]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from nurture import strict_json
from nurture.identity import BadIdentity, normalise_email, normalise_phone
from nurture.problems import Problem, pointer

__all__ = ["Answers", "Choice", "Form", "FormField", "read_answers", "read_form"]

FieldType = Literal["text", "long_text", "number", "email", "phone", "date", "yes_no", "choice", "choices"]
NOT_ASKED = frozenset(
    "email id phone wechat owner score tags consent basis status language time_zone external_id".split()
)
"""What says who a lead is, or belongs to us: nobody may change it who merely holds a link."""
MOST_FIELDS, MOST_CHOICES = 40, 60
LONGEST = {"text": 500, "long_text": 5_000, "number": 30, "email": 254, "phone": 40, "date": 10}
_number = re.compile(r"-?\d{1,11}(?:\.\d{1,4})?").fullmatch

Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Choice(_Part):
    """One answer to choose: what is shown, what is kept, and the tags it puts on."""

    value: Words
    label: Words
    tags: list[Tag] = []


class FormField(_Part):
    """One question."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    label: Words
    type: FieldType = "text"
    choices: list[Choice] = Field([], max_length=MOST_CHOICES)
    required: bool = False
    help: str = Field("", max_length=2_000)

    @field_validator("name")
    @classmethod
    def _not_identity(cls, name: str) -> str:
        if name in NOT_ASKED:
            raise ValueError(f"a form cannot change the lead's {name}; call the field something else")
        return name

    @field_validator("choices", mode="before")
    @classmethod
    def _plain(cls, choices: object) -> object:
        if isinstance(choices, list):
            return [{"value": one, "label": one} if isinstance(one, str) else one for one in choices]
        return choices

    @model_validator(mode="after")
    def _chosen(self) -> FormField:
        if (self.type in ("choice", "choices")) != bool(self.choices):
            raise ValueError("a choice has `choices`, and nothing else has")
        return self


class Form(_Part):
    """A page of questions."""

    title: Words
    fields: list[FormField] = Field(min_length=1, max_length=MOST_FIELDS)
    intro: str = Field("", max_length=5_000)
    thanks: str = Field("", max_length=5_000)
    tags: list[Tag] = []

    @model_validator(mode="after")
    def _once(self) -> Form:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("two fields have the same name")
        return self


def read_form(text: str) -> tuple[Form | None, list[Problem]]:
    """The form in this text, and all that is wrong with it."""
    value, problems = strict_json.read(text)
    if problems:
        return None, problems
    try:
        return Form.model_validate(value), []
    except ValidationError as error:
        return None, [
            Problem(pointer(*one["loc"]), "E_FORM", one["msg"].removeprefix("Value error, ")) for one in error.errors()
        ]


Answers = tuple[dict[str, str | float | int | bool], list[str]]
"""Fields of the lead, and tags."""


def read_answers(form: Form, given: Mapping[str, Sequence[str]]) -> tuple[Answers, dict[str, str]]:
    """What somebody filled in, as far as it is right, and by field what is not, as a code: `missing`, `too_long`,
    `not_a_number`, `not_an_address`, `not_a_date`, `not_a_choice`. A field left empty takes nothing away."""
    fields: dict[str, str | float | int | bool] = {}
    tags = list(form.tags)
    wrong: dict[str, str] = {}
    for field in form.fields:
        values = [value.strip() for value in given.get(field.name, ()) if value.strip()]
        if not values:
            if field.required:
                wrong[field.name] = "missing"
            continue
        code = _fault(field, values)
        if code:
            wrong[field.name] = code
            continue
        fields[field.name] = _kept(field, values)
        chosen = set(values) if field.choices else set()
        tags += [tag for choice in field.choices if choice.value in chosen for tag in choice.tags]
    return (fields, list(dict.fromkeys(tags))), wrong


def _fault(field: FormField, values: list[str]) -> str:
    """What is wrong with these values, or ''."""
    if any("\0" in value or (not value.isprintable() and field.type != "long_text") for value in values):
        return "not_a_text"
    if field.choices:
        known = {choice.value for choice in field.choices}
        unknown = any(value not in known for value in values)
        return "not_a_choice" if unknown or (field.type == "choice" and len(values) > 1) else ""
    if len(values) > 1 or len(values[0]) > LONGEST.get(field.type, 500):
        return "too_long"
    value = values[0]
    try:
        match field.type:
            case "number":
                return "" if _number(value) else "not_a_number"
            case "email":
                normalise_email(value)
            case "phone":
                normalise_phone(value)
            case "date":
                date.fromisoformat(value)
            case "yes_no":
                return "" if value in ("yes", "no") else "not_a_choice"
    except BadIdentity:
        return "not_an_address"
    except ValueError:
        return "not_a_date"
    return ""


def _kept(field: FormField, values: list[str]) -> str | float | int | bool:
    if field.type == "choices":
        return "; ".join(dict.fromkeys(values))
    if field.type == "yes_no":
        return values[0] == "yes"
    if field.type == "number":
        return float(values[0]) if "." in values[0] else int(values[0])
    return values[0]

"""Note something down."""

from typing import Annotated, ClassVar

from nurture import Go, Node, Snapshot, checked, effects, invalid, setting

ELSEWHERE = {"tags": "use a `tag` node", "score": "use a `score` node", "owner": "use a `route` node"}
IDENTITY = ("id", "key", "email", "phone", "wechat", "basis", "consent", "language", "time_zone")


def _ours(field: str) -> str:
    if field in ELSEWHERE:
        raise invalid("E_FIELD", f"'{field}' is no field to set", ELSEWHERE[field])
    if field in IDENTITY or field.startswith("signals."):
        raise invalid("E_FIELD", f"'{field}' is not a campaign's to set", "it is for the lead to say")
    if field != field.strip() or not field.isprintable() or '"' in field or "\\" in field:
        raise invalid(
            "E_FIELD", "a field's name has no quotes, backslashes or control characters, and no blanks around it"
        )
    return field


def _short(value: str | int | float | bool | None) -> str | int | float | bool | None:
    if len(str(value)) > 1000 or str(value) in ("nan", "inf", "-inf"):
        raise invalid("E_FIELD", "the value is longer than 1,000 characters, or no number at all")
    return value


class SetField(Node):
    """Set a field of the lead to a value, or forget it."""

    zh: ClassVar[str] = "设置或清除线索的某个字段。"
    title_zh: ClassVar[str] = "设置字段"

    field: Annotated[str, checked(_ours)] = setting(min_length=1, max_length=100, en="The field", zh="字段")
    value: Annotated[str | int | float | bool | None, checked(_short)] = setting(
        en="Its new value; null forgets it", zh="新值；null 为清除"
    )

    def decide(self, snapshot: Snapshot) -> Go:
        said = f"{self.field} is forgotten" if self.value is None else f"{self.field} is now {self.value}"
        return Go("next", (effects.SetField(self.field, self.value),), because=said)

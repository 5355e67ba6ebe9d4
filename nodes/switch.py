"""Part ways by kind of lead."""

from typing import Annotated, ClassVar

from nurture import Condition, Go, Node, Settings, Snapshot, checked, invalid, setting


class Case(Settings):
    name: str = setting(min_length=1, max_length=64, en="The way out", zh="出口名称")
    when: Condition = setting(en="What must hold to go this way", zh="走此出口的条件")


def _distinct(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    names = [case.name for case in cases]
    if odd := [name for name in names if name != name.strip() or not name.isprintable()]:
        raise invalid("E_SWITCH", f"{odd[0]!r} is no name for a case", "no blanks around it, no line breaks")
    if "otherwise" in names:
        raise invalid("E_SWITCH", "no case may be called 'otherwise'", "that is the way out when no case holds")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid("E_SWITCH", f"two cases are called {twice[0]!r}", "give each case a name of its own")
    return cases


class Switch(Node):
    """Go the way of the first case that holds, or `otherwise`."""

    zh: ClassVar[str] = "走第一个符合条件的出口；都不符合则走 otherwise。"
    title_zh: ClassVar[str] = "分群"
    outcomes: ClassVar[tuple[str, ...]] = ("otherwise",)

    cases: Annotated[tuple[Case, ...], checked(_distinct)] = setting(
        min_length=1, max_length=100, en="Asked from first to last", zh="从上到下依次判断"
    )

    def ways_out(self) -> tuple[str, ...]:
        return (*(case.name for case in self.cases), "otherwise")

    def decide(self, snapshot: Snapshot) -> Go:
        because = ""
        for case in self.cases:
            true, because = case.when.holds(snapshot)
            if true:
                return Go(case.name, because=because)
        return Go("otherwise", because="no case holds" if len(self.cases) > 1 else because)

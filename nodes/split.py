"""Part ways by chance."""

from typing import Annotated, ClassVar

from nurture import Go, Node, Snapshot, checked, invalid, setting


def _hundred(arms: dict[str, int]) -> dict[str, int]:
    if len(arms) < 2:
        raise invalid("E_SPLIT", "a split has at least two arms", 'such as {"a": 50, "b": 50}')
    if wrong := [name for name, percent in arms.items() if not name.strip() or len(name) > 64 or percent < 1]:
        raise invalid(
            "E_SPLIT", f"the arm {wrong[0][:64]!r} needs a name of at most 64 characters and at least 1 percent"
        )
    if (total := sum(arms.values())) != 100:
        raise invalid("E_SPLIT", f"the arms add up to {total} percent", "make it 100")
    return arms


class Split(Node):
    """Part the leads by chance, for an A/B test or a holdout; the same lead always goes the same way."""

    zh: ClassVar[str] = "按比例随机分流，用于 A/B 测试或对照组；同一线索总走同一出口。"
    title_zh: ClassVar[str] = "随机分流"
    outcomes: ClassVar[tuple[str, ...]] = ()

    arms: Annotated[dict[str, int], checked(_hundred)] = setting(
        en="Each arm and its percent, 100 in all", zh="各出口及百分比，合计 100"
    )

    def ways_out(self) -> tuple[str, ...]:
        return tuple(self.arms)

    def decide(self, snapshot: Snapshot) -> Go:
        left = snapshot.dice * 100
        # By name, so that writing the arms in another order moves nobody to another arm.
        for name in sorted(self.arms):
            left -= self.arms[name]
            if left < 0:
                break
        return Go(name, because=f"by chance, {self.arms[name]} of 100 leads go this way")

"""Come to an end."""

from typing import ClassVar

from nurture import Go, Node, Snapshot, setting


class End(Node):
    """The campaign ends here for this lead."""

    zh: ClassVar[str] = "线索在此结束本活动。"
    title_zh: ClassVar[str] = "结束"
    outcomes: ClassVar[tuple[str, ...]] = ()

    reason: str = setting("", max_length=200, en="Why, for the lead's history", zh="原因，写入线索历史")

    def decide(self, snapshot: Snapshot) -> Go:
        return Go(None, because=self.reason or "the campaign ends here")

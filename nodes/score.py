"""Count points."""

from typing import ClassVar

from nurture import Go, Node, Snapshot, effects, setting


class Score(Node):
    """Add points to the lead's score, or take some off."""

    zh: ClassVar[str] = "增加或扣减线索评分。"
    title_zh: ClassVar[str] = "评分"

    points: int = setting(
        ge=-1_000_000, le=1_000_000, en="Points to add; negative ones are taken off", zh="增加的分数，负数为扣减"
    )

    def decide(self, snapshot: Snapshot) -> Go:
        return Go("next", (effects.Score(self.points),), because=f"{self.points:+d} points")

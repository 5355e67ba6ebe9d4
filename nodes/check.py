"""Ask a question about the lead."""

from typing import ClassVar

from nurture import Condition, Go, Node, Snapshot, setting


class Check(Node):
    """Does a condition on the lead's fields, tags, score or signals hold now?"""

    zh: ClassVar[str] = "线索的字段、标签、评分或行为此刻是否符合条件？"
    title_zh: ClassVar[str] = "判断条件"
    outcomes: ClassVar[tuple[str, ...]] = ("yes", "no")

    when: Condition = setting(en="What must hold for a yes", zh="走“是”的条件")

    def decide(self, snapshot: Snapshot) -> Go:
        true, because = self.when.holds(snapshot)
        return Go("yes" if true else "no", because=because)

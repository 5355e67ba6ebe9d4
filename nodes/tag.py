"""Mark the lead."""

from functools import cached_property
from typing import Annotated, ClassVar

from nurture import Go, Node, Snapshot, checked, effects, invalid, setting


def _plain(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if not tag or tag != tag.strip() or len(tag) > 64 or ";" in tag or not tag.isprintable():
            raise invalid("E_TAG", f"{tag[:64]!r} is no tag", "1 to 64 characters, no semicolon, no blanks around it")
    return tags


class Tag(Node):
    """Put tags on the lead, or take them off."""

    zh: ClassVar[str] = "给线索添加或移除标签。"
    title_zh: ClassVar[str] = "标签"

    add: Annotated[tuple[str, ...], checked(_plain)] = setting((), en="Tags to put on", zh="添加的标签")
    remove: Annotated[tuple[str, ...], checked(_plain)] = setting((), en="Tags to take off", zh="移除的标签")

    def model_post_init(self, _: object) -> None:
        if not self.add and not self.remove:
            raise invalid("E_TAG", "there is no tag to put on or take off", 'such as "add": ["engaged"]')
        if both := set(self.add) & set(self.remove):
            raise invalid("E_TAG", f"{min(both)!r} is put on and taken off", "choose one")

    @cached_property
    def _go(self) -> Go:
        said = [f"{sign}{tag}" for sign, tags in (("+", self.add), ("-", self.remove)) for tag in tags]
        return Go("next", (effects.Tag(self.add, self.remove),), because=f"tags {', '.join(said)}")

    def decide(self, snapshot: Snapshot) -> Go:
        return self._go

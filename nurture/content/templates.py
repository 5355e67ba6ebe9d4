"""Templates: Jinja2's grammar, cut down to what cannot do harm, and run by nothing but lookups.

Jinja2 reads the source; what it read must consist of allowed nodes only, and is then compiled to closures that look up
values in plain dictionaries. No attribute of any object is ever read, nothing is called but the twelve filters, and no
code is generated: its sandbox has been escaped four times in nine years, here there is nothing to escape from.

Time is bounded without a clock, so that a template does the same on every machine: the source, the nesting, the lists
and the values are bounded, loops do not nest, and every block, filter and slot is paid for from a fixed allowance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from jinja2 import Environment, TemplateError, nodes
from jinja2.parser import Parser

from nurture.channels.headers import BadHeader, one_line
from nurture.content.html_context import START, BadUrl, Spot, escape, url_part, url_whole
from nurture.content.template_filters import FILTERS, LONGEST_VALUE, CannotRender, written
from nurture.content.template_run import (
    COMPARE,
    DEEPEST,
    LARGEST_OUTPUT,
    LONGEST_LIST,
    Get,
    Piece,
    Run,
    comparison,
    getter,
    joined,
    known_by,
    nothing,
    path_of,
)
from nurture.words import did_you_mean, quoted

__all__ = ["CannotRender", "Flaw", "Flawed", "Kind", "Template", "compile_template"]

Kind = Literal["html", "text", "line"]
"""`html` escapes as each place needs, `line` (a subject) lets no line break in, `text` takes values as they are."""

LARGEST_SOURCE = 64 * 1024
LOOP_WORDS = ("first", "index", "last", "length")
_ENVIRONMENT = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # only read with; values are escaped here

_FORBIDDEN: Final[dict[type[nodes.Node], str]] = {
    nodes.Call: "nothing can be called",
    nodes.Test: "there are no tests; {% if lead.company %} asks whether it is known",
    nodes.CondExpr: "write {% if %} and {% else %} instead",
    nodes.List: "lists cannot be written here",
    nodes.Tuple: "lists cannot be written here",
    nodes.Dict: "dictionaries cannot be written here",
    nodes.Concat: "write the pieces one after the other instead of ~",
    nodes.Slice: "there are no slices; truncate shortens a text",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a template."""

    line: int
    what: str
    hint: str = ""


class Flawed(Exception):
    """The template cannot be used; `flaws` has all that was found."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("; ".join(f"line {flaw.line}: {flaw.what}" for flaw in self.flaws))


@dataclass(frozen=True, slots=True)
class Template:
    """A template that passed. Rendering the same values gives the same text."""

    always: frozenset[str]
    """Names whose value every rendering shows, because they stand outside of any condition."""
    uncertain: tuple[tuple[int, str], ...]
    """(line, `lead.field`) of fields that stop the message when the lead does not have them."""
    names: frozenset[str]
    """What it asks for, of all that it may be given."""
    _render: Callable[[Run], str]

    def render(self, context: Mapping[str, Any]) -> str:
        """Raises `CannotRender` when a value is missing, is not plain data, or makes the text too long."""
        text = self._render(Run(dict(context)))
        # The room was counted in characters, the limit is one of octets.
        if len(text) > LARGEST_OUTPUT // 4 and len(text.encode("utf-8", "surrogatepass")) > LARGEST_OUTPUT:
            raise CannotRender("the message is longer than 512 KB")
        return text


def compile_template(source: str, kind: Kind, names: Iterable[str], *, largest: int = LARGEST_SOURCE) -> Template:
    """The template, ready to be rendered for many. Raises `Flawed` with everything that is wrong."""
    if len(source.encode("utf-8", "surrogatepass")) > largest:
        raise Flawed([Flaw(1, f"the template is longer than {largest // 1024} KB")])
    try:
        # Jinja2's compiler and loaders stay out of this: only its grammar is used.
        tree = Parser(_ENVIRONMENT, source).parse()
        compiler = _Compiler(kind, names)
        render, _ = compiler.block(tree.body, START, frozenset(), certain=True)
    except TemplateError as error:
        raise Flawed([Flaw(getattr(error, "lineno", 1) or 1, _sentence(error.message or "not a template"))]) from None
    except RecursionError:
        raise Flawed([Flaw(1, "the template is nested too deeply")]) from None
    except (ValueError, OverflowError) as error:
        raise Flawed([Flaw(1, f"the template cannot be read: {_sentence(str(error))}")]) from None
    if compiler.flaws:
        raise Flawed(compiler.flaws)
    return Template(
        frozenset(compiler.always), tuple(dict.fromkeys(compiler.uncertain)), frozenset(compiler.used), render
    )


def _sentence(text: str) -> str:
    return text[:200].strip().rstrip(".")


class _Compiler:
    """Turns allowed nodes into closures, and notes every node that is not."""

    def __init__(self, kind: Kind, names: Iterable[str]) -> None:
        self.flaws: list[Flaw] = []
        self.always: set[str] = set()
        self.used: set[str] = set()
        self.uncertain: list[tuple[int, str]] = []
        self._kind = kind
        self._names = frozenset(names)
        self._loop_name: str | None = None
        self._nodes = 0

    def flaw(self, node: nodes.Node, what: str, hint: str = "") -> None:
        if len(self.flaws) < 100:
            self.flaws.append(Flaw(node.lineno or 1, what, hint))

    # -- statements ---------------------------------------------------------------------------------------------

    def block(
        self, body: list[nodes.Node], spot: Spot, guarded: frozenset[str], *, certain: bool, depth: int = 0
    ) -> tuple[Callable[[Run], str], Spot]:
        """The body as one closure, and the place after it."""
        pieces: list[Piece] = []
        before = self._nodes
        if depth > DEEPEST:
            for node in body[:1]:
                self.flaw(node, "conditions are nested too deeply")
            return joined([], 0), spot
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    if isinstance(part, nodes.TemplateData):
                        pieces.append(part.data)
                        spot = spot.after(part.data) if self._kind == "html" else spot
                    else:
                        pieces.append(self._slot(part, spot, guarded, certain=certain))
                        spot = spot.after_slot()
            elif isinstance(node, nodes.If):
                piece, spot = self._if(node, spot, guarded, depth)
                pieces.append(piece)
            elif isinstance(node, nodes.For):
                piece, spot = self._for(node, spot, guarded, depth)
                pieces.append(piece)
            else:
                self.flaw(node, f"{{% {_tag_of(node)} %}} is not for templates of mails", "there are if and for")
        return joined(pieces, len(pieces) + self._nodes - before), spot

    def _if(self, node: nodes.If, spot: Spot, guarded: frozenset[str], depth: int) -> tuple[Piece, Spot]:
        branches: list[tuple[Get, Callable[[Run], str]]] = []
        ends: list[Spot] = []
        for branch in (node, *node.elif_):
            assert isinstance(branch.test, nodes.Expr)
            test = self._expression(branch.test, guarded, shielded=True)
            body, end = self.block(branch.body, spot, guarded | known_by(branch.test), certain=False, depth=depth + 1)
            branches.append((test, body))
            ends.append(end)
        otherwise, end = self.block(node.else_, spot, guarded, certain=False, depth=depth + 1)
        for other in ends:
            met = end.meets(other)
            if met is None:
                self.flaw(node, "one branch ends inside a tag or an attribute, and another does not")
            else:
                end = met

        def decide(run: Run) -> str:
            for test, body in branches:
                if test(run):
                    return body(run)
            return otherwise(run)

        return decide, end

    def _for(self, node: nodes.For, spot: Spot, guarded: frozenset[str], depth: int) -> tuple[Piece, Spot]:
        if self._loop_name is not None:
            self.flaw(node, "a loop cannot stand inside a loop")
            return "", spot
        if node.test is not None or node.recursive or node.else_:
            self.flaw(node, "a loop is {% for x in list %} and {% endfor %}, with nothing more to it")
        if not isinstance(node.target, nodes.Name) or not isinstance(
            node.iter, nodes.Name | nodes.Getattr | nodes.Getitem
        ):
            self.flaw(node, "a loop goes over one list that it is given, with one name for its entries")
            return "", spot
        name = node.target.name
        if name in self._names or name.startswith("_") or name == "loop":
            self.flaw(node, f"{quoted(name)} means something else already; give the entry another name")
            return "", spot
        entries = self._expression(node.iter, guarded, shielded=True)
        path = path_of(node.iter) or "the list"
        self._loop_name = name
        body, end = self.block(node.body, spot, guarded, certain=False, depth=depth + 1)
        self._loop_name = None
        met = end.meets(spot)
        if met is None:
            self.flaw(node, "the loop ends inside a tag or an attribute that was not open where it began")

        def repeat(run: Run) -> str:
            given = entries(run)
            if given.__class__ is not list and given.__class__ is not tuple:
                raise CannotRender(f"{path} is not a list")
            if len(given) > LONGEST_LIST:
                raise CannotRender(f"{path} has more than {LONGEST_LIST} entries")
            written_so_far = []
            for index, entry in enumerate(given):
                run.values[name] = entry
                run.values["loop"] = {
                    "index": index + 1,
                    "first": index == 0,
                    "last": index == len(given) - 1,
                    "length": len(given),
                }
                written_so_far.append(body(run))
            run.values.pop(name, None)
            run.values.pop("loop", None)
            return "".join(written_so_far)

        return repeat, met or spot

    def _slot(self, node: nodes.Expr, spot: Spot, guarded: frozenset[str], *, certain: bool) -> Piece:
        place = "text"
        if self._kind == "html":
            place = spot.slot()
            if place not in ("text", "url_start", "url_inside"):
                self.flaw(node, place)
                return ""
        get = self._expression(node, guarded)
        path = path_of(node) or "a value"
        if certain and isinstance(node, nodes.Name):
            self.always.add(node.name)
        into = self._into(place)

        def fill(run: Run) -> str:
            try:
                value = get(run)
                text = into(value if value.__class__ is str and len(value) <= LONGEST_VALUE else written(value))
            except (CannotRender, BadHeader, BadUrl) as error:
                reason = str(error)
                raise CannotRender(reason if reason.startswith(path) else f"{path}: {reason}") from None
            run.room -= len(text)
            if run.room < 0:
                raise CannotRender("the message is longer than 512 KB")
            return text

        return fill

    def _into(self, place: str) -> Callable[[str], str]:
        if self._kind == "html":
            return {"url_start": url_whole, "url_inside": url_part}.get(place, escape)
        return one_line if self._kind == "line" else str

    # -- expressions --------------------------------------------------------------------------------------------

    def _expression(self, node: nodes.Expr, guarded: frozenset[str], *, shielded: bool = False, depth: int = 0) -> Get:
        """`shielded`: a missing value is taken care of, so its field needs no default."""
        if depth > DEEPEST:
            self.flaw(node, "the expression is too long")
            return nothing
        deeper = depth + 1
        self._nodes += 1
        match node:
            case nodes.Const(value=value):
                return lambda run: value
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self._lookup(node, guarded, shielded=shielded)
            case nodes.Filter():
                return self._filter(node, guarded, shielded=shielded, depth=deeper)
            case nodes.Not(node=inner):
                value_of = self._expression(inner, guarded, shielded=True, depth=deeper)
                return lambda run: not value_of(run)
            case nodes.And(left=first, right=second) | nodes.Or(left=first, right=second):
                one = self._expression(first, guarded, shielded=True, depth=deeper)
                other = self._expression(second, guarded, shielded=shielded, depth=deeper)
                if isinstance(node, nodes.And):
                    return lambda run: one(run) and other(run)
                return lambda run: one(run) or other(run)
            case nodes.Compare():
                return self._compare(node, guarded, deeper)
        what = type(node).__name__.lower()
        self.flaw(node, _FORBIDDEN.get(type(node), f"{what} is not for templates of mails; nothing is computed here"))
        return nothing

    def _lookup(self, node: nodes.Expr, guarded: frozenset[str], *, shielded: bool) -> Get:
        keys: list[str | int] = []
        inner: nodes.Expr = node
        while isinstance(inner, nodes.Getattr | nodes.Getitem):
            key: object = inner.attr if isinstance(inner, nodes.Getattr) else None
            if isinstance(inner, nodes.Getitem) and isinstance(inner.arg, nodes.Const):
                key = inner.arg.value
            if type(key) not in (str, int) or (isinstance(key, str) and key.startswith("_")):
                self.flaw(node, "a field is named as in lead.company, or lead['公司']", "names do not begin with _")
                return nothing
            keys.append(key)  # type: ignore[arg-type]  # the line above lets only these two pass
            inner = inner.node
            if len(keys) > 4:
                self.flaw(node, "no value lies that deep")
                return nothing
        if not isinstance(inner, nodes.Name):
            return self._expression(inner, guarded) if not keys else self._not_a_field(node)
        root, keys = inner.name, keys[::-1]
        if not self._is_known(inner, keys):
            return nothing
        path = ".".join(map(str, (root, *keys)))
        if root == "lead" and keys and keys != ["email"] and not shielded and path not in guarded:
            self.uncertain.append((node.lineno, path))
        return getter(root, keys, path)

    def _is_known(self, name: nodes.Name, keys: list[str | int]) -> bool:
        if name.name == "loop" and self._loop_name is not None:
            if len(keys) == 1 and keys[0] in LOOP_WORDS:
                return True
            self.flaw(name, f"a loop knows {', '.join('loop.' + word for word in LOOP_WORDS)}")
            return False
        known = self._names | ({self._loop_name} if self._loop_name else set())
        if name.name in known:
            self.used.add(name.name)
            return True
        self.flaw(name, f"there is no {quoted(name.name)} in a template", did_you_mean(name.name, known))
        return False

    def _not_a_field(self, node: nodes.Expr) -> Get:
        self.flaw(node, "only what a template is given has fields")
        return nothing

    def _filter(self, node: nodes.Filter, guarded: frozenset[str], *, shielded: bool, depth: int) -> Get:
        found = FILTERS.get(node.name)
        if found is None:
            self.flaw(node, f"there is no filter {quoted(node.name)}", did_you_mean(node.name, FILTERS))
            return nothing
        function, least, most = found
        if (
            node.kwargs
            or node.dyn_args is not None
            or node.dyn_kwargs is not None
            or not least <= len(node.args) <= most
        ):
            self.flaw(
                node, f"{node.name} takes {most or 'no'} argument{'' if most == 1 else 's'}, written in its place"
            )
            return nothing
        if node.node is None:
            self.flaw(node, "a filter stands after a value")
            return nothing
        value_of = self._expression(node.node, guarded, shielded=shielded or node.name == "default", depth=depth)
        arguments = [self._expression(argument, guarded, shielded=shielded, depth=depth) for argument in node.args]

        unit = 1 if node.name == "title" else 16  # the one filter that looks at every letter

        def apply(run: Run) -> Any:
            value = value_of(run)
            run.spend(1 + len(value) // unit if value.__class__ is str else 1)
            return function(value, *[argument(run) for argument in arguments])

        return apply

    def _compare(self, node: nodes.Compare, guarded: frozenset[str], depth: int) -> Get:
        first = self._expression(node.expr, guarded, shielded=True, depth=depth)
        rest = [
            (COMPARE[operand.op], self._expression(operand.expr, guarded, shielded=True, depth=depth))
            for operand in node.ops
        ]

        return comparison(first, rest)


def _tag_of(node: nodes.Node) -> str:
    words: dict[type[nodes.Node], str] = {
        nodes.Assign: "set",
        nodes.AssignBlock: "set",
        nodes.FromImport: "from",
        nodes.CallBlock: "call",
        nodes.FilterBlock: "filter",
        nodes.Scope: "with",
    }
    return words.get(type(node), type(node).__name__.lower())

"""The rules of the house that no other tool holds. Each failure says what to do instead."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nurture import plan
from nurture.content import Catalogue
from nurture.engine.publishing import world

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("nurture", "nodes", "flows")

RIM = frozenset("__init__ crashpoints identity registry settings tokens workdays".split())
"""The modules directly in `nurture` that touch the world or know third parties; all others there are the core."""
CORE_ROOMS = frozenset({"drawing"})
CORE_MAY_IMPORT = frozenset({"pydantic", "pydantic_core", "networkx"})
PARTS_OF = {"pydantic_core": "pydantic", "starlette": "fastapi"}
"""Packages whose names their owners tell us to import."""

LONG_FILES: dict[str, str] = {
    "nurture/store/schema.py": "a list of tables: who looks for one looks in one place",
    "nurture/engine/engine.py": "every verb of an installation on one page, each a few lines that say who does it",
    "tests/simulation/invariants.py": "one watch over every commit, with one book: cut in two, each half would need the other",
}
"""Files of more than 400 lines, each with the reason why it is not two."""

NEVER_A_MODULE = {
    "pickle": "data stays data: JSON only",
    "marshal": "data stays data: JSON only",
    "shelve": "data stays data: JSON only",
    "dill": "data stays data: JSON only",
    "cloudpickle": "data stays data: JSON only",
    "yaml": "data stays data: JSON only",
    "smtplib": "e-mail goes out by aiosmtplib, in nurture/channels/",
    "random": "chance is a hash: see nurture/identity.py",
}
NEVER_A_CALL = {
    "eval": "a condition is a tree that we walk",
    "exec": "a node type is a class that was installed",
    "__import__": "use importlib.metadata's entry points",
    "os.system": "product code hands nothing to a shell",
    "os.popen": "product code hands nothing to a shell",
}
NOT_IN_CORE_OR_NODES = {
    "datetime.now": "time is an argument: take `now`",
    "datetime.utcnow": "time is an argument: take `now`",
    "datetime.today": "time is an argument: take `now`",
    "date.today": "time is an argument: take `now`",
    "time.time": "time is an argument: take `now`",
    "time.monotonic": "time is an argument: take `now`",
    "time.sleep": "a wait is a row",
    "uuid4": "identity is derived: see nurture/identity.py",
    "uuid.uuid4": "identity is derived: see nurture/identity.py",
    "open": "the core reads no files: take the text",
}


# --- how they look ---------------------------------------------------------------------------------------------


@cache
def tracked() -> list[Path]:
    """The text files of the project, relative to its root: those of git, or all of an unpacked archive."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        found = [Path(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        left_out = {".venv", "node_modules", "__pycache__"}
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*") if not left_out & set(path.parts)]
    return sorted(path for path in found if (ROOT / path).is_file() and is_text(path))


def is_text(path: Path) -> bool:
    with (ROOT / path).open("rb") as file:
        return b"\0" not in file.read(4096)


@cache
def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def modules(*rooms: str) -> Iterator[Path]:
    for path in tracked():
        if path.suffix == ".py" and ("." in rooms or path.parts[0] in rooms):
            yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path), filename=str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, wherever it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "nurture" and path.parts[0] == "nurture":
            yield from ((node.lineno, f"nurture.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every call of a plain or dotted name; of a longer chain, its last two links."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.lineno, node.func.id
            elif isinstance(node.func, ast.Attribute):
                owner = node.func.value
                link = (
                    owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
                )
                yield node.lineno, f"{link}.{node.func.attr}"


def is_core(path: Path) -> bool:
    if path.parts[0] != "nurture" or len(path.parts) < 2:
        return False
    return path.parts[1] in CORE_ROOMS if len(path.parts) > 2 else path.stem not in RIM


def in_core(name: str) -> bool:
    """Whether this is a module of the core, or a name in one."""
    room = name.split(".")[1]
    return room in CORE_ROOMS or (room not in RIM and (ROOT / "nurture" / f"{room}.py").exists())


def lock(name: str) -> dict[str, set[str]]:
    """Package to its locked versions (one per marker); every one has a hash."""
    versions: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=[a-zA-Z0-9])", read(Path(name))):
        if found := re.match(r"([\w.-]+)==([\w.+!-]+)", block):
            assert "--hash=sha256:" in block, f"{name}: {found.group()} has no hash"
            versions.setdefault(canonicalize_name(found.group(1)), set()).add(found.group(2))
    return versions


# --- what the code may name ------------------------------------------------------------------------------------


def test_product_code_never_turns_data_into_code_or_chance() -> None:
    offences = [
        f"{path}:{line}: {name}: {reason}"
        for path in modules(*PRODUCT, "bench")
        for line, name in [*imports(path), *calls(path)]
        for reason in [NEVER_A_MODULE.get(name.split(".")[0]) or NEVER_A_CALL.get(name)]
        if reason and (path.parts[0] != "bench" or name.split(".")[0] != "random")
    ]

    assert offences == []


def test_every_table_that_leaves_for_a_spreadsheet_is_guarded() -> None:
    """Rejects go through `guarded`. The demo writes what it reads itself: leads that it has made up."""
    writers = {
        path.as_posix()
        for path in modules(*PRODUCT)
        for _, name in calls(path)
        if name.startswith("csv.") and "riter" in name
    }

    assert writers == {"nurture/leads/rejects.py", "nurture/demo/people.py", "nurture/demo/playing.py"}


def test_no_file_at_all_sends_mail_by_smtplib() -> None:
    offences = [f"{path}:{line}" for path in modules(".") for line, name in imports(path) if name == "smtplib"]

    assert offences == []


def test_only_flows_know_prefect() -> None:
    offences = [
        f"{path}:{line}: put a plain function into the engine and call it from a flow"
        for path in modules("nurture", "nodes")
        for line, name in imports(path)
        if name.split(".")[0] == "prefect"
    ]

    assert offences == []


def test_the_core_imports_the_standard_library_pydantic_and_networkx_only() -> None:
    allowed = sys.stdlib_module_names | CORE_MAY_IMPORT
    offences = [
        f"{path}:{line}: {name} is not for the core"
        for path in modules("nurture")
        if is_core(path)
        for line, name in imports(path)
        if not (in_core(name) if name.split(".")[0] == "nurture" else name.split(".")[0] in allowed)
    ]

    assert offences == []


def test_a_node_type_imports_what_a_stranger_would_import() -> None:
    offences = [
        f"{path}:{line}: {name}; a node type needs only the public names of `nurture`"
        for path in modules("nodes")
        for line, name in imports(path)
        if name != "nurture" and name.split(".")[0] not in sys.stdlib_module_names
    ]

    assert offences == []


def test_core_and_nodes_have_no_clock_no_chance_and_no_files() -> None:
    offences = [
        f"{path}:{line}: {name}: {NOT_IN_CORE_OR_NODES[name]}"
        for path in modules("nurture", "nodes")
        if is_core(path) or path.parts[0] == "nodes"
        for line, name in calls(path)
        if name in NOT_IN_CORE_OR_NODES
    ]

    assert offences == []


def test_every_exception_to_a_rule_carries_its_reason() -> None:
    bare = re.compile(r"#\s*noqa(?!: [A-Z]+\d+[^#]*\s#\s*\S)|#\s*type: ignore(?!\[[^]]+\]\s+#\s*\S)")
    offences = [
        f"{path}:{number}: {line.strip()}"
        for path in modules(*PRODUCT, "bench", "dev.py")
        for number, line in enumerate(read(path).splitlines(), start=1)
        if bare.search(line)
    ]

    assert offences == []


def test_a_long_file_has_a_reason() -> None:
    lengths = {
        str(path): len(read(path).splitlines())
        for path in tracked()
        if path.suffix in {".py", ".ts", ".tsx"} and not {"dist", "static"} & set(path.parts)
    }

    assert {path: length for path, length in lengths.items() if length > 400 and path not in LONG_FILES} == {}
    assert [path for path in LONG_FILES if lengths.get(path, 0) <= 400] == []


# --- what the files may name -----------------------------------------------------------------------------------


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    # Broken up, so that this file does not name them either.
    hosts = r"(?:pypi|python[h]osted)\.[o]rg|[r]egistry\.npmjs|[d]eb\.debian"
    paths = r"(?<![\w.*-])/(?:home|Users)/\w|(?<![\w.*-])/(?:[r]oot|[w]ork)/"
    forbidden = re.compile(f"{hosts}|{paths}")
    offences = [
        f"{path}:{number}: {match.group()}"
        for path in tracked()
        for number, line in enumerate(read(path).splitlines(), start=1)
        for match in forbidden.finditer(line)
    ]

    assert offences == []


def test_the_lock_files_hold_every_dependency_with_a_hash() -> None:
    project = tomllib.loads(read(Path("pyproject.toml")))
    runtime = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    develop = [*runtime, *project["project"]["optional-dependencies"]["postgres"], *project["dependency-groups"]["dev"]]
    for name, wanted in {"requirements.lock": runtime, "requirements-dev.lock": develop}.items():
        locked = lock(name)
        stale = [
            want
            for want in map(Requirement, wanted)
            if not locked.get(canonicalize_name(want.name))
            or not all(want.specifier.contains(version) for version in locked[canonicalize_name(want.name)])
        ]

        assert stale == [], f"{name}: run `python3 dev.py lock`"


def test_what_is_imported_is_declared_and_not_merely_brought_along() -> None:
    project = tomllib.loads(read(Path("pyproject.toml")))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    declared = {canonicalize_name(Requirement(want).name) for want in wanted}
    providers = packages_distributions()
    offences = [
        f"{path}:{line}: {name}"
        for path in modules(*PRODUCT)
        for line, name in imports(path)
        for top in [PARTS_OF.get(name.split(".")[0], name.split(".")[0])]
        if top not in sys.stdlib_module_names and top not in PRODUCT
        if not declared & {canonicalize_name(provider) for provider in providers.get(top, [])}
    ]

    assert offences == []


def test_users_and_tests_run_the_same_versions() -> None:
    runtime, develop = lock("requirements.lock"), lock("requirements-dev.lock")

    assert {name: develop.get(name) for name in runtime} == runtime


def test_the_bootstrap_needs_no_package_and_is_understood_by_an_old_python() -> None:
    source = read(Path("dev.py"))

    ast.parse(source, feature_version=(3, 6))
    assert [name for _, name in imports(Path("dev.py")) if name.split(".")[0] not in sys.stdlib_module_names] == []
    assert not re.search(r"\bf[\"']", source), "f-strings are fine, but str.format keeps the message for Python 3.5 too"


def test_the_campaign_on_the_first_screen_is_in_order() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", read(Path("README.md")), flags=re.DOTALL)

    assert plan.check(shown.encode(), world(Catalogue.load(ROOT / "content")), "README.md") == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_pages_name_verbs_of_the_bootstrap_that_there_are(page: str) -> None:
    known = set(re.findall(r'^        "(\w+)": \w+,$', read(Path("dev.py")), flags=re.MULTILINE))
    named = set(re.findall(r"python3 dev\.py (\w+)", read(Path(page))))

    assert named
    assert named <= known


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_pages_link_to_what_there_is(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", read(Path(page)))

    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("record", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_has_its_four_paragraphs(record: Path) -> None:
    told = re.findall(r"^\*\*(.+?)\.?\*\*", record.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert told == [
        "The question",
        "What we chose",
        "What else we considered",
        "What would change our mind",
    ]


# --- what is installed -----------------------------------------------------------------------------------------


def entry_points() -> list[tuple[str, str, str]]:
    groups = tomllib.loads(read(Path("pyproject.toml")))["project"]["entry-points"]
    return [(group, name, target) for group, entries in groups.items() for name, target in entries.items()]


@pytest.mark.parametrize(("group", "name", "target"), entry_points(), ids=lambda text: text)
def test_what_the_project_offers_is_there(group: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")

    assert isinstance(getattr(importlib.import_module(module), attribute), type)


def test_every_node_file_is_offered() -> None:
    offered = {target.partition(":")[0] for group, _, target in entry_points() if group == "nurture.nodes"}

    assert {f"nodes.{path.stem}" for path in modules("nodes") if path.stem != "__init__"} == offered


def test_help_does_not_wait_for_prefect() -> None:
    heavy = ("prefect", "fastapi", "networkx", "holidays")
    program = (
        "import sys\n"
        "from nurture.cli import main\n"
        "sys.argv = ['nurture', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)

    assert "tick" in ran.stdout
    assert ran.stderr.strip() == "[]"

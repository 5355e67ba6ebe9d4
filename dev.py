#!/usr/bin/env python3
"""From a fresh clone to a running Nurture, with nothing but Python 3.11 or newer.

    python3 dev.py demo            see it work: invented leads, weeks of virtual time, real e-mail to a local catcher
    python3 dev.py nurture ...     any command of Nurture, for example `nurture --help`
    python3 dev.py test [...]      the tests; arguments go to pytest (`tests/nodes`, `-k reply`)
    python3 dev.py check           lint, types, import rules and tests: what must pass before a change goes in
    python3 dev.py lint | types | rules | fix
    python3 dev.py setup           only make the environment, with everything for development
    python3 dev.py lock            write the lock files again after pyproject.toml has changed

It keeps an environment of its own in .venv, filled from the lock files and made anew only when those change.
"""

# This file must still be understood by Python 3.6, so that it can say that Python 3.6 is too old.

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "bin")
PYTHON = os.path.join(BIN, "python")
STAMP = os.path.join(VENV, "nurture-ready")
RUN_LOCK, DEV_LOCK = "requirements.lock", "requirements-dev.lock"
SOURCE_ONLY = ("dkimpy",)  # its makers publish no wheel; all else comes as one, so that installing runs nobody's code

PATIENCE = 10  # seconds for what runs to clean up after Ctrl-C before it is told again
DONE, WRONG_USAGE, BROKEN_ENVIRONMENT, INTERRUPTED = 0, 2, 3, 130


class Broken(Exception):
    """The machine lacks something; the message says what, and how to get it."""


def main(arguments: "list[str]") -> int:
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if verb in ("help", "-h", "--help"):
        print(__doc__)
        return DONE
    verbs = {
        "demo": demo,
        "nurture": nurture,
        "test": test,
        "check": check,
        "lint": lint,
        "types": types,
        "rules": rules,
        "fix": fix,
        "setup": setup,
        "lock": lock,
    }
    if verb not in verbs:
        say("there is no '{}'; there are: {}".format(verb, ", ".join(verbs)))
        return WRONG_USAGE
    try:
        return verbs[verb](rest)
    except Broken as problem:
        say(str(problem))
        return BROKEN_ENVIRONMENT
    except KeyboardInterrupt:
        say("stopped")
        return INTERRUPTED


# --- verbs -----------------------------------------------------------------------------------------------------


def demo(rest: "list[str]") -> int:
    return nurture(["demo", *rest], folder=ROOT)


def nurture(rest: "list[str]", folder: "str | None" = None) -> int:
    ready(RUN_LOCK)
    return run([os.path.join(BIN, "nurture"), *rest], folder or os.getcwd())


def test(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    if "--quick" in rest:
        rest = ["-m", "not slow", *(argument for argument in rest if argument != "--quick")]
    elif not rest:
        # More than four at once gain little and run out of PostgreSQL connections. A file stays with one process,
        # because what it starts (a Prefect server, a town of leads) is for all of its tests.
        rest = ["--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
    return tool("pytest", *rest)


def lint(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    return tool("ruff", "check", *rest) or tool("ruff", "format", "--check", *rest)


def types(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    return tool("mypy", *rest)


def rules(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    return run([os.path.join(BIN, "lint-imports"), *rest], ROOT)


def fix(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    return tool("ruff", "check", "--fix", *rest) or tool("ruff", "format", *rest)


def check(rest: "list[str]") -> int:
    if rest:
        say("check takes no arguments; `test` does")
        return WRONG_USAGE
    return max(lint([]), types([]), rules([]), test([]))


def setup(rest: "list[str]") -> int:
    ready(DEV_LOCK)
    say("ready: {}".format(os.path.relpath(VENV)))
    return DONE


def lock(rest: "list[str]") -> int:
    """Settle all versions again. `--upgrade` takes the newest; `--upgrade-package NAME` one of them."""
    ready(DEV_LOCK)
    compiler = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    compiler += ["--no-emit-index-url", "--no-annotate", "pyproject.toml", "--group", "build"]
    # The tests run with exactly the versions that users get.
    for_dev = ["--group", "dev", "--extra", "postgres", "--constraint", RUN_LOCK]
    os.environ["UV_CUSTOM_COMPILE_COMMAND"] = "python3 dev.py lock"
    return tool(*compiler, *rest, "--output-file", RUN_LOCK) or tool(
        *compiler, *for_dev, *rest, "--output-file", DEV_LOCK
    )


def tool(name: str, *arguments: str) -> int:
    return run([PYTHON, "-m", name, *arguments], ROOT)


def run(command: "list[str]", folder: str) -> int:
    environment = surroundings()
    environment["VIRTUAL_ENV"] = VENV
    environment["PATH"] = BIN + os.pathsep + environment.get("PATH", os.defpath)
    sys.stdout.flush()
    # The child has the terminal, so a Ctrl-C reaches it too: it cleans up, and we wait until it has.
    child = subprocess.Popen(command, cwd=folder, env=environment)
    # Whoever stops us means the work, not the messenger.
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    while True:
        try:
            status = child.wait()
        except KeyboardInterrupt:
            try:
                status = child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                # It was not Ctrl-C in a terminal, which reaches both: somebody interrupted us alone.
                child.send_signal(signal.SIGINT)
                continue
        return status if status >= 0 else 128 - status


# --- the environment -------------------------------------------------------------------------------------------


def ready(lock_file: str) -> None:
    """Make sure that .venv holds at least what this lock file says, and Nurture itself."""
    wanted = fingerprint(lock_file)
    if wanted in stamps() and os.path.exists(PYTHON):
        return
    require_a_usable_python()
    if not works(PYTHON):
        say("making an environment in {}".format(os.path.relpath(VENV)))
        make_venv()
    forget_stamps()
    say("installing from {}; the first time takes about a minute".format(lock_file))
    wheels, sources = split(lock_file)
    pip("install", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", wheels)
    # The build tools came with the lock, so nothing is fetched that the lock does not name.
    pip("install", "--require-hashes", "--no-deps", "--no-build-isolation", "--requirement", sources)
    pip("install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    kept = [wanted] if lock_file == RUN_LOCK else [wanted, fingerprint(RUN_LOCK)]
    with open(STAMP, "w") as stamp:
        stamp.write("\n".join(kept) + "\n")


def split(lock_file: str) -> "tuple[str, str]":
    """The lock as two files: what is installed as it was built by its makers, and what is built here."""
    wheels, sources = os.path.join(VENV, "wheels.txt"), os.path.join(VENV, "sources.txt")
    with open(os.path.join(ROOT, lock_file)) as lock, open(wheels, "w") as built, open(sources, "w") as unbuilt:
        into = built
        for line in lock:
            if not line.startswith((" ", "#")):
                into = unbuilt if line.split("==")[0] in SOURCE_ONLY else built
            into.write(line)
    return wheels, sources


def fingerprint(lock_file: str) -> str:
    """Changes when what would be installed does."""
    digest = hashlib.sha256()
    for name in (lock_file, "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return "{} {}".format(lock_file, digest.hexdigest())


def stamps() -> "list[str]":
    try:
        with open(STAMP) as stamp:
            return stamp.read().splitlines()
    except OSError:
        return []


def forget_stamps() -> None:
    if os.path.exists(STAMP):
        os.remove(STAMP)


def require_a_usable_python() -> None:
    if os.name != "posix":
        raise Broken("Nurture runs on Linux and macOS; on Windows, use WSL")
    if sys.version_info < OLDEST:
        newer = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
        raise Broken(
            "this is Python {}.{}, and Nurture needs {}.{} or newer: {}".format(
                *sys.version_info[:2],
                *OLDEST,
                "try `{} dev.py`".format(newer[0]) if newer else "install one and run dev.py with it",
            )
        )


def works(python: str) -> bool:
    """Whether this is an interpreter that is new enough and has pip: an interrupted set-up leaves less."""
    probe = "import pip, sys; sys.exit(sys.version_info < {!r})".format(OLDEST)
    try:
        return subprocess.call([python, "-c", probe], env=surroundings(), stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_venv() -> None:
    if not (find_spec("ensurepip") and find_spec("venv")):
        raise Broken(
            "this Python has no venv module: `apt-get install python{}.{}-venv`, or the like for your system".format(
                *sys.version_info[:2]
            )
        )
    made = subprocess.call([sys.executable, "-m", "venv", "--clear", VENV], env=surroundings())
    if made != 0 or not works(PYTHON):
        raise Broken("could not make {}: is the disk full, or the folder read-only?".format(VENV))


def pip(*arguments: str) -> None:
    command = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.call(command, cwd=ROOT, env=surroundings()) != 0:
        raise Broken(
            "pip could not install (its reason stands above). Without a network, or behind a proxy, tell pip where to\n"
            "look as usual (PIP_INDEX_URL, PIP_FIND_LINKS, HTTPS_PROXY). What was installed is kept: run it again."
        )


def surroundings() -> "dict[str, str]":
    """Our environment variables without those that would lead another Python astray."""
    environment = dict(os.environ)
    for name in ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__"):
        environment.pop(name, None)
    if not environment.get("HOME"):
        # An empty HOME would make `~/.cache` a folder in the root of the machine; none at all is looked up.
        environment.pop("HOME", None)
    return environment


def say(text: str) -> None:
    print("dev.py: " + text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`nurture simulate`: invented leads through a campaign, to see where a crowd of them would go."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, progress_bar, text
from nurture.cli.finding import campaign_file, sound_plan
from nurture.cli.opening import settings
from nurture.cli.options import AsJson, Now, pairs, usage
from nurture.cli.show_status import show_funnel
from nurture.crowd import Crowd, Unfit, check_size, forecast

__all__ = ["simulate"]


def simulate(
    campaign: Annotated[str, Parameter(help="The name of a campaign, or its file.")],
    *,
    leads: Annotated[int, Parameter(help="How many leads enter.")] = 1000,
    rate: Annotated[
        tuple[str, ...],
        Parameter(
            help="KIND=SHARE, repeatable: how often a message is answered so (viewed=0.4), a hand-off (accepted=0.7)."
        ),
    ] = (),
    tag: Annotated[
        tuple[str, ...], Parameter(help="TAG or TAG=SHARE, repeatable: how many of the leads have it.")
    ] = (),
    seed: Annotated[int, Parameter(help="Another number is another crowd; the same one is the same crowd.")] = 1,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Walk invented leads through a campaign on a virtual clock. Nothing is stored, and nobody is written to.

    Everything by chance is a hash of the seed: the same command gives the same numbers, at any time and place.
    """
    try:
        crowd = Crowd(seed, _rates(rate), _tags(tag), now)
        check_size(leads)
        here = settings()
        plan = sound_plan(here, campaign_file(here, campaign))
        with progress_bar(f"simulating {plan.campaign}") as bar:
            document = forecast(plan, crowd, leads, bar)
    except Unfit as unfit:
        given = f"--leads {leads}" if unfit.about == "leads" else f"--{unfit.about}"
        raise usage(f"{given}: {unfit}", unfit.hint) from unfit

    def show(on: Console) -> None:
        ended = ", ".join(f"{reason} {number:,}" for reason, number in document["ended"].items())
        on.print(text(f"{plan.campaign}: {leads:,} invented leads, seed {seed}: {ended}", style="bold"))
        show_funnel(on, document["nodes"], leads)
        took = document["days_to_end"]
        on.print(
            text(
                f"{document['messages']:,} messages, at most {max(document['sends_per_day'].values(), default=0):,} a day;"
                f" {sum(document['handoffs_per_week'].values()):,} hand-offs,"
                f" at most {max(document['handoffs_per_week'].values(), default=0):,} a week"
            )
        )
        on.print(
            text(
                f"half of them are through in {took['half']} days, nine of ten in {took['nine_of_ten']},"
                f" the slowest in {took['slowest']}"
            )
        )

    return Answer(document, show, json)


def _rates(written: tuple[str, ...]) -> dict[str, float]:
    return {kind: _share("--rate", kind, share) for kind, share in pairs("--rate", written, "viewed=0.4").items()}


def _tags(written: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for each in written:
        name, equals, share = each.rpartition("=")
        found[name if equals else each] = _share("--tag", name, share) if equals else 1.0
    return found


def _share(option: str, name: str, written: str) -> float:
    try:
        return float(written)
    except ValueError:
        raise usage(f"{option} {name}={written}: a share is a number from 0 to 1", f"such as {name}=0.4") from None

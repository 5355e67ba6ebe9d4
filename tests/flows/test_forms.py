"""The forms in the Prefect UI, as the server offers them to the browser."""

from __future__ import annotations

import json
import urllib.request

import pytest
from prefect.exceptions import PrefectHTTPStatusError

from tests.flows.system import eventually

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

DEPLOYMENTS = ("run-campaign", "backfill", "trace-lead", "tick")


def form(up, deployment):
    with up.prefect() as prefect:
        return prefect.read_deployment_by_name(f"{deployment}/{deployment}").parameter_openapi_schema["properties"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_every_field_of_every_form_says_what_it_is_for(up, deployment):
    fields = form(up, deployment)

    assert fields
    assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_no_field_asks_a_marketer_to_choose_between_a_type_and_none(up, deployment):
    assert [name for name, field in form(up, deployment).items() if "anyOf" in field] == []


@pytest.mark.parametrize("deployment", ["run-campaign", "backfill", "trace-lead"])
def test_the_campaign_is_chosen_from_a_list(up, deployment):
    assert "greet" in form(up, deployment)["campaign"]["enum"]


@pytest.mark.parametrize("deployment", ["run-campaign", "backfill"])
def test_a_form_that_is_only_opened_and_sent_changes_nothing(up, deployment):
    assert form(up, deployment)["dry_run"]["default"] is True


def test_tracing_sends_nothing_unless_asked(up):
    assert form(up, "trace-lead")["send"]["default"] is False


def test_a_campaign_that_does_not_exist_is_refused_before_anything_runs(up):
    with pytest.raises(PrefectHTTPStatusError, match="campaign"):
        up.start("run-campaign", campaign="nobody_wrote_this")


def test_no_form_asks_for_a_secret(up):
    words = {word for deployment in DEPLOYMENTS for field in form(up, deployment) for word in field.split("_")}

    assert not words & {"password", "secret", "key", "token", "url"}


def test_the_heartbeat_is_renewed_by_its_schedule(up):
    """Under SQLAlchemy 2.1, Prefect 3.8.8 schedules nothing and says nothing."""

    def scheduled():
        with up.prefect() as prefect:
            made = prefect.read_deployment_by_name("tick/tick")
            return prefect.get_scheduled_flow_runs_for_deployments([made.id])

    assert eventually(scheduled, 90)


def test_a_campaign_that_is_written_while_the_system_runs_comes_into_the_list(up):
    campaign = json.loads((up.home / "definitions" / "greet.json").read_text())
    file = up.home / "definitions" / "farewell.json"
    file.write_text(json.dumps({**campaign, "campaign": "farewell"}))

    eventually(lambda: "farewell" in form(up, "run-campaign")["campaign"]["enum"])

    file.unlink()
    eventually(lambda: "farewell" not in form(up, "run-campaign")["campaign"]["enum"])


def test_the_pages_tell_the_browser_to_talk_to_nobody_else(up):
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/v2/") as page:
        policy = page.headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "http" not in policy

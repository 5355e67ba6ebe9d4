"""What the drop-downs offer, and what a choice means."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from flows.choices import drop_down
from nurture.engine.letting_in import ENTRY_RULE, audience, campaigns, segments

NORTH = {"field": "region", "op": "is", "value": "north"}


@pytest.fixture
def home(tmp_path):
    definitions = tmp_path / "definitions"
    (definitions / "segments").mkdir(parents=True)
    for name in ("welcome", "drip"):
        (definitions / f"{name}.json").write_text(json.dumps({"campaign": name}))
    (definitions / "schema.json").write_text("{}")
    (definitions / "half_written.json").write_text('{"campaign": ')
    (definitions / "segments" / "north.json").write_text(json.dumps(NORTH))
    return tmp_path


def test_the_list_holds_the_campaigns_that_can_be_read(home):
    assert campaigns(home) == ("drip", "welcome")


def test_segments_are_files_that_hold_a_condition(home):
    assert segments(home) == {"north": NORTH}


def test_an_empty_folder_offers_nothing_and_takes_free_text(tmp_path):
    assert campaigns(tmp_path) == ()
    assert drop_down(campaigns(tmp_path)) is str


def test_names_become_a_list_to_choose_from():
    assert TypeAdapter(drop_down(("drip", "welcome"))).json_schema() == {"type": "string", "enum": ["drip", "welcome"]}


def test_a_single_name_is_a_list_too_and_not_a_constant_that_nobody_can_choose():
    assert TypeAdapter(drop_down(("welcome",))).json_schema() == {"type": "string", "enum": ["welcome"]}


def test_everybody_whom_the_campaign_is_for_needs_no_further_condition(home):
    assert audience(ENTRY_RULE, "", home) is None


def test_a_tag_and_a_segment_must_both_hold(home):
    tagged = {"field": "tags", "op": "has", "value": "CXO"}

    assert audience(ENTRY_RULE, "CXO", home) == tagged
    assert audience("north", "", home) == NORTH
    assert audience("north", "CXO", home) == {"all": [NORTH, tagged]}


def test_a_segment_that_is_gone_is_not_everybody(home):
    with pytest.raises(ValueError, match="no segment 'south'"):
        audience("south", "", home)

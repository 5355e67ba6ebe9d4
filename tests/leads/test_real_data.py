"""An export as a CRM really writes it. The files lie beside the repository, never in it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.leads import HistoryFile, LeadFile, LeadRow, Reject, name_key, resolve

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs real data: ../shared/data")

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_every_lead_of_the_export_is_read_without_a_word_of_mapping():
    file = LeadFile(DATA / "crm_leads.csv")
    leads = [row for row in file.rows() if isinstance(row, LeadRow)]

    assert len(leads) == 3900
    assert file.columns.as_json()["month_Created Time1"] == "month_created_time1"
    assert len({lead.email_key for lead in leads}) == 3900
    assert all(lead.external_id and lead.phone and lead.owner and lead.fields["name"] for lead in leads)


def test_every_event_of_the_history_is_read_and_finds_its_lead():
    known = {row.email_key for row in LeadFile(DATA / "crm_leads.csv").rows() if isinstance(row, LeadRow)}
    rows = list(HistoryFile(DATA / "crm_history.csv").rows(now=NOW))

    assert Counter(row.kind for row in rows) == {
        "sent": 3154,
        "viewed": 927,
        "unsubscribed": 695,
        "bounced": 506,
        "replied": 470,
    }
    assert {row.ref.key for row in rows} <= known


def test_of_the_statuses_by_surname_only_what_is_certain_or_an_opt_out_counts():
    by_name = defaultdict(list)
    for number, row in enumerate(LeadFile(DATA / "crm_leads.csv").rows()):
        by_name[name_key(row.fields["name"])].append(number)
    rows = list(HistoryFile(DATA / "crm_campaign_lead_status.csv").rows(now=NOW))
    results = list(resolve(rows, {}, by_name))

    rejected = Counter(item.code for item in results if isinstance(item, Reject))
    own = {row.line for row in rows if isinstance(row, Reject) or not row.implied}
    assert len(own) == 3900
    assert rejected["nothing_happened"] == 746
    assert rejected["ambiguous_lead"] == 1105
    kinds = Counter(item.row.kind for item in results if not isinstance(item, Reject))
    assert kinds["unsubscribed"] > 695
    assert kinds["viewed"] < 927

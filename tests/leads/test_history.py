"""Histories: what other systems say has happened, and to whom."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nurture.identity import LeadRef
from nurture.leads import HistoryFile, HistoryOptions, HistoryRow, Reject, Resolved, name_key, parse_time, resolve
from nurture.leads.kinds import kinds_of
from nurture.leads.times import BadTime
from nurture.problems import Rejected

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def history(tmp_path):
    def read(header, *rows, **options):
        path = tmp_path / "history.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return HistoryFile(path, HistoryOptions(**options))

    return read


def test_a_list_of_events_is_taken_as_it_is(history):
    (row,) = history(
        "lead,campaign,node,content,kind,at,id,reason",
        "Ada@x.com,welcome,bait,whitepaper,bounced,2024-01-28T09:04:00Z,e1,mailbox full",
    ).rows(now=NOW)

    assert row.ref == LeadRef("email", "ada@x.com")
    assert (row.line, row.name, row.campaign, row.node, row.content) == (2, None, "welcome", "bait", "whitepaper")
    assert (row.kind, row.at, row.implied) == ("bounced", datetime(2024, 1, 28, 9, 4, tzinfo=UTC), False)
    assert (row.id, row.reason) == ("e1", "mailbox full")


def test_a_status_says_also_what_must_have_come_before(history):
    rows = list(
        history(
            "Campaign Name,Lead First Name,Lead Last Name,Status,Last Modified Time",
            'Webinar,Ada,Lovelace,Responded,"15 Apr, 2021 00:03:00"',
            zone=SHANGHAI,
        ).rows(now=NOW)
    )

    assert [(row.kind, row.implied) for row in rows] == [("sent", True), ("viewed", True), ("replied", False)]
    assert {row.name for row in rows} == {"lovelace"}
    assert {row.at for row in rows} == {datetime(2021, 4, 14, 16, 3, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("sent", ("sent",)),
        ("Sent", ("sent",)),
        ("Received", ("sent",)),
        ("Opened", ("sent", "viewed")),
        ("Responded", ("sent", "viewed", "replied")),
        ("bounced", ("bounced",)),
        ("Bounced", ("sent", "bounced")),
        ("Opted Out", ("sent", "unsubscribed")),
        ("OPT_OUT", ("sent", "unsubscribed")),
        ("已退订", ("sent", "unsubscribed")),
        ("attended", ("attended",)),
        ("Planned", ()),
        ("Invited", ()),
        ("danced", None),
    ],
)
def test_the_words_of_other_systems_are_understood(word, kinds):
    assert kinds_of(word) == kinds


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("ada@@x.com,sent,2024-01-28", "two_at"),
        (",sent,2024-01-28", "no_lead"),
        ("ada@x.com,danced,2024-01-28", "unknown_kind"),
        ("ada@x.com,,2024-01-28", "unknown_kind"),
        ("ada@x.com,Planned,2024-01-28", "nothing_happened"),
        ("ada@x.com,sent,", "bad_time"),
        ("ada@x.com,sent,04/05/2021", "bad_time"),
        ("ada@x.com,sent,2031-01-01", "in_the_future"),
        ("ada@x.com,sent", "ragged_row"),
        ('ada@x.com,"sent,2024-01-28', "unclosed_quote"),
    ],
)
def test_a_line_that_cannot_be_believed_is_rejected(history, row, code):
    (reject,) = history("lead,kind,at", row).rows(now=NOW)

    assert isinstance(reject, Reject)
    assert (reject.line, reject.code) == (2, code)


def test_a_history_without_the_columns_it_needs_is_refused_with_all_of_them(history):
    with pytest.raises(Rejected) as refused:
        history("who,what,when", "ada@x.com,sent,2024-01-28")

    assert [problem.hint for problem in refused.value.problems] == [
        *("--history-map kind=COLUMN", "--history-map at=COLUMN", "--history-map lead=COLUMN"),
    ]


def test_columns_can_be_mapped(history):
    file = history("who,what,when", "Ada,Opened,2024-01-28", map={"lead": "who", "kind": "what", "at": "when"})

    assert [row.name for row in file.rows(now=NOW)] == ["ada", "ada"]


# --- whom it is about ------------------------------------------------------------------------------------------

ADA, BOB = LeadRef("email", "ada@x.com"), LeadRef("email", "bob@x.com")


def about(kind, *, ref=None, name=None, implied=False):
    return HistoryRow(2, ref, name, "welcome", "bait", "paper", kind, NOW, implied, "e1", None, ("raw",))


def found(*rows):
    names = {"lovelace": [1], "smith": [2, 3, 4]}
    return [
        item.code if isinstance(item, Reject) else (item.lead, item.row.kind) for item in resolve(rows, {ADA: 1}, names)
    ]


def test_a_reference_or_a_name_of_one_lead_is_that_lead():
    assert found(about("sent", ref=ADA), about("viewed", name="lovelace")) == [(1, "sent"), (1, "viewed")]


def test_nobody_known_is_said_once_a_line():
    assert found(about("sent", name="nobody", implied=True), about("viewed", name="nobody")) == ["unknown_lead"]
    assert found(about("viewed", ref=BOB)) == ["unknown_lead"]


def test_a_name_of_several_leads_is_ambiguous_and_said_once_a_line():
    assert found(about("sent", name="smith", implied=True), about("viewed", name="smith")) == ["ambiguous_lead"]


@pytest.mark.parametrize("kind", ["unsubscribed", "bounced", "complained"])
def test_an_opt_out_of_a_name_of_several_leads_counts_for_each_of_them(kind):
    rows = about("sent", name="smith", implied=True), about(kind, name="smith")

    assert found(*rows) == [(2, kind), (3, kind), (4, kind)]


def test_what_counts_for_several_names_no_message_and_has_no_id_to_be_counted_once_by():
    (first, *_) = resolve([about("bounced", name="smith")], {}, {"smith": [2, 3]})

    assert isinstance(first, Resolved)
    assert (first.row.campaign, first.row.node, first.row.content, first.row.id) == (None, None, None, None)


def test_rejects_pass_through():
    reject = Reject(3, "bad_time", "no", ())

    assert list(resolve([reject], {}, {})) == [reject]


def test_names_are_compared_without_case_width_and_spacing():
    assert name_key(" Ａda  LOVELACE ") == name_key("ada lovelace")


# --- times -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-28T09:04:00Z", "2024-01-28 09:04"),
        ("2024-01-28T09:04:00+08:00", "2024-01-28 01:04"),
        ("2024-01-28 09:04:00.5", "2024-01-28 01:04:00.500000"),
        ("2024-01-28", "2024-01-27 16:00"),
        ("15 Apr, 2021 00:03:00", "2021-04-14 16:03"),
        ("15 April 2021", "2021-04-14 16:00"),
        ("Apr 15, 2021 3:05 PM", "2021-04-15 07:05"),
        ("Sept 1, 2021 12:05 am", "2021-08-31 16:05"),
        ("2021/4/15 9:05", "2021-04-15 01:05"),
        ("2021.4.15", "2021-04-14 16:00"),
        ("2021年4月15日 09:05", "2021-04-15 01:05"),
    ],
)
def test_times_are_understood_as_crms_write_them(text, utc):
    assert parse_time(text, SHANGHAI) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "04/05/2021",
        "31 Apr, 2021",
        "2021-02-30",
        "15 Foo, 2021",
        "2021-04-15 25:00",
        "1 Jan, 0001",
        "9999-12-31",
    ],
)
def test_a_time_that_is_none_or_could_be_two_is_refused(text):
    with pytest.raises(BadTime):
        parse_time(text, SHANGHAI)


def test_an_hour_that_the_clock_leaps_over_is_the_moment_of_the_leap():
    assert parse_time("2026-03-29 02:30", ZoneInfo("Europe/Paris")) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert parse_time("2011-12-30 12:00", ZoneInfo("Pacific/Apia")) == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_the_first_of_them():
    assert parse_time("2026-10-25 02:30", ZoneInfo("Europe/Paris")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

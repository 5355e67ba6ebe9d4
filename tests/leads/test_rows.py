"""Which column means what, and what a row says about a lead."""

from __future__ import annotations

import pytest

from nurture.leads import LeadFile, LeadOptions, Reject, parse_map
from nurture.leads.mapping import slug
from nurture.problems import Rejected


@pytest.fixture
def leads(tmp_path):
    def read(header, *rows, **options):
        path = tmp_path / "leads.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return LeadFile(path, LeadOptions(**options))

    return read


@pytest.fixture
def one(leads):
    def read(header, row, **options):
        (lead,) = leads(header, row, **options).rows()
        return lead

    return read


def test_common_headers_need_no_mapping_in_english(one):
    lead = one(
        "LEADID,Last Name,E-mail,Mobile,Company,Job Title,Industry,Region,Tags,Lead Owner,Lead Source,Lead Status,Time Zone,Language,Consent,WeChat",
        "7,Lovelace,Ada@x.com,13800138000,X,CTO,Pharma,North,a;b,Bob,web,new,Europe/Paris,en-GB,yes,oABC",
    )

    assert (lead.email, lead.email_key) == ("Ada@x.com", "ada@x.com")
    assert (lead.external_id, lead.phone, lead.wechat) == ("7", "+8613800138000", "oABC")
    assert (lead.owner, lead.language, lead.time_zone, lead.consent) == ("Bob", "en", "Europe/Paris", "yes")
    assert lead.tags == ("a", "b")
    assert lead.fields == {
        "name": "Lovelace",
        "company": "X",
        "title": "CTO",
        "industry": "Pharma",
        "region": "North",
        "source": "web",
        "status": "new",
    }


def test_common_headers_need_no_mapping_in_chinese(leads):
    header = "邮箱,姓名,公司,职位,行业,地区,手机,标签,负责人,来源,状态,编号,时区,语言,同意,微信"

    assert (
        list(leads(header).columns.as_json().values())
        == (
            "email name company title industry region phone tags owner source status id time_zone language consent wechat"
        ).split()
    )


@pytest.mark.parametrize("header", ["电子邮件", "电子邮箱", "邮件", "E-Mail", " EMAIL ", "ｅｍａｉｌ", "Email Address"])
def test_an_address_is_found_under_many_headers(one, header):
    assert one(header, "ada@x.com").email == "ada@x.com"


def test_a_mapping_beats_what_a_header_seems_to_mean(leads):
    file = leads("Email,Work", "private@x.com,ada@x.com", map={"email": "work"})

    assert next(file.rows()).email == "ada@x.com"
    assert file.columns.as_json() == {"Email": "email_2", "Work": "email"}


def test_a_column_can_be_named_by_its_position(leads):
    file = leads("Email,Email", "ada@x.com,bob@x.com", map={"email": "#1", "second": "#2"})

    assert file.columns.as_json() == {"Email": "email", "Email #2": "second"}


def test_the_surest_of_several_headers_wins_and_the_others_stay_fields(one):
    lead = one("Phone,Mobile,Name,Last Name,Email", "12345678,13800138000,Ada Lovelace,Lovelace,ada@x.com")

    assert lead.phone == "12345678"
    assert lead.fields == {"mobile": "13800138000", "name": "Ada Lovelace", "last_name": "Lovelace"}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("month_Created Time1", "month_created_time1"),
        ("  Website (URL) ", "website_url"),
        ("创建时间", "创建时间"),
        ("公司 规模", "公司_规模"),
        ("2nd contact", "field_2nd_contact"),
        ("ＮＰＳ", "nps"),
        ("__class__", "class"),
        ("a__b", "a_b"),
        ("!!!", ""),
        ("x" * 80, "x" * 64),
    ],
)
def test_an_unknown_header_becomes_a_field_fit_for_conditions_and_templates(header, field):
    assert slug(header) == field
    assert field == "" or field.isidentifier()


def test_fields_never_share_a_name_and_never_take_one_that_is_ours(leads):
    columns = leads("email,Score,score,signals,!!!,A b,a_b").columns

    assert [column.field for column in columns.columns] == [
        *("email", "score_2", "score_3", "signals_2", "column_5", "a_b", "a_b_2"),
    ]


def test_all_that_is_wrong_with_a_mapping_is_said_at_once():
    with pytest.raises(Rejected) as refused:
        parse_map(["email", "=x", "Job Title=Title", "name=a", "name=b"])

    assert [problem.code for problem in refused.value.problems] == ["E_MAP"] * 4
    assert parse_map(["email=E-Mail", "size= Company Size "]) == {"email": "E-Mail", "size": "Company Size"}


def test_a_missing_address_column_is_told_with_what_there_is(leads):
    with pytest.raises(Rejected, match="no column identifies a lead; there is: Nmae, Firm"):
        leads("Nmae,Firm", "Ada,X")


@pytest.mark.parametrize(
    ("header", "row", "code"),
    [
        ("email,name", "ada,Ada", "no_at"),
        ("email,name", ",Ada", "no_identity"),
        ("email,phone", "ada@x.com,1.38E+10", "number_mangled"),
        ("email,wechat", "ada@x.com,1.38e10", "number_mangled"),
        ("email,language", "ada@x.com,Klingon!", "bad_language"),
        ("email,time_zone", "ada@x.com,CST", "bad_time_zone"),
        ("email,time_zone", "ada@x.com,../etc/passwd", "bad_time_zone"),
        ("email,time_zone", "ada@x.com,Mars/Olympus", "bad_time_zone"),
        ("email,consent", "ada@x.com,pending", "bad_consent"),
        ("email,tags", f"ada@x.com,{'t' * 101}", "bad_tags"),
    ],
)
def test_what_a_row_says_wrongly_is_rejected_with_its_line_and_cells(leads, header, row, code):
    (reject,) = leads(header, row).rows()

    assert isinstance(reject, Reject)
    assert (reject.line, reject.code, reject.raw) == (2, code, tuple(row.split(",")))


@pytest.mark.parametrize(
    ("text", "consent", "given_at"),
    [
        ("yes", "yes", None),
        ("TRUE", "yes", None),
        ("是", "yes", None),
        ("No", "no", None),
        ("否", "no", None),
        ("", None, None),
        ("2026-04-15", "yes", "2026-04-15"),
    ],
)
def test_consent_is_yes_no_or_not_asked(one, text, consent, given_at):
    lead = one("email,consent", f"ada@x.com,{text}")

    assert (lead.consent, lead.fields.get("consent_at")) == (consent, given_at)


def test_tags_split_on_semicolons_of_both_widths(one):
    assert one("email,tags", "ada@x.com, hot ;；深度；hot;").tags == ("hot", "深度")


def test_an_empty_cell_is_not_known_and_so_is_no_field(one):
    assert one("email,name,company", "ada@x.com,  ,X").fields == {"company": "X"}


def test_markup_and_formulas_are_stored_as_they_are(one):
    lead = one("email,name,note", "ada@x.com,<b>{{7*7}}</b>,=HYPERLINK(1)")

    assert lead.fields == {"name": "<b>{{7*7}}</b>", "note": "=HYPERLINK(1)"}

"""Workbooks: values only, and nothing that explodes."""

from __future__ import annotations

import zipfile

import pytest

from nurture.leads import LeadFile, LeadOptions, LeadRow, Reject
from nurture.problems import Rejected
from tests.leads.files import sheet, workbook

HEADER = ["email", "phone", "visits", "joined", "open", "note"]


def read(path, **options):
    return list(LeadFile(path, LeadOptions(**options)).rows())


def refusal(path, **options):
    with pytest.raises(Rejected) as refused:
        LeadFile(path, LeadOptions(**options))
    return [problem.code for problem in refused.value.problems]


def test_a_workbook_is_read_by_its_values(tmp_path):
    date = "<v>44300</v>"
    data = sheet([HEADER, ["ada@x.com", 13800138000, 2.5, "", True, ""]])
    data = data.replace("</row>", "</row>", 1).replace('<c r="E2"', f'<c r="D2" s="1">{date}</c><c r="E2"')
    data = data.replace('t="b"><v>1</v></c></row>', 't="b"><v>1</v></c><c r="F2"><f>1+1</f><v>2</v></c></row>')
    file = LeadFile(workbook(tmp_path / "leads.xlsx", {"Leads": data}))
    (lead,) = file.rows()

    assert (file.source.format, file.source.sheet) == ("xlsx", "Leads")
    assert (lead.line, lead.email, lead.phone) == (2, "ada@x.com", "+8613800138000")
    assert lead.fields == {"visits": "2.5", "joined": "2021-04-14", "open": "true", "note": "2"}


def test_rows_keep_the_numbers_that_their_owner_sees(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email"], ["ada@x.com"], [""], ["bob"]], first_row=4)})

    assert [(row.line, type(row)) for row in read(path)] == [(5, LeadRow), (7, Reject)]


def test_the_first_visible_sheet_is_meant_unless_one_is_named(tmp_path):
    sheets = {name: sheet([["email"], [f"{name}@x.com"]]) for name in ("secret", "first", "second")}
    path = workbook(tmp_path / "a.xlsx", sheets, hidden=("secret",))

    assert read(path)[0].email == "first@x.com"
    assert read(path, sheet="second")[0].email == "second@x.com"
    assert read(path, sheet="secret")[0].email == "secret@x.com"
    assert refusal(path, sheet="third") == ["E_SHEET"]


def test_the_format_is_told_by_the_content_and_not_by_the_name(tmp_path):
    path = workbook(tmp_path / "leads.csv", {"S": sheet([["email"], ["ada@x.com"]])})
    text = tmp_path / "leads.xlsx"
    text.write_text("email\nada@x.com\n", encoding="utf-8")

    assert read(path)[0].email == read(text)[0].email == "ada@x.com"


def test_a_number_too_long_for_a_spreadsheet_is_rejected_and_not_mangled(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email", "id"], ["a@x.com", 1.38e16], ["b@x.com", 4563]])})
    mangled, fine = read(path)

    assert (mangled.line, mangled.code) == (2, "number_mangled")
    assert fine.external_id == "4563"


def test_control_characters_are_refused_here_too(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email", "name"], ["a@x.com", "A\u202eda"]])})

    assert read(path)[0].code == "control_character"
    assert read(path, strip_controls=True)[0].fields["name"] == "Ada"


def test_macros_are_refused(tmp_path):
    data = {"S": sheet([["email"]])}

    assert refusal(workbook(tmp_path / "a.xlsm", data)) == ["E_WORKBOOK"]
    assert refusal(workbook(tmp_path / "a.xlsx", data, **{"xl/vbaProject.bin": "x"})) == ["E_WORKBOOK"]


def test_an_empty_sheet_is_refused(tmp_path):
    assert refusal(workbook(tmp_path / "a.xlsx", {"S": ""})) == ["E_EMPTY"]


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500)])
def test_a_damaged_workbook_is_refused(tmp_path, content):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    assert refusal(path) == ["E_WORKBOOK"]


def test_any_other_zip_file_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")

    assert refusal(path) == ["E_WORKBOOK"]


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email"]])}, **{"xl/media/x.xml": " " * (201 << 20)})

    assert refusal(path) == ["E_TOO_LARGE"]


def test_a_bomb_is_refused_by_how_much_it_grows(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email"]]) + " " * (30 << 20)})

    assert refusal(path) == ["E_TOO_LARGE"]


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email"]]) + " " * (30 << 20)})
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    data = path.read_bytes()
    path.write_bytes(data.replace(part.file_size.to_bytes(4, "little"), (4000).to_bytes(4, "little")))

    assert refusal(path) == ["E_WORKBOOK"]


@pytest.mark.parametrize("last", ["XFD1048576", "ZZZZZZ1", "A9999999999"])
def test_a_sheet_of_two_cells_far_apart_does_not_take_the_machine_down(tmp_path, last):
    row = "".join(filter(str.isdigit, last))
    data = f'{sheet([["email"]])}<row r="{row}"><c r="{last}"><v>1</v></c></row>'

    assert refusal(workbook(tmp_path / "a.xlsx", {"S": data})) == ["E_TOO_LARGE"]


def test_nor_does_a_far_row_with_cells_that_do_not_say_where_they_are(tmp_path):
    data = f'{sheet([["email"]])}<row r="2">{"<c/>" * 16_000}</row><row r="1048576"><c><v>1</v></c></row>'

    assert refusal(workbook(tmp_path / "a.xlsx", {"S": data})) == ["E_TOO_LARGE"]


@pytest.mark.parametrize("at", [0x1A, -20, -6])
def test_a_workbook_with_false_offsets_is_refused(tmp_path, at):
    path = workbook(tmp_path / "a.xlsx", {"S": sheet([["email"]])})
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)

    assert refusal(path) == ["E_WORKBOOK"]

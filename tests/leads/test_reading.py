"""Files of leads as text: encodings, delimiters, quotes, and rows that are not what they should be."""

from __future__ import annotations

import csv
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.leads import LeadFile, LeadOptions, LeadRow, Reject, open_table
from nurture.leads.csvfile import sniff
from nurture.problems import Rejected


@pytest.fixture
def file(tmp_path):
    def write(content, name="leads.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path, **options):
    return list(LeadFile(path, LeadOptions(**options)).rows())


def emails(path, **options):
    return [row.email for row in read(path, **options) if isinstance(row, LeadRow)]


def rejected(path, **options):
    return [(row.line, row.code) for row in read(path, **options) if isinstance(row, Reject)]


def refusal(path, **options):
    """The codes with which the file as a whole is refused."""
    with pytest.raises(Rejected) as refused:
        LeadFile(path, LeadOptions(**options))
    assert all(problem.what and problem.file == str(path) for problem in refused.value.problems)
    return [problem.code for problem in refused.value.problems]


# --- encodings -------------------------------------------------------------------------------------------------

CHINESE = "邮箱,姓名,公司\nada@x.com,王小明,上海示例科技有限公司\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_an_export_in_chinese_is_read_whatever_program_wrote_it(file, encoding, found):
    leads = LeadFile(file(CHINESE.encode(encoding)))
    (row,) = leads.rows()

    assert leads.source.encoding == found
    assert (row.email, row.fields) == ("ada@x.com", {"name": "王小明", "company": "上海示例科技有限公司"})


def test_utf_8_is_proven_for_the_whole_file_before_gb18030_is_tried(file):
    late = "邮箱,姓名\n" + "ada@x.com,Ada\n" * 200_000 + "bob@x.com,王小明\n"

    assert LeadFile(file(late)).source.encoding == "utf-8"
    assert LeadFile(file(late.encode("gb18030"))).source.encoding == "gb18030"


def test_latin_1_is_never_guessed_and_can_be_said(file):
    path = file("email,name\nada@x.com,Zoé\n".encode("latin-1"))

    assert refusal(path) == ["E_ENCODING"]
    assert read(path, encoding="latin-1")[0].fields["name"] == "Zoé"


def test_one_damaged_letter_does_not_turn_a_utf_8_file_into_chinese_of_another_kind(file):
    path = file((CHINESE + "bob@x.com,李雷,北京示例有限公司\n").encode() + "cyd@x.com,张\n".encode("gb18030"))

    with pytest.raises(Rejected, match="line 4 is damaged"):
        LeadFile(path)


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (CHINESE.encode("utf-16-le"), {}, "E_ENCODING"),
        (CHINESE.encode("gbk"), {"encoding": "utf-8"}, "E_ENCODING"),
        (CHINESE, {"encoding": "klingon"}, "E_ENCODING"),
        (CHINESE, {"encoding": "rot13"}, "E_ENCODING"),
        (CHINESE, {"delimiter": ",,"}, "E_DELIMITER"),
        (CHINESE, {"sheet": "Leads"}, "E_SHEET"),
        ("", {}, "E_EMPTY"),
        ("\n\n  \n", {}, "E_EMPTY"),
        ("\ufeff", {}, "E_EMPTY"),
        ("name,company\nAda,X\n", {}, "E_NO_IDENTITY"),
        ("ada@x.com,Ada\nbob@x.com,Bob\n", {}, "E_HEADER"),
        ("email,\x00name\n", {}, "E_HEADER"),
        ("email,,name\n", {}, "E_COLUMN"),
        ("email,E-Mail,name\n", {}, "E_COLUMN"),
        ("email\n", {"map": {"name": "Nmae"}}, "E_MAP"),
        ("email,points\n", {"map": {"score": "points"}}, "E_MAP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), {}, "E_WORKBOOK"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_as_a_whole(file, content, options, code):
    assert code in refusal(file(content), **options)


def test_a_file_that_is_not_there_is_refused_like_any_other(tmp_path):
    assert refusal(tmp_path / "nothing.csv") == ["E_FILE"]
    assert refusal(tmp_path) == ["E_FILE"]


def test_utf_16_without_a_mark_is_read_when_said(file):
    assert emails(file(CHINESE.encode("utf-16-le")), encoding="utf-16-le") == ["ada@x.com"]


# --- shape -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends_are_seen_from_the_header(file, delimiter, end):
    lines = [["email", "name", "note"], ["ada@x.com", "Ada", "a,b;c|d"], ["bob@x.com", "Bob", ""]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(lines)
    leads = LeadFile(file(text.getvalue()))
    ada, bob = leads.rows()

    assert leads.source.delimiter == delimiter
    assert (ada.line, ada.fields) == (2, {"name": "Ada", "note": "a,b;c|d"})
    assert (bob.line, bob.fields) == (3, {"name": "Bob"})


def test_the_delimiter_can_be_said(file):
    path = file("email:name\nada@x.com:Ada\n")

    assert refusal(path) == ["E_NO_IDENTITY"]
    assert emails(path, delimiter=":") == ["ada@x.com"]


def test_excel_may_name_the_delimiter_in_a_line_of_its_own(file):
    assert emails(file("sep=;\r\nemail;name\r\nada@x.com;A,da\r\n")) == ["ada@x.com"]


def test_a_delimiter_inside_quotes_is_not_counted():
    assert sniff('"a,b,c,d";e;f\n') == ";"


def test_mixed_line_ends_and_blank_lines_are_no_trouble(file):
    path = file("email\r\nada@x.com\rbob@x.com\n\n \r\n,\ncyd@x.com")

    assert [(row.line, row.email) for row in read(path)] == [(2, "ada@x.com"), (3, "bob@x.com"), (7, "cyd@x.com")]


def test_a_quoted_cell_may_hold_anything_and_keeps_it(file):
    path = file('email,note\nada@x.com,"one, ""two""\r\nthree"\nbob@x.com,=1+1\n')
    ada, bob = read(path)

    assert ada.fields["note"] == 'one, "two"\r\nthree'
    assert (bob.line, bob.fields["note"]) == (4, "=1+1")


def test_a_header_alone_is_an_empty_list_of_leads(file):
    assert read(file("email,name\n")) == []


def test_empty_cells_to_the_right_of_the_header_are_no_cells(file):
    assert emails(file("email,name,,\nada@x.com,Ada,,\nbob@x.com,Bob\n")) == ["ada@x.com", "bob@x.com"]


@pytest.mark.parametrize("row", ["bob@x.com", "bob@x.com,Bob,B", "bob@x.com,Bob,,,B"])
def test_a_row_of_another_length_is_rejected_alone(file, row):
    path = file(f"email,name\nada@x.com,Ada\n{row}\ncyd@x.com,Cyd\n")

    assert emails(path) == ["ada@x.com", "cyd@x.com"]
    assert rejected(path) == [(3, "ragged_row")]


# --- quotes that do not close ----------------------------------------------------------------------------------


def test_an_unclosed_quote_costs_its_own_row_and_no_other(file):
    path = file('email,name\nada@x.com,Ada\nbob@x.com,"Bob\ncyd@x.com,Cyd\ndan@x.com,Dan\n')

    assert emails(path) == ["ada@x.com", "cyd@x.com", "dan@x.com"]
    assert rejected(path) == [(3, "unclosed_quote")]


def test_an_unclosed_quote_before_quoted_rows_costs_its_own_row_and_no_other(file):
    path = file('email,name\nbob@x.com,"Bob\n"cyd@x.com","Cyd"\n"dan@x.com","Dan"\n')

    assert emails(path) == ["cyd@x.com", "dan@x.com"]
    assert rejected(path) == [(2, "bad_quotes")]


def test_an_unclosed_quote_in_a_long_file_loses_nothing_after_it(file):
    many = "".join(f"lead{number}@x.com,{'n' * 80}\n" for number in range(100_000))
    path = file(f'email,name\nbob@x.com,"Bob\n{many}')

    assert len(emails(path)) == 100_000
    assert rejected(path) == [(2, "unclosed_quote")]


def test_a_quote_that_is_not_doubled_costs_its_own_row(file):
    path = file('email,name\nada@x.com,"Ada "the" Countess"\nbob@x.com,5" Bob\n')

    assert rejected(path) == [(2, "bad_quotes")]
    assert read(path)[1].fields["name"] == '5" Bob'


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_a_megabyte_costs_its_own_row(file, quote):
    path = file(f"email,name\nada@x.com,{quote}{'x' * 1_000_000}{quote}\nbob@x.com,Bob\n")

    assert emails(path) == ["bob@x.com"]
    assert rejected(path) == [(2, "cell_too_long")]


def test_a_long_cell_of_many_lines_costs_its_own_row_and_its_lines_are_no_rows(file):
    inside = "eve@x.com,Eve\n" * 50_000
    path = file(f'email,name\nada@x.com,"{inside}"\nbob@x.com,Bob\n')

    assert emails(path) == ["bob@x.com"]
    assert rejected(path) == [(2, "cell_too_long")]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(file):
    assert refusal(file(b"email\n" + b"x" * (10 << 20))) == ["E_LINE"]


@given(
    st.lists(
        st.lists(st.text(alphabet='a,;"\n\r é', max_size=6), min_size=3, max_size=3),
        max_size=8,
    )
)
def test_whatever_is_written_as_csv_is_read_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["email", "b", "c"], *rows])

    assert [cells for _, cells in open_table(path, delimiter=",").rows()] == rows


# --- characters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\ufffd"])
def test_a_control_character_costs_its_own_row_unless_asked_to_be_taken_out(file, bad):
    path = file(f"email,name\nada@x.com,A{bad}da\nbob@x.com,Bob\n")

    assert emails(path) == ["bob@x.com"]
    assert rejected(path) == [(2, "control_character")]
    assert read(path, strip_controls=True)[0].fields["name"] == "Ada"


# --- going on after a stop, and size ---------------------------------------------------------------------------


def test_reading_goes_on_after_any_line(file):
    text = "email,note\n" + "".join(f'lead{n}@x.com,"a\nb"\n' if n % 3 else f"lead{n},x\n" for n in range(40))
    leads = LeadFile(file(text))
    everything = list(leads.rows())

    for row in everything:
        assert list(leads.rows(after=row.line)) == [other for other in everything if other.line > row.line]


def test_progress_is_told_in_bytes_of_the_file(file):
    leads = LeadFile(file("email\n" + "".join(f"lead{n}@x.com\n" for n in range(200_000))))
    positions = {leads.position for _ in leads.rows()}

    assert leads.position == leads.source.size
    assert len(positions) > 2


def test_memory_does_not_grow_with_the_file(file):
    line = '"lead@x.com",' + "n" * 150 + "\n"

    def peak(rows):
        leads = LeadFile(file("email,name\n" + line * rows))
        tracemalloc.start()
        for _ in leads.rows():
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(60_000) < 1.3 * peak(20_000)

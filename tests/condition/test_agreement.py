"""A segment means the same leads as the condition, on every store."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from nurture.condition import Condition
from nurture.snapshot import CONFIDENCE, Signal
from nurture.store import Store
from nurture.store.database import micros
from nurture.store.schema import leads, signals, tags
from nurture.store.segments import segment_sql
from nurture.testing import moment, snap

NOW = moment("6 Mar 09:30")
VALUES = [
    *(
        "",
        "0",
        "-0",
        "1",
        "7",
        "007",
        "7.0",
        "7.50",
        "-7.5",
        "+7",
        ".5",
        "5.",
        "1e3",
        " 7",
        "7 ",
        "7\n",
        "٧",
        "7,5",
        "NaN",
        "Infinity",
    ),
    *("12345678901", "123456789012", "99999999999.9999", "0.1", "0.3", "0.12345", "0.0001"),
    *(
        "true",
        "True",
        "IT",
        "it",
        "İT",
        "ß",
        "é",
        "e\u0301",
        "工业",
        "工业 4.0",
        "😀",
        "a%b",
        "a_b",
        "x'y",
        'x"y',
        "x\\y",
        "null",
    ),
    *(None, True, False, 0, 7, -7, 7.0, 7.5, 0.1, 0.1 + 0.2, 1e16, 1e-5, 10**11, 12345678901, -0.0),
]
FIELDS = ["a", "b", "公司 名", "x.y", "it's", "$", "a[0]"]
WORDS = [value for value in VALUES if isinstance(value, str) and value]
NUMBERS = [0, 1, 7, 7.0, 7.5, -7, -7.5, 0.1, 0.3, 0.0001, 12345678901, 99999999999.9999]
KINDS = ["viewed", "clicked", "replied"]
TAGS = ["registered", "深度", "x'y", "Registered"]
PARTS = ["", "7", "I", "工", "%", "_", "'", "e", "\u0301", "tru", "0.", "4.0"]

LITERALS = st.sampled_from([*WORDS, *NUMBERS, True, False])
FIELD = st.sampled_from([*FIELDS, "never there", "email", "owner", "language", "id"])
ORDER = st.sampled_from(["<", "<=", ">", ">="])


def ask(field, op, value):
    return {"field": field, "op": op, "value": value}


COMPARISONS = st.one_of(
    st.builds(ask, FIELD, st.sampled_from(["=", "!="]), LITERALS),
    st.builds(
        ask,
        FIELD.filter(lambda field: field != "owner"),
        ORDER,
        st.sampled_from([*NUMBERS, "7", "7.5", "-0", "0.0001"]),
    ),
    st.builds(ask, FIELD, st.just("in"), st.lists(LITERALS, min_size=1, max_size=5)),
    st.builds(
        ask, FIELD, st.sampled_from(["contains", "starts_with"]), st.sampled_from([*WORDS, *filter(None, PARTS)])
    ),
    st.builds(lambda field, op: {"field": field, "op": op}, FIELD, st.sampled_from(["known", "unknown"])),
    st.builds(
        ask, st.just("score"), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from([*NUMBERS, "7"])
    ),
    st.builds(ask, st.just("tags"), st.sampled_from(["has", "has_not"]), st.sampled_from(TAGS)),
    st.builds(
        lambda kind, op, within: {"field": f"signals.{kind}", "op": op, **({"within": within} if within else {})},
        st.sampled_from(KINDS),
        st.sampled_from(["known", "unknown"]),
        st.sampled_from([None, "1 minute", "1 day", "30 days"]),
    ),
)
TREES = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


def people():
    """Leads that have every value in every kind of place: id, columns, fields, tags, signals."""
    ages = [
        timedelta(),
        timedelta(seconds=60),
        timedelta(seconds=61),
        timedelta(days=1),
        timedelta(days=31),
        timedelta(seconds=-1),
    ]
    for n, value in enumerate(VALUES, 1):
        other = VALUES[(n * 7) % len(VALUES)]
        fields = {name: (value, other, "filler")[(n + k) % 3] for k, name in enumerate(FIELDS) if (n + k) % 5} | {
            "a": value
        }
        if n % 4 == 0:
            del fields["a"]
        word = WORDS[n % len(WORDS)]
        columns = {
            "email": f"{word}@example.com" if n % 3 else None,
            "external_id": f"{n}" if n % 2 else None,
            "owner": (None, "", word)[n % 3],
            "language": ("zh", None, "")[n % 3],
            "score": (0, 7, -7, 100)[n % 4],
        }
        tagged = {tag for k, tag in enumerate(TAGS) if (n >> k) & 1}
        heard = [
            Signal(KINDS[(n + k) % 3], NOW - age, confidence=CONFIDENCE[(n + 2 * k) % 5 % 3])
            for k, age in enumerate(ages)
            if (n + k) % 4 == 0
        ]
        yield n, fields, columns, tagged, heard


PEOPLE = list(people())


def fill(connection):
    for n, fields, columns, tagged, heard in PEOPLE:
        row = {"id": n, "key": str(n), "created_at": 0, "change": 0, **columns}
        connection.execute(
            insert(leads).values(**row, fields=json.dumps(fields, ensure_ascii=False, separators=(",", ":")))
        )
        for tag in tagged:
            connection.execute(insert(tags).values(lead_id=n, tag=tag, at=0))
        for signal in heard:
            connection.execute(
                insert(signals).values(
                    lead_id=n, kind=signal.kind, at=micros(signal.at), heard_at=0, confidence=signal.confidence
                )
            )


def scene(fields, columns, tagged, heard):
    known = {"email": columns["email"], "id": columns["external_id"], **json.loads(json.dumps(fields))}
    known |= {"language": columns["language"], "owner": columns["owner"]}
    return snap(NOW, lead=known, tags=tagged, score=columns["score"], owner=columns["owner"], signals=heard)


def meant(tree):
    condition = Condition(tree)
    return {n for n, *person in PEOPLE if condition.holds(scene(*person)).true}


@pytest.fixture
def ask_store(database_url):
    with Store(database_url) as store:
        store.migrate()
        dialect = "postgresql" if store.postgresql else "sqlite"
        with store.write() as tx:
            fill(tx.connection)
        with store.read() as tx:
            yield lambda tree: set(tx.connection.scalars(select(leads.c.id).where(segment_sql(tree, dialect, NOW))))


def test_a_segment_is_exactly_the_leads_for_whom_the_condition_holds(ask_store):
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(TREES)
    def agrees(tree):
        assert ask_store(tree) == meant(tree)

    agrees()


def test_every_value_compares_with_every_literal_alike(ask_store):
    for literal in [*WORDS, *NUMBERS, True, False]:
        for tree in (ask("a", "=", literal), ask("a", "!=", literal), ask("a", "in", [literal, "IT", 7])):
            assert ask_store(tree) == meant(tree), tree
    for number in NUMBERS:
        for op in ("<", "<=", ">", ">="):
            assert ask_store(ask("a", op, number)) == meant(ask("a", op, number)), (op, number)
    for part in filter(None, PARTS):
        for op in ("contains", "starts_with"):
            assert ask_store(ask("a", op, part)) == meant(ask("a", op, part)), (op, part)


def test_a_large_condition_is_still_one_statement(ask_store):
    many = {"all": [{"not": {"all": [ask("a", "in", [f"word {n}", n])]}} for n in range(160)]}

    assert ask_store(many) == meant(many)
    assert ask_store(ask("a", "in", [*map(str, range(1000))])) == meant(ask("a", "in", [*map(str, range(1000))]))


def test_no_field_name_becomes_a_part_of_the_statement(ask_store):
    for name in ("a') OR 1=1 --", "%s", ":a", "{a}", "a;DROP TABLE leads", "$.a", "?"):
        assert ask_store({"field": name, "op": "known"}) == set()


def test_a_wrong_condition_never_reaches_the_store():
    with pytest.raises(ValueError, match="no condition"):
        segment_sql({}, "sqlite", NOW)

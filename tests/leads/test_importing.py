"""Leads into the store: who is new, what is filled in, who may not be written to, and that a kill changes nothing."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest

from nurture.identity import address_hash, lead_key
from nurture.leads import LeadFile, importing, lead_ids_of
from nurture.problems import Rejected
from tests.leads.taking import NOW, SECRET, into, people, said, silence, silenced

# --- new leads -------------------------------------------------------------------------------------------------


def test_everything_a_row_says_is_kept(store, take):
    report = take(
        "email,id,phone,wechat,name,tags,owner,language,time_zone,consent,size",
        "Ada@X.com,7,13800138000,oABC,Ada,a;b,Bob,en,Europe/Paris,yes,5",
        tags=("fair",),
        basis="contract",
    )
    ada = people(store)["ada@x.com"]

    assert said(report) == {"new": 1}
    assert (ada["key"], ada["email"]) == (lead_key("email", "ada@x.com"), "Ada@X.com")
    assert (ada["external_id"], ada["phone"], ada["wechat"], ada["owner"]) == ("7", "+8613800138000", "oABC", "Bob")
    assert (ada["language"], ada["time_zone"], ada["basis"], ada["consent"]) == (
        "en",
        "Europe/Paris",
        "contract",
        "yes",
    )
    assert ada["fields"] == {"name": "Ada", "size": "5"}
    assert ada["tags"] == ["a", "b", "fair"]


def test_the_key_of_a_lead_is_of_the_first_identity_known(store, take):
    take("id,phone", "7,13800138000")
    take("id,email", "7,ada@x.com")

    assert people(store)["ada@x.com"]["key"] == lead_key("id", "7")


def test_the_same_file_again_changes_nothing(store, take):
    lines = ["email,name,tags", "ada@x.com,Ada,a", "bob@x.com,Bob,b"]
    take(*lines)
    before = people(store)
    report = take(*lines, now=NOW + timedelta(days=1))

    assert said(report) == {"unchanged": 2}
    assert people(store) == before


def test_two_rows_of_one_lead_are_one_lead(store, take):
    report = take("email,name,company", "ada@x.com,Ada,", "ADA@x.com,,X", "ａda@x.com,Ada,X")

    assert said(report) == {"new": 1, "updated": 1, "unchanged": 1}
    assert people(store)["ada@x.com"]["fields"] == {"name": "Ada", "company": "X"}


def test_a_lead_is_found_by_any_of_its_identities(store, take):
    take("email,id,phone", "ada@x.com,7,13800138000")

    assert said(take("phone,name", "+86 138 0013 8000,Ada")) == {"updated": 1}
    assert said(take("id,wechat", "7,oABC")) == {"updated": 1}
    assert said(take("wechat,name", "oABC,Ada")) == {"unchanged": 1}
    assert len(people(store)) == 1


def test_identities_of_two_leads_in_one_row_are_a_conflict_and_nothing_is_merged(store, take):
    take("email,id", "ada@x.com,7", "bob@x.com,8")
    before = people(store)
    report = take("email,id,name", "ada@x.com,8,Eve")

    assert said(report) == {"rejected": 1}
    assert report.reasons == {"identity_conflict": 1}
    assert people(store) == before


# --- known leads -----------------------------------------------------------------------------------------------


def test_a_known_lead_takes_only_what_it_lacks(store, take):
    take("email,name,owner", "Ada@x.com,Ada,Bob")
    report = take("email,name,owner,phone,company", "ada@x.com,Eve,Mallory,13800138000,X", basis="contract")
    ada = people(store)["ada@x.com"]

    assert said(report) == {"updated": 1}
    assert (ada["email"], ada["owner"], ada["phone"], ada["basis"]) == (
        "Ada@x.com",
        "Bob",
        "+8613800138000",
        "contract",
    )
    assert ada["fields"] == {"name": "Ada", "company": "X"}


def test_when_asked_a_known_lead_takes_all_that_the_file_knows(store, take):
    take("email,name,owner,company", "ada@x.com,Ada,Bob,X")
    report = take("email,name,owner,company", "ada@x.com,Eve,Mallory,", policy="overwrite")
    ada = people(store)["ada@x.com"]

    assert said(report) == {"updated": 1}
    assert (ada["owner"], ada["fields"]) == ("Mallory", {"name": "Eve", "company": "X"})


def test_a_new_address_of_a_known_lead_keeps_its_key_and_the_old_one_still_leads_to_it(store, take):
    take("id,email", "7,ada@x.com")
    key = people(store)["ada@x.com"]["key"]
    take("id,email", "7,ada@y.com", policy="overwrite")

    assert people(store)["ada@y.com"]["key"] == key
    first = take("email,name", "old@x.com,Old")
    take("email,id", "old@x.com,9")
    take("id,email", "9,new@x.com", policy="overwrite")
    assert said(first) == {"new": 1}
    assert said(take("email,name", "old@x.com,Old")) == {"unchanged": 1}
    assert set(people(store)) == {"ada@y.com", "new@x.com"}


def test_two_leads_may_change_places_in_one_file(store, take):
    take("email,id", "ada@x.com,1", "bob@x.com,2")
    take("email,id", "new@x.com,1", "ada@x.com,2", policy="overwrite")

    assert {email: person["external_id"] for email, person in people(store).items()} == {
        "new@x.com": "1",
        "ada@x.com": "2",
    }


def test_tags_are_added_and_never_taken_away(store, take):
    take("email,tags", "ada@x.com,a;b")
    before = people(store)["ada@x.com"]["change"]
    report = take("email,tags", "ada@x.com,b;c", tags=("fair",), now=NOW + timedelta(days=1))
    ada = people(store)["ada@x.com"]

    assert said(report) == {"updated": 1}
    assert ada["tags"] == ["a", "b", "c", "fair"]
    assert ada["change"] > before


@pytest.mark.parametrize(
    ("has", "comes", "policy", "becomes"),
    [
        ("", "yes", "fill_empty", "yes"),
        ("yes", "no", "fill_empty", "no"),
        ("no", "yes", "fill_empty", "no"),
        ("no", "yes", "overwrite", "yes"),
        ("yes", "", "overwrite", "yes"),
    ],
)
def test_withdrawing_a_consent_is_as_easy_as_giving_it(store, take, has, comes, policy, becomes):
    take("email,consent", f"ada@x.com,{has}")
    take("email,consent", f"ada@x.com,{comes}", policy=policy)

    assert people(store)["ada@x.com"]["consent"] == becomes


def test_what_a_campaign_sets_while_a_file_is_read_is_not_lost(store, take, monkeypatch):
    take("email,name", "ada@x.com,Ada")
    look = importing.stored.find
    interrupted = []

    def find(tx, identities):
        found = look(tx, identities)
        if not interrupted:
            interrupted.append(True)
            tx.run("UPDATE leads SET fields = ?", '{"name":"Ada","stage":"hot"}')
        return found

    monkeypatch.setattr(importing.stored, "find", find)
    # The write of the campaign is taken back with the first attempt; what matters is that it was noticed.
    take("email,company", "ada@x.com,X")

    assert interrupted
    assert people(store)["ada@x.com"]["fields"] == {"name": "Ada", "company": "X"}


# --- people who may not be written to --------------------------------------------------------------------------


def test_a_suppressed_address_is_counted_and_known_and_stays_suppressed(store, take):
    silence(store, "bounced", "email", "ada@x.com")
    report = take("email,name", "Ada@x.com,Ada", "bob@x.com,Bob")

    assert said(report) == {"new": 1, "suppressed": 1}
    assert people(store)["ada@x.com"]["fields"] == {"name": "Ada"}
    assert said(take("email,name", "Ada@x.com,Ada", "bob@x.com,Bob")) == {"unchanged": 1, "suppressed": 1}


def test_an_opt_out_counts_for_every_address_that_a_file_brings(store, take):
    silence(store, "unsubscribed", "email", "ada@x.com")
    take("email,phone", "ada@x.com,13800138000")

    assert (address_hash(SECRET, "phone", "+8613800138000"), "unsubscribed") in silenced(store)
    assert said(take("phone,name", "13800138000,Ada")) == {"suppressed": 1}


def test_a_bounce_counts_for_its_own_address_only(store, take):
    silence(store, "bounced", "email", "ada@x.com")
    take("email,phone", "ada@x.com,13800138000")

    assert len(silenced(store)) == 1


def test_a_new_address_does_not_get_around_an_opt_out(store, take):
    take("id,email", "7,ada@x.com")
    silence(store, "unsubscribed", "email", "ada@x.com")
    report = take("id,email", "7,ada@y.com", policy="overwrite")

    assert said(report) == {"suppressed": 1}
    assert (address_hash(SECRET, "email", "ada@y.com"), "unsubscribed") in silenced(store)


def test_an_opt_out_known_by_another_system_s_id_counts_for_the_address_that_comes_with_it(store, take):
    silence(store, "unsubscribed", "id", "7")
    report = take("id,email", "7,ada@y.com")

    assert said(report) == {"suppressed": 1}
    assert (address_hash(SECRET, "email", "ada@y.com"), "unsubscribed") in silenced(store)


def test_of_somebody_erased_nothing_comes_back(store, take):
    silence(store, "erased", "email", "ada@x.com")
    report = take("email,name", "ada@x.com,Ada", "bob@x.com,Bob")

    assert said(report) == {"new": 1, "suppressed": 1}
    assert set(people(store)) == {"bob@x.com"}


# --- rejects and warnings --------------------------------------------------------------------------------------


def test_rejected_rows_come_back_in_a_file_and_the_others_are_in(store, take, tmp_path):
    report = take("email,name", "ada@x.com,Ada", "bob,=Bob", "cyd@x.com,Cyd")

    assert said(report) == {"new": 2, "rejected": 1}
    with report.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["3", "no_at", "an e-mail address needs an @", "bob", "'=Bob"]


def test_without_rejects_there_is_no_file_of_them(take, tmp_path):
    assert take("email", "ada@x.com").rejects_file is None
    assert not (tmp_path / "rejects").exists()


def test_addresses_that_deserve_a_second_look_are_counted(take):
    report = take("email", "info@x.com", "ada+a@x.com", "ada+b@x.com", "ada@x.com")

    assert report.warnings == {"role": 1, "subaddress": 2}


def test_a_file_that_cannot_be_understood_writes_nothing(store, take):
    with pytest.raises(Rejected):
        take("name", "Ada")

    with store.read() as tx:
        assert tx.value("SELECT COUNT(*) FROM imports") == 0


def test_the_leads_of_a_file_are_found_again(store, take, tmp_path):
    take("email,id", "zoe@x.com,1", "ada@x.com,2")
    path = tmp_path / "other.csv"
    path.write_text("email\nada@x.com\nnobody@x.com\nADA@x.com\nbad\nzoe@x.com\n", encoding="utf-8")
    ids = {email: person["id"] for email, person in people(store).items()}

    assert list(lead_ids_of(store, LeadFile(path))) == [ids["ada@x.com"], ids["zoe@x.com"]]


def test_a_rehearsal_counts_exactly_and_writes_nothing(store, tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text("email\nada@x.com\nada@x.com\nbob\n", encoding="utf-8")
    with store.rehearse():
        report = into(store, path)

    assert said(report) == {"new": 1, "unchanged": 1, "rejected": 1}
    assert people(store) == {}

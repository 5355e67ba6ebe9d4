"""Who is who: what counts as one address, what is refused, and what follows from an identity."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nurture.identity import (
    BadIdentity,
    LeadRef,
    _normalise_email_slowly,
    address_hash,
    dice,
    enrollment_key,
    flags,
    lead_key,
    normalise_email,
    normalise_id,
    normalise_phone,
    normalise_wechat,
)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Ada@X.com", "ada@x.com"),
        ("  ada@x.com ", "ada@x.com"),
        ("\u3000ada@x.com\xa0", "ada@x.com"),
        ("ａｄａ＠x.com", "ada@x.com"),
        ("ada@x.com.", "ada@x.com"),
        ("ada@例子.公司", "ada@xn--fsqu00a.xn--55qx5d"),
        ("ada@XN--fsqu00a.xn--55qx5d", "ada@xn--fsqu00a.xn--55qx5d"),
        ("ada@faß.de", "ada@xn--fa-hia.de"),
        ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ("o'neil@x.com", "o'neil@x.com"),
        ("a!b%c@x.com", "a!b%c@x.com"),
        ("ada@mail.test", "ada@mail.test"),
    ],
)
def test_spellings_of_one_address_have_one_key(written, key):
    assert normalise_email(written).key == key


def test_a_tag_or_a_dot_in_the_local_part_is_another_lead():
    keys = {normalise_email(text).key for text in ("ada@gmail.com", "ada+x@gmail.com", "a.da@gmail.com")}

    assert len(keys) == 3


def test_what_is_shown_keeps_its_case_and_can_be_mailed_to():
    assert normalise_email(" Ada.Lovelace@Ｘ.com. ").display == "Ada.Lovelace@X.com"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "no_email"),
        ("   ", "no_email"),
        ("ada", "no_at"),
        ("a b@x.com", "space"),
        ("Ada <ada@x.com>", "space"),
        ("<ada@x.com>", "bad_domain"),
        ("a@@b.com", "two_at"),
        ("a@b.com,c@d.com", "several_addresses"),
        ("a@b.com；c@d.com", "several_addresses"),
        ("a..b@x.com", "dots"),
        (".a@x.com", "dots"),
        ("a@.x.com", "dots"),
        (f"{'x' * 65}@x.com", "local_too_long"),
        (f"a@{'.'.join(['b' * 60] * 5)}.com", "bad_domain"),
        (f"a@{'b' * 64}.com", "bad_domain"),
        (f"{'a' * 64}@{'.'.join(['b' * 62] * 3)}.info", "too_long"),
        ("a@[192.0.2.1]", "ip_literal"),
        ("a@192.0.2.1", "ip_literal"),
        ('"a b"@x.com', "quoted_local"),
        ("a@localhost", "local_domain"),
        ("a@printer.local", "local_domain"),
        ("a@x.123", "bad_domain"),
        ("a@b_c.com", "bad_domain"),
        ("a@xn--zz.com", "bad_domain"),
        ("a\x00@x.com", "hidden_character"),
        ("a\u200bb@x.com", "hidden_character"),
        ("a@x.com\r\nRCPT TO:<evil@x.com>", "hidden_character"),
        ("\u202emoc.x@a", "hidden_character"),
        ("=cmd|' /C calc'!A0", "space"),
        ("=cmd@x.com", "formula"),
        ("-oProxy@x.com", "formula"),
        ("@", "bad_email"),
    ],
)
def test_what_is_no_address_is_refused_with_a_code(written, code):
    with pytest.raises(BadIdentity) as refused:
        normalise_email(written)

    assert refused.value.code == code
    assert refused.value.what


def either_way(normalise, text):
    try:
        return normalise(text)
    except BadIdentity:
        return None


@given(st.text(alphabet="aZ0_-.+'@x!é. ", max_size=24))
@example("a@1-2.com")
@example("a@b--c.com")
@example("a@ab--c.com")
@example("a_@x.museum")
@example("a@x.onion")
@example(f"a@{'b' * 64}.com")
@example(f"{'a' * 64}@b.co")
@example("a@" + "b-" * 31 + "b.com")
def test_the_quick_way_and_the_long_way_agree(text):
    assert either_way(normalise_email, text) == either_way(_normalise_email_slowly, text)


@given(st.text(max_size=12), st.text(max_size=12))
@example("İ", "x.com")
@example("ﬁ", "ﬀ.com")
def test_normalising_twice_changes_nothing(local, domain):
    once = either_way(normalise_email, f"{local}@{domain}.com")

    if once is not None:
        assert normalise_email(once.key).key == once.key
        assert normalise_email(once.display) == once


def test_addresses_that_deserve_a_second_look_say_so():
    assert flags(normalise_email("ada@pаypal.com").key) == ("confusable",)  # a Cyrillic а
    assert flags(normalise_email("info@x.com").key) == ("role",)
    assert flags(normalise_email("ada+list@x.com").key) == ("subaddress",)
    assert flags(normalise_email("ada@почта.рф").key) == ()


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("660-485-0224", "6604850224"),
        ("660.485.0224", "6604850224"),
        ("(010) 1234 5678", "01012345678"),
    ],
)
def test_spellings_of_one_phone_number_have_one_key(written, key):
    assert normalise_phone(written).key == key


@pytest.mark.parametrize("normalise", [normalise_phone, normalise_wechat, normalise_id])
@pytest.mark.parametrize("mangled", ["1.38E+10", "1.38e10", "13800138000.0", "1,38E+10", "1e5"])
def test_an_id_that_a_spreadsheet_has_turned_into_a_number_is_refused(normalise, mangled):
    with pytest.raises(BadIdentity) as refused:
        normalise(mangled)

    assert refused.value.code == "number_mangled"


@pytest.mark.parametrize(
    ("normalise", "text", "code"),
    [
        (normalise_phone, "call me", "bad_phone"),
        (normalise_phone, "123", "bad_phone"),
        (normalise_phone, "1" * 16, "bad_phone"),
        (normalise_phone, "+", "bad_phone"),
        (normalise_wechat, "o A B C", "bad_wechat"),
        (normalise_id, "", "bad_id"),
        (normalise_id, "x" * 129, "bad_id"),
        (normalise_id, "a\u202eb", "hidden_character"),
    ],
)
def test_other_identities_are_refused_with_a_code(normalise, text, code):
    with pytest.raises(BadIdentity) as refused:
        normalise(text)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "kind", "key", "said"),
    [
        ("Ada@X.com", "email", "ada@x.com", "ada@x.com"),
        ("email:ada@x.com", "email", "ada@x.com", "ada@x.com"),
        ("id:4563", "id", "4563", "id:4563"),
        ("phone:138 0013 8000", "phone", "+8613800138000", "phone:+8613800138000"),
        ("wechat:oABC_123", "wechat", "oABC_123", "wechat:oABC_123"),
    ],
)
def test_a_person_can_name_a_lead_by_any_identity(text, kind, key, said):
    ref = LeadRef.parse(text)

    assert (ref.kind, ref.key, str(ref)) == (kind, key, said)


def test_a_name_is_no_reference():
    with pytest.raises(BadIdentity):
        LeadRef.parse("Lovelace")


def test_keys_never_change():
    # Message ids, dice and stored rows derive from these: a change would break every running campaign.
    ada = lead_key("email", "ada@x.com")

    assert ada == "idwzfb65xkh6kfmj"
    assert enrollment_key("welcome", ada, 1) == "eblgr46uzuopbqgf"
    assert dice("eblgr46uzuopbqgf", "split") == 0.7891786313430111


def test_dice_are_fair_and_stay_below_one():
    throws = [dice(enrollment_key("c", str(number), 1), "split") for number in range(4000)]

    assert 0 <= min(throws) < 0.01
    assert 0.99 < max(throws) < 1
    assert sum(throws) / len(throws) == pytest.approx(0.5, abs=0.02)


def test_the_suppression_list_tells_nothing_without_its_secret():
    ada = address_hash(b"secret", "email", "ada@x.com")

    assert len(ada) == 40
    assert ada == address_hash(b"secret", "email", "ada@x.com")
    assert ada != address_hash(b"other", "email", "ada@x.com")
    assert ada != address_hash(b"secret", "id", "ada@x.com")
    with pytest.raises(ValueError, match="secret"):
        address_hash(b"", "email", "ada@x.com")

import json

import pytest

from wagtail_engagement import addresses
from wagtail_engagement.addresses import AddressRefused, clean, key, mask

SAME = [
    ("ada@example.com", "ADA@EXAMPLE.COM"),
    ("ada@example.com", "Ada@Example.Com"),
    ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
    ("ada@BÜCHER.example.com", "ada@bücher.example.com"),
    ("ada@example.com", " \u200bada@example.com\ufeff\u00a0"),
]
OTHERS = [
    ("ada@example.com", "ada+parks@example.com"),
    ("ada.l@gmail.com", "adal@gmail.com"),
    ("ada@gmail.com", "ada@googlemail.com"),
    ("ada@apple.com", "ada@\u0430pple.com"),
]
REFUSED_LETTERS = [
    "mi\u212ae",
    "\u017fam",
    "\u0130an",
    "\u0131an",
    "ßen",
    "\ufb01n",
    "ａda",
    "юзер",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_mailbox_are_one_person(one, other):
    assert key(clean(one)) == key(clean(other))


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_nothing_else_is_folded(one, other):
    assert key(clean(one)) != key(clean(other))


@pytest.mark.parametrize("local", REFUSED_LETTERS)
def test_a_letter_that_would_turn_into_another_is_refused_with_a_sentence(local):
    with pytest.raises(AddressRefused, match="without accents"):
        clean(f"{local}@example.com")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\x00",
        "ada\u2028@example.com",
        '"ada" <ada@example.com>, eve@example.com',
        f"{'a' * 260}@example.com",
        "ada@exam\ud800ple.com",
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(typed):
    with pytest.raises(AddressRefused):
        clean(typed)


def test_the_typed_spelling_is_what_we_write_to():
    assert clean(" Ada.Lovelace+Parks@Example.COM ") == "Ada.Lovelace+Parks@example.com"


def test_a_mask_tells_its_owner_and_nobody_else():
    assert mask("ada@example.gov.uk") == "a•••••@e•••••.uk"


def test_a_hash_follows_its_key_and_not_the_spelling(settings):
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"new": "n" * 32, "old": "o" * 32}
    new, old = addresses.fingerprints("Ada@example.com")
    assert addresses.fingerprint("ada@EXAMPLE.com") == (new, "new")
    assert addresses.fingerprint("ada@example.com", "old") == (old, "old") and new != old


@pytest.mark.outside
def test_the_cases_of_the_validator_that_we_build_on(outside_data):
    cases = json.loads((outside_data / "email_addresses/email_validator_cases.json").read_text())
    wrong = []
    for case in (case for case in cases if case["expect"] != "either"):
        address = case["address"]
        # Quoted local parts and names before an address are refused; outer space is not counted.
        plain = address.isascii() or not case.get("smtputf8")
        wanted = case["expect"] == "accept" and plain and '"' not in address and "<" not in address
        try:
            found = clean(address)
            right = (wanted or address != address.strip()) and key(found) == key(found.upper())
        except AddressRefused:
            right = not wanted
        wrong += [] if right else [address]
    assert wrong == []

"""A test mail as it came into a mailbox: what is right about it, and what was done to it."""

import io
import json
from email.message import EmailMessage

import pytest
from django.core.management import CommandError, call_command

from tests import dkim_key
from wagtail_engagement import received

HOST = "engage.example.gov.uk"
LINK = f"<https://{HOST}/engagement/l/abcdefghijklmnopqrstuv>"
HEADERS = {
    "Received": "from mail.example.gov.uk by mx.example.net; Thu, 26 Nov 2026 05:00:00 +0000",
    "Authentication-Results": "mx.example.net; dkim=pass; spf=pass; dmarc=pass",
    "From": "Westmere Council <engage@example.gov.uk>",
    "To": "ann@example.net",
    "Subject": "Have your say",
    "Date": "Thu, 26 Nov 2026 05:00:00 +0000",
    "List-Unsubscribe": LINK,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
BOTH = "from:to:subject:list-unsubscribe:list-unsubscribe-post"
SIGNED = f"v=1; a=rsa-sha256; d=example.gov.uk; s=one; h={BOTH}; bh=x; b=y"
PAGE = f'<p><a href="https://{HOST}/consultations/park/">Answer</a></p>'


def message(*, html=PAGE, text="Answer here", **changed):
    """A message with headers named in Python's way: None leaves one out."""
    mail = EmailMessage()
    given = {name.replace("_", "-"): value for name, value in changed.items()}
    for name, value in {"DKIM-Signature": SIGNED, **HEADERS, **given}.items():
        if value is not None:
            mail[name] = value
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


def bad(raw, **options):
    found = received.look_at(raw, host=HOST, **options)
    return [line.about for line in found if line.verdict is received.Verdict.BAD]


def test_a_good_message_has_nothing_to_mend():
    found = received.look_at(message(), host=HOST)
    assert [line for line in found if line.verdict is received.Verdict.BAD] == []
    assert {line.about for line in found if line.verdict is received.Verdict.UNKNOWN} == {
        "DKIM of example.gov.uk"
    }


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"List_Unsubscribe": None}, "List-Unsubscribe"),
        ({"List_Unsubscribe": f"<https://clicks.provider.com/{'x' * 30}>"}, "List-Unsubscribe"),
        ({"List_Unsubscribe": f"<http://{HOST}/engagement/l/abc>"}, "List-Unsubscribe"),
        ({"List_Unsubscribe": f"{LINK}, {LINK}"}, "List-Unsubscribe"),
        ({"List_Unsubscribe": "<mailto:leave@example.gov.uk>"}, "List-Unsubscribe"),
        ({"List_Unsubscribe_Post": None}, "List-Unsubscribe-Post"),
        ({"List_Unsubscribe_Post": "One-Click"}, "List-Unsubscribe-Post"),
        ({"DKIM_Signature": None}, "DKIM"),
        ({"DKIM_Signature": "d=example.gov.uk; h=from:to"}, "DKIM covers both headers"),
        ({"DKIM_Signature": SIGNED.replace("example.gov.uk", "provider.com")}, "From and DKIM"),
        (
            {"Authentication_Results": "mx.example.net; dkim=pass; spf=pass; dmarc=fail"},
            "DMARC, says the receiving server",
        ),
        ({"To": "ann@example.net, bob@example.net"}, "Recipient"),
        ({"text": " "}, "Plain text"),
        ({"html": PAGE + '<img src="https://open.provider.com/x.gif">'}, "Tracking"),
        ({"html": PAGE + f'<img src="https://{HOST}/o" width="1">'}, "Tracking"),
        ({"html": '<a href="https://clicks.provider.com/1">Answer</a>'}, "Links"),
        ({"html": PAGE + "x" * 110_000}, "Size"),
    ],
)
def test_what_was_done_to_a_message_is_named(changed, named):
    assert bad(message(**changed)) == [named]


def test_an_encoded_leave_header_is_named():
    raw = message().replace(b"\n <https", b"=?utf-8?q?=3Chttps")
    assert bad(raw) == ["List-Unsubscribe"]


def test_a_folded_leave_header_is_one():
    assert b"List-Unsubscribe:\n <https" in message()
    assert bad(message().replace(b"List-Unsubscribe:\n", b"List-Unsubscribe:")) == []


def test_only_the_receiving_servers_own_results_count():
    forged = "somebody.example; dkim=pass; spf=pass; dmarc=pass"
    raw = b"Authentication-Results: mx.example.net; spf=softfail\n" + message(
        Authentication_Results=forged
    )
    assert bad(raw) == ["SPF, says the receiving server"]


@pytest.mark.parametrize(
    ("signer", "sender", "expected"),
    [
        ("example.gov.uk", "example.gov.uk", True),
        ("mail.example.gov.uk", "example.gov.uk", True),
        ("example.gov.uk", "news.example.gov.uk", True),
        ("badexample.gov.uk", "example.gov.uk", False),
        ("uk", "example.gov.uk", False),
    ],
)
def test_whose_signature_counts_as_the_senders(signer, sender, expected):
    assert received.is_aligned(signer, sender) is expected


@pytest.mark.parametrize("raw", [b"", b"hello", b"\xff\xfe\x00", b"Subject: x\n\ntext"])
def test_what_is_no_message_is_refused(raw):
    with pytest.raises(received.NotAMessage):
        received.look_at(raw, host=HOST)


# Signatures


def signed(raw, *, headers=BOTH):
    dkim = pytest.importorskip("dkim")
    names = [name.encode() for name in headers.split(":")]
    return dkim.sign(raw, b"one", b"example.gov.uk", dkim_key.PRIVATE, include_headers=names) + raw


def about_dkim(raw, lookup):
    found = received.look_at(raw, host=HOST, lookup=lookup)
    return next(line.verdict.value for line in found if line.about == "DKIM of example.gov.uk")


def test_a_signature_that_holds_is_told_from_one_that_does_not():
    raw = signed(message(DKIM_Signature=None))
    assert about_dkim(raw, lambda _name: dkim_key.RECORD) == "good"
    changed = raw.replace(b"Answer here", b"Answer there")
    assert about_dkim(changed, lambda _name: dkim_key.RECORD) == "bad"


def test_a_signature_that_leaves_the_headers_out_is_named():
    raw = signed(message(DKIM_Signature=None), headers="from:to")
    assert bad(raw, lookup=lambda _name: dkim_key.RECORD) == ["DKIM covers both headers"]


def test_without_an_answer_from_dns_nothing_is_claimed():
    raw = signed(message(DKIM_Signature=None))

    def fails(_name):
        raise TimeoutError

    assert about_dkim(raw, fails) == "not checked"
    assert about_dkim(raw, lambda _name: None) == "not checked"
    assert about_dkim(raw, None) == "not checked"


def test_the_command_reads_a_file_and_keys_beside_it(tmp_path):
    (tmp_path / "mail.eml").write_bytes(signed(message(DKIM_Signature=None)))
    (tmp_path / "dns").write_text(f'one._domainkey.example.gov.uk. "{dkim_key.RECORD}"\n')
    out = io.StringIO()
    where = ["--dns-records", str(tmp_path / "dns"), "--json"]
    call_command("engagement_check_email", str(tmp_path / "mail.eml"), *where, stdout=out)
    said = json.loads(out.getvalue())
    assert said["is_good"] and {line["verdict"] for line in said["findings"]} == {"good"}


# The command


def test_the_command_ends_with_1_where_something_is_to_be_mended(tmp_path):
    (tmp_path / "mail.eml").write_bytes(message(List_Unsubscribe=None))
    out = io.StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("engagement_check_email", str(tmp_path / "mail.eml"), no_dns=True, stdout=out)
    assert "BAD  List-Unsubscribe: It is not there" in out.getvalue()
    assert out.getvalue().endswith("To mend: 1\n")


@pytest.mark.parametrize(("name", "told"), [("none.eml", "cannot be read"), ("mail.eml", "source")])
def test_the_command_says_what_it_cannot_read(tmp_path, name, told):
    (tmp_path / "mail.eml").write_text("hello")
    with pytest.raises(CommandError, match=told):
        call_command("engagement_check_email", str(tmp_path / name), no_dns=True)


@pytest.mark.parametrize("address", ["https://[nowhere/", "http://[::1"])
def test_an_address_that_is_none_is_a_finding_and_no_crash(address):
    page = f'{PAGE}<a href="{address}">x</a><img src="{address}">'
    assert bad(message(html=page)) == []
    assert bad(message(List_Unsubscribe=f"<{address}>")) == ["List-Unsubscribe"]


def test_of_a_huge_letter_only_what_somebody_could_see_is_read():
    unseen = '<img src="https://spy.example.com/x.gif">'
    page = f"{PAGE}{'<p>More words.</p>' * 30_000}{unseen}"
    assert bad(message(html=page)) == ["Size"]

"""A message filled into a pattern means what Django would have written for that person alone."""

import email
import email.policy

import pytest

from wagtail_engagement import mail
from wagtail_engagement.pattern import hole_address, pattern_of

LEAVE = "https://engage.example.gov.uk/engagement/leave/abcdefghijklmnopqrstuv/"
HOLES = {"leave": "leave" + "0" * 90, "html_leave": "html_leave" + "1" * 90}


def built(to, leave, html_leave, text="Buses.", html="<p>Buses.</p>", **more):
    return mail.build(
        to=to,
        subject=more.pop("subject", "Bus routes"),
        text=f"{text}\n.\nLeave: {leave}\n",
        html=f'{html}<a href="{html_leave}">Leave</a>',
        headers={"List-Unsubscribe": f"<{leave}>", "List-Id": "<consultations.example>"},
        **more,
    )


def pattern(**more):
    return pattern_of(
        built(hole_address(), HOLES["leave"], HOLES["html_leave"], **more), holes=HOLES
    )


def meaning(body):
    """Headers and parts, without what is new in every message."""
    read = email.message_from_bytes(body, policy=email.policy.default)
    headers = {
        name: str(value).strip()  # Django 5.2 may fold before the first word.
        for name, value in read.items()
        if name not in ("Date", "Message-ID", "Content-Type")
    }
    return headers, [(part.get_content_type(), part.get_content()) for part in read.iter_parts()]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"subject": "Bysiau – ŵyl £5 " * 6},
        {"text": "Ymgynghoriad ŷ €\n.\n..\nFrom here", "html": "<p>Cyngor Ŵyr &amp; co</p>"},
        {"sender": mail.Sender('Tîm Ffyrdd, "Roads"', "roads@example.gov.uk")},
    ],
)
def test_a_filled_pattern_means_what_django_writes(more):
    filled = pattern(**more).fill(
        to="ann@example.com", values={"leave": LEAVE, "html_leave": f"{LEAVE}?a=1&amp;b=2"}
    )
    plain = built("ann@example.com", LEAVE, f"{LEAVE}?a=1&amp;b=2", **more)
    assert meaning(filled.wire()) == meaning(plain.wire())
    assert f"\r\nList-Unsubscribe: <{LEAVE}>\r\n".encode() in filled.wire()
    assert filled.to == ["ann@example.com"] and b"\n\n" not in filled.wire().replace(b"\r\n", b"")


def test_each_message_has_an_id_and_a_date_of_its_own():
    made = pattern()
    bodies = [
        made.fill(to="ann@example.com", values={"leave": LEAVE, "html_leave": LEAVE}).wire()
        for _ in range(2)
    ]
    ids = {email.message_from_bytes(body)["Message-ID"] for body in bodies}
    assert len(ids) == 2 and all(one.endswith("@example.gov.uk>") for one in ids)


def test_a_part_that_has_to_be_encoded_is_filled_first():
    filled = pattern(text="x= ŷ" * 700).fill(
        to="ann@example.com", values={"leave": LEAVE, "html_leave": LEAVE}
    )
    plain = built("ann@example.com", LEAVE, LEAVE, text="x= ŷ" * 700)
    assert meaning(filled.wire()) == meaning(plain.wire())
    assert max(map(len, filled.wire().split(b"\r\n"))) <= 998


def test_a_hole_that_cannot_be_found_again_makes_no_pattern():
    holes = HOLES | {"other": "nowhere-but-in-the-subject"}
    message = built(hole_address(), *HOLES.values(), subject="ŷ nowhere-but-in-the-subject")
    message.extra_headers["X-Other"] = f"ŷ {holes['other']}"
    assert pattern_of(message, holes=holes) is None


@pytest.mark.parametrize(
    "address", ["a@b.example\nBcc: x@y.z", "a b@c.example", "ann@exämple.com", "<a@b.c>"]
)
def test_an_address_that_needs_care_is_not_filled_in(address):
    assert pattern().fill(to=address, values={"leave": LEAVE, "html_leave": LEAVE}) is None

import datetime

import pytest
from django.apps import apps
from django.core import mail
from django.utils import timezone

from tests import factories
from tests.participants.post import link_in, send
from wagtail_engagement.models import Claim, Link, RegisterMail
from wagtail_engagement.participants import registry, sending

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)
NOW = timezone.now()


@pytest.fixture
def server(settings):
    """Choose how the mail server behaves, by the name of a class in tests.mail_backends."""

    def behave(name):
        path = f"tests.mail_backends.{name}"
        if hasattr(settings, "MAILERS"):
            settings.MAILERS = {"default": {"BACKEND": path}}
        else:
            settings.EMAIL_BACKEND = path

    yield behave


def claim(**fields):
    return factories.ClaimFactory(**{"email": "ada@example.com", "created_at": NOW, **fields})


def test_all_that_waits_for_an_address_goes_into_one_mail_to_its_newest_spelling():
    claim(email="ADA@example.com", created_at=NOW - DAY)
    claim(email="Ada@example.com")
    (message,) = send()
    assert message.to == ["Ada@example.com"]
    assert Claim.objects.values("mail").distinct().count() == 1


def test_the_mail_carries_one_link_and_no_word_of_the_respondent():
    claim(name="Buy cheap pills", page_url="/buy-cheap-pills/")
    (message,) = send()
    html = message.alternatives[0][0]
    assert "pills" not in message.subject + message.body + html
    assert message.body.count("https://") == html.count("https://") == 1
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "X-Auto-Response-Suppress" in message.extra_headers


def test_the_mail_says_when_more_than_one_form_asks_for_the_same():
    wording = factories.ConsentWordingFactory(label="Write to me")
    for _form in range(2):
        claim(purposes={"invite": wording.pk})
    (message,) = send()
    assert "Write to me, on 2 forms" in message.body
    assert "Write to me, on 2 forms" in message.alternatives[0][0]


def test_a_wording_with_markup_stays_text():
    wording = factories.ConsentWordingFactory(label="<b>Roads & parks</b>")
    claim(purposes={"invite": wording.pk})
    (message,) = send()
    assert "<b>Roads & parks</b>" in message.body
    assert "&lt;b&gt;Roads &amp; parks" in message.alternatives[0][0]


def test_the_raw_token_is_nowhere_in_the_database():
    claim()
    token = link_in(send()[0]).split("/")[3]
    tables = apps.get_app_config("wagtail_engagement").get_models()
    rows = [str(row) for table in tables for row in table._base_manager.values()]
    assert Link.objects.exists() and not any(token in row for row in rows)


def test_a_held_claim_waits_and_is_mailed_once_released():
    row = claim(held_until=NOW + DAY)
    assert send() == []
    Claim.objects.filter(pk=row.pk).update(held_until=None)
    assert len(send()) == 1


def test_a_claim_whose_time_is_over_gets_no_mail():
    claim(invite_until=NOW - DAY, result_until=NOW - DAY)
    assert send() == []


def test_an_address_gets_one_confirmation_a_day_and_three_in_thirty_days():
    sent = []
    for hours in range(0, 33 * 25, 25):
        at = NOW + datetime.timedelta(hours=hours)
        claim(created_at=at)
        sent += [hours // 25] * len(send(at)) + [hours // 25] * len(send(at + 10 * MINUTE))
    assert sent == [0, 1, 2, 29, 30, 31]


def test_a_thousand_posts_make_one_mail():
    for number in range(1000):
        registry.make_claim(
            email=["ada@example.com", "ADA@example.com"][number % 2],
            name="",
            purposes={"invite": None},
            interest_ids=[],
            inferred_ids=[],
            consultation=None,
            page_url="",
            invite_until=NOW + 14 * DAY,
            result_until=None,
            held_until=None,
            at=NOW,
        )
        if number % 100 == 0:
            sending.work(at=NOW)
    sending.work(at=NOW + 10 * MINUTE)
    assert len(mail.outbox) == 1


def test_the_cap_holds_after_the_keys_were_changed(settings):
    claim()
    send(NOW)
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"k2": "another", **settings.WAGTAIL_ENGAGEMENT_KEYS}
    claim()
    assert send(NOW + 60 * MINUTE) == []


def test_more_than_the_site_may_send_in_an_hour_waits_and_is_not_lost(settings):
    settings.WAGTAIL_ENGAGEMENT_CONFIRMATIONS_PER_HOUR = 3
    for number in range(5):
        claim(email=f"{number}@example.com")
    assert (len(send(NOW)), len(send(NOW + 30 * MINUTE)), len(send(NOW + 61 * MINUTE))) == (3, 0, 2)


def test_a_flood_for_one_address_hides_no_other(monkeypatch):
    monkeypatch.setattr(sending, "LOOKED_AT", 2)
    for number in range(3):
        claim(email=f"{number}@example.com")
    for round_ in range(3):
        for number in range(3):
            claim(email=f"{number}@example.com")
        send(NOW + round_ * MINUTE)
    claim(email="late@example.com")
    assert [message.to for message in send(NOW + 5 * MINUTE)] == [["late@example.com"]]


def test_a_confirmation_reaches_even_who_must_not_be_written_to():
    factories.SuppressionFactory(address="ada@example.com", reason="complained")
    claim()
    assert len(send()) == 1


def test_while_the_server_is_down_everything_waits(server):
    server("Unreachable")
    claim()
    assert sending.work(at=NOW) == 0
    server("Silent")
    sending.work(at=NOW)
    assert RegisterMail.objects.get().attempt == 1 and len(mail.outbox) == 1


def test_a_busy_server_is_asked_again_with_growing_pauses(server):
    server("Busy")
    claim()
    pauses, at = [], NOW
    for _round in range(4):
        sending.work(at=at)
        row = RegisterMail.objects.get()
        pauses.append(row.retry_at - at)
        at = row.retry_at + MINUTE
    assert (row.state, row.attempt) == ("waiting", 0)
    assert pauses == sorted(pauses) and pauses[-1] > 3 * pauses[0]


def test_a_refused_mail_is_not_tried_again(server):
    server("Refusing")
    claim()
    sending.work(at=NOW)
    assert RegisterMail.objects.get().state == "refused"
    assert sending.work(at=NOW + 60 * MINUTE) == 0


def test_a_mail_in_doubt_goes_once_more_with_the_same_link_and_never_a_third_time(server):
    server("Silent")
    claim()
    sent = [len(send(NOW + minutes * MINUTE)) for minutes in (0, 5, 16, 60, 600)]
    assert sent == [1, 0, 1, 0, 0]
    assert link_in(mail.outbox[0]) == link_in(mail.outbox[1])
    assert RegisterMail.objects.get().state == "uncertain"


def test_a_connection_that_broke_leaves_one_mail_in_doubt_and_the_rest_waiting(server):
    server("Silent")
    claim()
    claim(email="bob@example.com")
    assert sending.work(at=NOW) == 1
    states = RegisterMail.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["uncertain", "waiting"]


def test_a_mail_in_doubt_is_not_repeated_once_its_claims_are_confirmed(server):
    server("Silent")
    claim()
    send(NOW)
    registry.register(mail=RegisterMail.objects.get(), at=NOW)
    assert send(NOW + 16 * MINUTE) == []


def test_a_repeat_counts_in_the_cap_of_thirty_days(server):
    server("Silent")
    for day in (0, 2, 4):
        claim(created_at=NOW + day * DAY)
        send(NOW + day * DAY)
        send(NOW + day * DAY + 16 * MINUTE)
    assert len(mail.outbox) == 3


def test_a_worker_that_died_while_handing_over_leaves_a_mail_in_doubt():
    claim()
    send(NOW)
    RegisterMail.objects.update(state="handing", lease_until=NOW + MINUTE)
    assert len(send(NOW + 2 * MINUTE)) == 0
    assert RegisterMail.objects.get().state == "uncertain"
    assert len(send(NOW + 20 * MINUTE)) == 1


def test_a_late_worker_cannot_overwrite_what_another_noted(monkeypatch):
    claim()

    def slow(server, message):
        RegisterMail.objects.update(state="uncertain", owner="another worker")
        return sending.mail.Receipt(sending.mail.Verdict.ACCEPTED)

    monkeypatch.setattr(sending.mail, "hand_over", slow)
    sending.work(at=NOW)
    assert RegisterMail.objects.get().state == "uncertain"


def test_links_open_after_the_keys_were_changed(settings, client):
    claim()
    path = link_in(send()[0])
    settings.WAGTAIL_ENGAGEMENT_KEYS = {"k2": "another", **settings.WAGTAIL_ENGAGEMENT_KEYS}
    assert client.get(path).status_code == 302


def test_after_two_weeks_an_unconfirmed_invitation_ends_and_the_result_stays():
    both = claim(both=True, interest_ids=[1])
    only = claim(email="bob@example.com")
    response = factories.ConsultationResponseFactory(claim=only)
    assert registry.expire(at=NOW + 15 * DAY) == 2
    both.refresh_from_db()
    response.refresh_from_db()
    assert (list(both.purposes), both.interest_ids, response.claim) == (["result"], [], None)
    assert registry.expire(at=NOW + 401 * DAY) == 1
    assert not Claim.objects.exists()


def test_the_ledger_and_unused_links_go_after_thirty_days():
    claim()
    send(NOW)
    registry.expire(at=NOW + 15 * DAY)
    assert (RegisterMail.objects.count(), Link.objects.exists()) == (1, True)
    registry.expire(at=NOW + 500 * DAY)
    assert not RegisterMail.objects.exists() and not Link.objects.exists()

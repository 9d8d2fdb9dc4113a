"""The data protection pack: what it says is what this site does."""

import datetime

import pytest
from django.test import Client
from django.utils import timezone
from wagtail.models import Site

from tests import factories
from tests.admin.conftest import ADDRESS
from tests.page_lint import faults
from tests.site import DAY, EVERY_ANSWER, form_data
from wagtail_engagement.models import (
    Claim,
    ConsentWording,
    EngagementSettings,
    Link,
    RetentionRun,
)
from wagtail_engagement.participants import links

pytestmark = pytest.mark.django_db
PACK = "/admin/engagement/data-protection/"
PRINTED = f"{PACK}print/"
FILLED = {
    "organisation": "Westmere Council",
    "dpo": "Dee Poe, dpo@example.gov.uk",
    "processors": "Post House Ltd, mail, United Kingdom\nRack Ltd, hosting, Ireland",
    "about_us": "<p>The parks team.</p>",
    "privacy_notice": "<p>We keep it for a while.</p>",
    "complaints": "<p>Write to us.</p>",
}


def say(**values):
    EngagementSettings.objects.update_or_create(
        site=Site.objects.get(), defaults={**FILLED, **values}
    )


def plain(response):
    return " ".join(response.text.split())


@pytest.mark.parametrize("url", [PACK, PRINTED])
def test_the_pack_is_filled_from_the_settings_of_the_site(url, login, council):
    say()
    shown = login("steward").get(url).text
    for value in ("Westmere Council", "Dee Poe", "Post House Ltd", "Rack Ltd", "for a while"):
        assert value in shown
    assert "locmem" in shown


@pytest.mark.parametrize("name", FILLED)
def test_what_is_missing_is_said_until_it_is_there(name, login, council, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": settings.EMAIL_BACKEND}}
    RetentionRun.objects.create(at=timezone.now())
    client = login("lead")
    empty = "<p></p>" if FILLED[name].startswith("<p>") else ""
    say(**{name: empty})
    assert len(client.get(PACK).context["pack"].missing) == 1
    say()
    assert client.get(PACK).context["pack"].missing == []


def test_a_site_that_sends_no_mail_and_runs_no_clocks_hears_of_both(login, council):
    say()
    RetentionRun.objects.create(at=timezone.now() - 3 * DAY)
    mail, clocks = login("lead").get(PACK).context["pack"].missing
    assert mail.startswith("Mail does not leave this site.")
    assert clocks.startswith("The retention clocks have not run for two days.")


def test_clocks_that_never_ran_are_called_that(login, council):
    say()
    *_mail, clocks = login("lead").get(PACK).context["pack"].missing
    assert clocks.startswith("The retention clocks have never run.")


def test_only_a_clock_that_can_be_stopped_runs_without_end(login, council, settings):
    names = ("PERMISSION", "INTEREST", "RESPONSE", "HOLD")
    for name in names:
        setattr(settings, f"WAGTAIL_ENGAGEMENT_{name}_DAYS", 0)
    found = {clock.setting: clock for clock in login("lead").get(PACK).context["pack"].clocks}
    clocks = [found[f"WAGTAIL_ENGAGEMENT_{name}_DAYS"] for name in names]
    assert [clock.kept for clock in clocks] == ["without end", "without end", "0 days", "0 days"]
    assert [clock.then for clock in clocks[:2]] == ["–", "–"]


def test_the_clocks_are_those_of_the_settings(login, council, settings):
    settings.WAGTAIL_ENGAGEMENT_PENDING_DAYS = 9
    settings.WAGTAIL_ENGAGEMENT_INTEREST_DAYS = 0
    clocks = login("lead").get(PACK).context["pack"].clocks
    kept = {clock.setting: clock.kept for clock in clocks}
    assert kept["WAGTAIL_ENGAGEMENT_PENDING_DAYS"] == "9 days"
    assert kept["WAGTAIL_ENGAGEMENT_INTEREST_DAYS"] == "without end"
    assert kept["WAGTAIL_ENGAGEMENT_RESPONSE_DAYS"] == "183 days"


def test_the_counts_are_those_of_the_register(login, full_council):
    factories.ParticipantFactory(kind="organisation")
    factories.ParticipantFactory(kept_until=timezone.now() + DAY)
    factories.ParticipantFactory(merged_into=full_council.person)
    counts = dict(login("lead").get(PACK).context["pack"].counts)
    assert counts["People in the register"] == 2
    assert counts["Organisations in the register"] == 1
    assert counts["Invitations: agreed"] == 1
    assert counts["Invitations: never asked or never answered"] == 2
    assert counts["In quarantine, to be removed"] == 1
    assert counts["Do not contact (keyed hashes)"] == 1
    assert counts["Invitations handed to the mail server"] == 1


def test_the_basis_is_the_one_in_force_and_not_the_one_wished_for(login, council):
    say(invite_basis="public_task")
    client = login("lead")
    shown = plain(client.get(PACK))
    assert "Invitations: consent" in shown and "Public task has no named decision." in shown
    say(
        invite_basis="public_task",
        basis_decided_by="The board",
        basis_decided_on=datetime.date(2026, 11, 2),
    )
    shown = plain(client.get(PACK))
    assert "Invitations: public task, decided by The board on 2 November 2026." in shown


def test_the_words_that_people_agree_to_are_the_newest(login, council):
    for label in ("Old words", "New words"):
        ConsentWording(purpose="invite", language="cy", label=label).save()
    shown = login("lead").get(PACK).text
    assert "New words" in shown and "Old words" not in shown


def test_words_for_public_task_are_told_once_they_are_in_force(login, council):
    ConsentWording(purpose="invite", basis="public_task", label="We will write to you.").save()
    say()
    client = login("lead")
    assert "We will write to you." not in client.get(PACK).text
    day = datetime.date(2026, 11, 2)
    say(invite_basis="public_task", basis_decided_by="The board", basis_decided_on=day)
    assert "We will write to you." in client.get(PACK).text


def test_every_cookie_of_the_public_pages_is_named(login, council):
    Claim.objects.all().delete()
    guest = Client()
    page = council.own
    typed = {**EVERY_ANSWER, "email": "guest@example.com"}
    guest.post(page.url, form_data(guest, page, **typed))
    for purpose, path in (("choices", "p"), ("leave", "l"), ("fresh", "f")):
        token = purpose[0] * 22
        Link.objects.create(
            purpose=purpose,
            token_hash=links.fingerprint(token),
            uuid=council.person.uuid,
            key_id="k1",
            participant=council.person,
        )
        guest.get(f"/engagement/{path}/{token}/")
    told = {cookie.name for cookie in login("lead").get(PACK).context["cookies"]}
    assert len(guest.cookies) >= 5 and set(guest.cookies) <= told


def test_the_printed_page_is_sound_and_holds_nobody(login, full_council):
    say()
    answer = login("lead").get(PRINTED)
    assert faults(answer.text) == []
    assert ADDRESS not in answer.text and "Ann Canary" not in answer.text


def test_each_site_has_a_pack_of_its_own(login, council):
    say()
    root = Site.objects.get().root_page
    other = Site.objects.create(hostname="other.example", root_page=root, site_name="Easton")
    EngagementSettings.objects.create(site=other, organisation="Easton Council")
    client = login("lead")
    assert "Easton Council" in client.get(f"{PACK}?site={other.pk}").text
    for odd in ("", "999", "x", "9" * 30):
        assert client.get(f"{PACK}?site={odd}").context["pack"].organisation == "Westmere Council"


def test_the_overview_leads_to_the_pack_for_those_who_may_read_it(login, council):
    assert PACK in login("steward").get("/admin/engagement/").text
    assert PACK not in login("analyst").get("/admin/engagement/").text

"""Each check names what is missing; the settings of the tests pass them all."""

import datetime

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.utils import timezone
from wagtail.models import Site

from tests.factories import ClaimFactory, WorkerSignFactory
from wagtail_engagement import checks
from wagtail_engagement.models import EngagementSettings, WorkerSign


def ids(found):
    return [message.id.rpartition(".")[2] for message in found]


def test_a_site_that_is_set_up_hears_nothing():
    ours = [m for m in run_checks() if str(m.id).startswith("wagtail_engagement.")]
    assert ours == []


@pytest.mark.parametrize(
    ("check", "changed", "expected"),
    [
        (checks.check_keys, {"WAGTAIL_ENGAGEMENT_KEYS": {}}, "E001"),
        (checks.check_base_url, {"WAGTAIL_ENGAGEMENT_BASE_URL": ""}, "E002"),
        (checks.check_base_url, {"WAGTAIL_ENGAGEMENT_BASE_URL": "http://a.gov.uk"}, "E002"),
        (checks.check_urls, {"ROOT_URLCONF": "wagtail.admin.urls"}, "E003"),
        (checks.check_webhook_secret, {"ANYMAIL": {}}, "E004"),
        (checks.check_own_base_page, {"WAGTAIL_PAGE_MODEL": "base.BasePage"}, "E005"),
        (
            checks.check_sqlite,
            {"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}},
            "W001",
        ),
        (checks.check_csrf_view, {"CSRF_FAILURE_VIEW": "django.views.csrf.csrf_failure"}, "W002"),
        (checks.check_sender, {"DEFAULT_FROM_EMAIL": "webmaster@localhost"}, "W004"),
        (checks.check_worker, {}, "I001"),
        (checks.check_sending, {"WAGTAIL_ENGAGEMENT_QUIET_HOURS": "at night"}, "E007"),
        (checks.check_sending, {"WAGTAIL_ENGAGEMENT_RATES": {"fortnight": 9}}, "E007"),
        (checks.check_sending, {"WAGTAIL_ENGAGEMENT_RATES": {"hour": "many"}}, "E007"),
        (checks.check_sending, {"WAGTAIL_ENGAGEMENT_WHEN_IN_DOUBT": "perhaps"}, "E007"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(check, changed, expected):
    with override_settings(**changed):
        found = check(app_configs=None)
    assert ids(found) == [expected]
    assert found[0].hint


@pytest.mark.parametrize("name", sorted(checks.PROVIDERS))
def test_what_a_provider_does_to_our_mail_is_named(name):
    backend = f"anymail.backends.{name}.EmailBackend"
    with override_settings(MAILERS={"default": {"BACKEND": backend}}):
        assert ids(checks.check_provider(app_configs=None)) == ["W003"]


@pytest.mark.parametrize(
    ("provider", "in_doubt", "expected"),
    [("mailgun", 100, []), ("mailgun", 1, ["W016"]), ("postmark", 100, ["W016"])],
)
def test_a_site_that_asks_for_batches_hears_why_it_gets_none(provider, in_doubt, expected):
    backend = f"anymail.backends.{provider}.EmailBackend"
    changed = {
        "WAGTAIL_ENGAGEMENT_BATCH_CALLS": True,
        "WAGTAIL_ENGAGEMENT_IN_DOUBT": in_doubt,
    }
    with override_settings(MAILERS={"default": {"BACKEND": backend}}, **changed):
        found = checks.check_batch_calls(app_configs=None)
    assert ids(found) == expected and all(message.hint for message in found)


def test_http_and_no_keys_are_well_while_debug_is_on(settings):
    settings.DEBUG = True
    settings.WAGTAIL_ENGAGEMENT_KEYS = {}
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = "http://localhost:8000"
    assert checks.check_keys(app_configs=None) + checks.check_base_url(app_configs=None) == []


def test_a_secret_outside_the_dictionary_counts(settings):
    settings.ANYMAIL = {}
    settings.ANYMAIL_WEBHOOK_SECRET = "name:password"
    assert checks.check_webhook_secret(app_configs=None) == []


@pytest.mark.django_db
def test_a_site_without_privacy_notice_and_complaints_route_is_told_until_both_are_said():
    said = checks.check_said_by_law(app_configs=None, databases=["default"])
    assert ids(said) == ["W005", "W005"]
    site = Site.objects.get()
    EngagementSettings.objects.create(site=site, privacy_notice="<p>x</p>", complaints="<p></p>")
    left = checks.check_said_by_law(app_configs=None, databases=["default"])
    assert [message.msg for message in left] == [f"{site} does not say how to complain."]


@pytest.mark.django_db
def test_mail_that_waits_is_named_until_a_worker_is_seen():
    assert checks.check_silence(app_configs=None, databases=["default"]) == []
    ClaimFactory()
    (said,) = checks.check_silence(app_configs=None, databases=["default"])
    assert (ids([said]), said.msg) == (["W006"], "No worker was ever seen, 1 waiting.")
    sign = WorkerSignFactory(seen_at=datetime.datetime(2026, 3, 1, 9, 30, tzinfo=datetime.UTC))
    (said,) = checks.check_silence(app_configs=None, databases=["default"])
    assert said.msg == "No worker since 2026-03-01 09:30 UTC, 1 waiting."
    WorkerSign.objects.filter(pk=sign.pk).update(seen_at=timezone.now())
    assert checks.check_silence(app_configs=None, databases=["default"]) == []


@pytest.mark.parametrize("check", [checks.check_said_by_law, checks.check_silence])
def test_no_table_is_read_unless_a_database_is_named(check):
    assert check(app_configs=None, databases=None) == []


def test_sqlite_is_looked_at_whether_a_database_is_named_or_not(settings):
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
    assert "W001" in ids(run_checks())

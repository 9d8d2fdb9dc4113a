"""Whose database this is, and what happens where it is not."""

import io
import json

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import ClaimFactory
from tests.test_checks import ids
from wagtail_engagement import checks, work
from wagtail_engagement.invitations import checking, sending
from wagtail_engagement.models import Seal
from wagtail_engagement.rights import reconciling
from wagtail_engagement.seal import sealing

pytestmark = pytest.mark.django_db


def said(command, *options):
    out = io.StringIO()
    call_command(command, *options, stdout=out)
    return out.getvalue()


def code():
    refusal = sealing.why_not()
    return refusal and refusal.code


def test_the_first_worker_seals_the_database():
    assert code() is None and not Seal.objects.exists()
    work.drain(owner="first")
    assert Seal.objects.get().host == "engage.example.gov.uk" and code() is None


def test_the_first_invitation_seals_it_too(invite):
    invite()
    assert Seal.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"BASE_URL": "https://staging.example.gov.uk"},
        {"BASE_URL": "https://engage.example.gov.uk:8443"},
        {"ENVIRONMENT": "staging"},
        {"KEYS": {"k1": "another secret under the same id, longer than thirty"}},
        {"KEYS": {"k2": "the copy never had the first key, longer than thirty"}},
    ],
)
def test_other_settings_send_nothing(invite, settings, changed):
    invite()
    ClaimFactory()
    for name, value in changed.items():
        setattr(settings, f"WAGTAIL_ENGAGEMENT_{name}", value)
    counts = work.drain(owner="copy")
    assert (mail.outbox, counts["confirmations"], counts["invitations"]) == ([], 0, 0)
    assert code() == "another_site"


def test_other_work_goes_on(invite, settings):
    invite()
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    assert set(work.drain(owner="copy")) >= {"responses", "permissions", "retention", "imports"}


def test_where_nobody_can_type_the_host_nothing_is_adopted(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="nobody typed the host"):
        call_command("engagement_reconcile", adopt=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://engage.example.gov.uk", "http://engage.example.gov.uk/"),
        ("https://engage.example.gov.uk", "https://ENGAGE.example.gov.uk:443"),
        ("http://localhost:8000", "http://localhost:8001"),
    ],
)
def test_the_same_site_by_another_scheme_or_port_goes_on(settings, before, after):
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = before
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = after
    assert code() is None


def test_a_new_key_seals_anew_so_that_the_old_one_may_go(settings):
    sealing.bind(at=timezone.now())
    old, new = settings.WAGTAIL_ENGAGEMENT_KEYS, {"k2": "a new one, longer than thirty-two letters"}
    settings.WAGTAIL_ENGAGEMENT_KEYS = {**new, **old}
    assert sealing.may_send(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_KEYS = new
    assert code() is None


def test_editors_read_why_before_they_send_and_while_they_wait(
    invite, settings, client, admin_user
):
    invitation = invite()
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    client.force_login(admin_user)
    page = client.get(f"/admin/engagement/invitations/{invitation.pk}/progress/")
    assert "engage.example.gov.uk (staging)" in page.content.decode()
    (line,) = checking._check_seal()
    assert line.is_blocking and "belongs to engage.example.gov.uk" in line.text
    draft = sending.follow_up(invitation=invitation, actor=admin_user, at=timezone.now())
    with pytest.raises(sending.CannotStart, match="belongs to"):
        sending.start(invitation=draft, shown_count=9, actor=admin_user, at=timezone.now())


def test_machines_read_why(settings):
    sealing.bind(at=timezone.now())
    assert json.loads(said("engagement_status", "--json"))["sending_refused"] is None
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    found = json.loads(said("engagement_status", "--json"))
    assert found["sending_refused"] == "another_site"
    assert "Nothing is sent" in found["sending_refused_because"]


def test_the_system_check_says_it_too(settings):
    sealing.bind(at=timezone.now())
    assert checks.check_seal(app_configs=None, databases=["default"]) == []
    settings.WAGTAIL_ENGAGEMENT_ENVIRONMENT = "staging"
    assert ids(checks.check_seal(app_configs=None, databases=["default"])) == ["W020"]
    assert checks.check_seal(app_configs=None, databases=None) == []


def test_a_site_without_a_journal_is_told_before_it_goes_live(settings):
    assert ids(checks.check_journal(app_configs=None)) == ["I020"]
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = "/somewhere/journal.jsonl"
    assert checks.check_journal(app_configs=None) == []


def test_a_site_that_moved_goes_on_once_somebody_types_its_host(settings):
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_BASE_URL = "https://new.example.gov.uk"
    with pytest.raises(CommandError, match="the host is new"):
        said("engagement_reconcile", "--adopt", "--host", "engage.example.gov.uk")
    assert code() == "another_site"
    told = said("engagement_reconcile", "--adopt", "--host", "new.example.gov.uk")
    assert "This database may send." in told and code() is None
    entry = ModelLogEntry.objects.get(action="wagtail_engagement.database_adopted")
    assert entry.data["before"]["host"] == "engage.example.gov.uk"


def spoil_nothing(path):
    path.unlink()


def spoil_other(path):
    path.write_text('{"journal":"d9428888-122b-11e1-b85c-61cd3cbb3210"}\n')


def spoil_short(path):
    name = Seal.objects.get().journal
    Seal.objects.update(offset=10_000)
    path.write_text(f'{{"journal":"{name}"}}\n')


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_nothing, "no_journal"),
        (spoil_other, "other_journal"),
        (spoil_short, "short_journal"),
    ],
)
def test_a_journal_that_is_not_the_one_refuses_until_it_is_adopted(path, invite, spoil, expected):
    invite()
    sealing.may_send(at=timezone.now())
    spoil(path)
    assert not sealing.may_send(at=timezone.now()) and code() == expected
    assert work.drain(owner="waits")["invitations"] == 0
    with pytest.raises(CommandError, match="Nothing is sent"):
        said("engagement_reconcile")
    said("engagement_reconcile", "--adopt", "--host", "engage.example.gov.uk")
    assert code() is None and work.drain(owner="goes on")["invitations"] == 6


def test_a_journal_setting_that_is_gone_refuses_too(path, settings):
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = ""
    assert code() == "no_journal"


def test_a_folder_that_is_not_there_refuses(path, settings):
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(path.parent / "nowhere" / "journal.jsonl")
    assert not sealing.may_send(at=timezone.now()) and code() == "no_journal"


def test_a_site_that_begins_a_journal_later_goes_on(invite, settings, tmp_path):
    sealing.bind(at=timezone.now())
    settings.WAGTAIL_ENGAGEMENT_JOURNAL = str(tmp_path / "journal.jsonl")
    invite()
    assert work.drain(owner="w")["invitations"] == 6 and code() is None


def test_nothing_is_sent_where_the_journal_could_not_be_compared(path, invite, monkeypatch):
    invite()
    ClaimFactory()

    def fails(**_options):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(reconciling, "_forgets", lambda *_: fails())
    counts = work.drain(owner="careful")
    assert mail.outbox == [] and "invitations" not in counts and "imports" in counts

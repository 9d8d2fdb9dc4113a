"""System checks: each names what a site has not set up, and the remedy."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

import swapper
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import DatabaseError, connections
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from . import batch, conf, mail, notify, nudge
from .insight import queries
from .invitations import limiting, receiving, timing
from .seal import sealing

ID = "wagtail_engagement"
PAGES_APP = "wagtail_engagement_pages"
OUR_CSRF_VIEW = "wagtail_engagement.consultations.views.csrf_failure"
# What a mail provider does to our mail that no setting of ours can change (E10).
PROVIDERS = {
    "sparkpost": (
        "SparkPost drops the List-Unsubscribe header, so that mail programs show no leave button.",
        "Use another provider for invitations, or SparkPost by SMTP, and look at a test mail.",
    ),
    "mailersend": (
        "MailerSend passes the List-Unsubscribe header on with some plans only.",
        "Send yourself a test and look for List-Unsubscribe in its source.",
    ),
    "scaleway": (
        "Scaleway reports no bounces or complaints, so that dead addresses stay in the register.",
        "Watch the bounce mailbox of the sender, and add such addresses to Do not contact.",
    ),
    "amazon_ses": (
        "Amazon SES can count opens and clicks whatever a message asks for.",
        "Switch open and click tracking off in the SES configuration set.",
    ),
    "brevo": (
        "Brevo can count opens and clicks whatever a message asks for.",
        "Switch open and click tracking off in the Brevo account.",
    ),
    "mailtrap": (
        "Mailtrap can count opens and clicks whatever a message asks for.",
        "Switch open and click tracking off in the Mailtrap account.",
    ),
}


@register(Tags.security)
def check_keys(**options: Any) -> list[CheckMessage]:
    if settings.DEBUG or getattr(settings, f"{conf.PREFIX}KEYS", None):
        return []
    return [
        Error(
            "WAGTAIL_ENGAGEMENT_KEYS is empty.",
            hint='Set it to {"2026": "<50 random characters>"}; put newer keys first, keep old.',
            id=f"{ID}.E001",
        )
    ]


@register(Tags.security)
def check_base_url(**options: Any) -> list[CheckMessage]:
    parts = urlsplit(conf.base_url())
    if settings.DEBUG or (parts.scheme == "https" and parts.hostname):
        return []
    return [
        Error(
            "Links in mails need an address that begins with https.",
            hint="Set WAGTAIL_ENGAGEMENT_BASE_URL, for example https://consult.example.gov.uk.",
            id=f"{ID}.E002",
        )
    ]


@register
def check_sending(**options: Any) -> list[CheckMessage]:
    """A worker that cannot read how it is to send would send nothing, and say so only in its log."""
    problems = []
    try:
        timing.quiet_hours()
    except ValueError:
        problems.append(("QUIET_HOURS", 'Write it like "21:00-07:00", or leave it empty.'))
    try:
        rates = conf.rates(limiting.sender())
    except (AttributeError, TypeError, ValueError):
        rates = {"": 0.0}
    if any(unit not in limiting.UNITS or rate <= 0 for unit, rate in rates.items()):
        hint = (
            'Write it like {"second": 14, "day": 50000}; the units are second, minute, hour, day.'
        )
        problems.append(("RATES", hint))
    if conf.when_in_doubt() not in ("hold", "resend"):
        problems.append(("WHEN_IN_DOUBT", 'It is "hold" or "resend".'))
    return [
        Error(f"{conf.PREFIX}{name} cannot be read.", hint=hint, id=f"{ID}.E007")
        for name, hint in problems
    ]


@register(Tags.urls)
def check_urls(**options: Any) -> list[CheckMessage]:
    try:
        reverse("wagtail_engagement:choices")
    except NoReverseMatch:
        return [
            Error(
                "The pages behind the links in mails are not in your urls.",
                hint=(
                    'Add path("engagement/", include("wagtail_engagement.urls"))'
                    " above Wagtail's own urls."
                ),
                id=f"{ID}.E003",
            )
        ]
    return []


@register(Tags.security)
def check_webhook_secret(**options: Any) -> list[CheckMessage]:
    try:
        reverse("anymail:postmark_tracking_webhook")
    except NoReverseMatch:
        return []
    if receiving.is_guarded(provider=""):  # A signature guards one provider's address of many.
        return []
    return [
        Error(
            "Anybody could report bounces and complaints: anymail's webhooks have no secret.",
            hint='Set ANYMAIL = {"WEBHOOK_SECRET": "name:password"} and use it in the webhook url.',
            id=f"{ID}.E004",
        )
    ]


@register(Tags.models)
def check_own_base_page(**options: Any) -> list[CheckMessage]:
    swapped = swapper.get_model_name("wagtailcore", "Page") != "wagtailcore.Page"
    if not (swapped and apps.is_installed("wagtail_engagement.pages")):
        return []
    return [
        Error(
            "The ready-made page types do not fit a site with a base page of its own.",
            hint=(
                'Take "wagtail_engagement.pages" out of INSTALLED_APPS, and give your own page'
                " types the mixins of wagtail_engagement.consultations.pages."
            ),
            id=f"{ID}.E005",
        )
    ]


@register
def check_sqlite(**options: Any) -> list[CheckMessage]:
    """Two answers at once, and SQLite gives one of them up unless writers queue from the start."""
    found = settings.DATABASES.get("default", {})
    mode = str(found.get("OPTIONS", {}).get("transaction_mode", "")).upper()
    if "sqlite3" not in str(found.get("ENGINE", "")) or mode in ("IMMEDIATE", "EXCLUSIVE"):
        return []
    return [
        Warning(
            "SQLite as it is set up loses answers that arrive at the same moment.",
            hint='Add "transaction_mode": "IMMEDIATE" and "timeout": 20 to its OPTIONS.',
            id=f"{ID}.W001",
        )
    ]


@register(Tags.security)
def check_csrf_view(**options: Any) -> list[CheckMessage]:
    if settings.CSRF_FAILURE_VIEW == OUR_CSRF_VIEW:
        return []
    return [
        Warning(
            "Somebody whose form is out of date loses what they typed.",
            hint=f'Set CSRF_FAILURE_VIEW = "{OUR_CSRF_VIEW}"; other pages keep Django\'s own.',
            id=f"{ID}.W002",
        )
    ]


@register
def check_provider(**options: Any) -> list[CheckMessage]:
    name = mail.backend_path().removeprefix("anymail.backends.").partition(".")[0]
    if name not in PROVIDERS:
        return []
    problem, remedy = PROVIDERS[name]
    return [Warning(problem, hint=remedy, id=f"{ID}.W003")]


@register
def check_batch_calls(**options: Any) -> list[CheckMessage]:
    """A site that asked for batches and does not get them."""
    if not conf.batch_calls() or batch.most() > 1:
        return []
    able = ", ".join(sorted(batch.PROVIDERS))
    problem, remedy = (
        "WAGTAIL_ENGAGEMENT_BATCH_CALLS is on and changes nothing with this mail backend.",
        f"Take it out; anymail's own backends for {able} can do it.",
    )
    if batch.provider():
        problem, remedy = (
            "WAGTAIL_ENGAGEMENT_BATCH_CALLS is on, and one message alone may be in doubt.",
            "Set WAGTAIL_ENGAGEMENT_IN_DOUBT to how many people one call may carry, such as 100.",
        )
    return [Warning(problem, hint=remedy, id=f"{ID}.W016")]


@register
def check_notify(**options: Any) -> list[CheckMessage]:
    """What GOV.UK Notify needs, and what it forbids."""
    if not notify.is_used():
        return []
    found: list[CheckMessage] = []
    if absent := notify.missing():
        found.append(
            Error(
                f"GOV.UK Notify is the mail backend and lacks {', '.join(absent)}.",
                hint='Install "wagtail-engagement[notify]" and see docs/govuk-notify.md.',
                id=f"{ID}.E006",
            )
        )
    if not conf.notify_callback_token():
        found.append(
            Warning(
                "GOV.UK Notify cannot report which addresses do not exist.",
                hint="Set WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN and enter it at Notify.",
                id=f"{ID}.W008",
            )
        )
    rule = Warning(
        "GOV.UK Notify forbids unsolicited messages: only what somebody subscribed to may be sent.",
        hint=(
            "Invite people who agreed, and nobody who was merely told or must be notified by law;"
            " then add this check to SILENCED_SYSTEM_CHECKS."
        ),
        id=f"{ID}.W007",
    )
    return [*found, rule]


@register
def check_sender(**options: Any) -> list[CheckMessage]:
    _name, address = parseaddr(conf.from_email())
    if address not in ("", "webmaster@localhost"):
        return []
    return [
        Warning(
            "Mail would be sent from webmaster@localhost, which no mail server takes.",
            hint="Set DEFAULT_FROM_EMAIL or WAGTAIL_ENGAGEMENT_FROM_EMAIL.",
            id=f"{ID}.W004",
        )
    ]


def has_tables(databases: Any) -> bool:
    """Whether a check may read our tables: `check --database default` and migrate ask it to."""
    if "default" not in (databases or ()):
        return False
    return f"{ID}_engagementsettings" in connections["default"].introspection.table_names()


@register(Tags.database)
def check_said_by_law(databases: Any = None, **options: Any) -> list[CheckMessage]:
    """What the law asks a site to say (P15)."""
    if not has_tables(databases):
        return []
    try:
        missing = queries.missing_settings()
    except DatabaseError:
        return []  # Half migrated; the next check says it.
    hint = "Fill in both under Settings, Engagement, in Wagtail's admin."
    return [Warning(sentence, hint=hint, id=f"{ID}.W005") for sentence in missing]


@register(Tags.database)
def check_silence(databases: Any = None, **options: Any) -> list[CheckMessage]:
    """Mail waits and no worker sends it."""
    if not has_tables(databases):
        return []
    try:
        silence = queries.silence(at=timezone.now())
    except DatabaseError:
        return []  # Half migrated; the next check says it.
    if silence is None:
        return []
    since = f"since {silence.seen_at:%Y-%m-%d %H:%M} UTC" if silence.seen_at else "was ever seen"
    return [
        Warning(
            f"No worker {since}, {silence.waiting} waiting.",
            hint="Run manage.py engagement_work as a service, or with --once from cron.",
            id=f"{ID}.W006",
        )
    ]


@register(Tags.database)
def check_seal(databases: Any = None, **options: Any) -> list[CheckMessage]:
    """A copy of another site's database, or an older one than its journal, sends nothing."""
    if not has_tables(databases):
        return []
    try:
        refusal = sealing.why_not()
    except DatabaseError:
        return []  # Half migrated; the next check says it.
    if refusal is None:
        return []
    hint = "docs/operations.md says what to do after a restore, with a copy and after a move."
    return [Warning(refusal.text, hint=hint, id=f"{ID}.W020")]


@register(deploy=True)
def check_journal(**options: Any) -> list[CheckMessage]:
    if conf.journal():
        return []
    return [
        Info(
            "A backup that is restored would have forgotten who left or was erased since.",
            hint="Set WAGTAIL_ENGAGEMENT_JOURNAL to the path of a file outside the database.",
            id=f"{ID}.I020",
        )
    ]


@register(deploy=True)
def check_worker(**options: Any) -> list[CheckMessage]:
    if not nudge.runs_at_once():
        return []
    return [
        Info(
            "Tasks run at once here, so that they send nothing.",
            hint="Run manage.py engagement_work as a service, or with --once from cron.",
            id=f"{ID}.I001",
        )
    ]

from django.db import migrations
from django.db.models import Exists, Max, OuterRef, Q

AT_ONCE = 10_000


def replay(apps, schema_editor):
    """Mark each permission that an agreement decided which nobody has taken back since.

    In slices, each a transaction of its own, so that no row is locked for long.
    """
    permissions = apps.get_model("wagtail_engagement", "ContactPermission").objects
    events = apps.get_model("wagtail_engagement", "ConsentEvent").objects
    same = Q(participant=OuterRef("participant"), purpose=OuterRef("purpose"))
    of_merge = Q(channel="merge", evidence=OuterRef("evidence"))
    taken_back = events.filter(same, Q(batch=OuterRef("batch")) | of_merge, action="retracted")
    about = ~Q(purpose="result") | Q(consultation=OuterRef("consultation"))
    given = events.filter(same, about, ~Exists(taken_back), action="given", at=OuterRef("since"))
    last = permissions.aggregate(last=Max("pk"))["last"] or 0
    for start in range(0, last, AT_ONCE):
        rows = permissions.filter(pk__gt=start, pk__lte=start + AT_ONCE)
        rows = rows.filter(reason__in=("granted", "paused"))
        rows.filter(Exists(given)).update(is_by_consent=True)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("wagtail_engagement", "0006_promotion_by_consent_alone"),
    ]

    operations = [
        migrations.RunPython(replay, migrations.RunPython.noop),
    ]

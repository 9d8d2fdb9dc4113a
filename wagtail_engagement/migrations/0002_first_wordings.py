"""Ship a first wording for each purpose, so that a new site can ask at once."""

from django.db import migrations

FIRST = {
    "invite": (
        "Email me about other consultations on topics I care about",
        "We write only when a consultation opens that fits your topics. You can leave with one"
        " click in any email.",
    ),
    "result": (
        "Email me what came of this consultation",
        "One email, when the result is published. You can leave with one click.",
    ),
}


def add_first_wordings(apps, schema_editor):
    wordings = apps.get_model("wagtail_engagement", "ConsentWording")._base_manager
    for purpose, (label, hint) in FIRST.items():
        if not wordings.filter(purpose=purpose).exists():
            wordings.create(purpose=purpose, language="en", version=1, label=label, hint=hint)


class Migration(migrations.Migration):
    dependencies = [("wagtail_engagement", "0001_initial")]
    operations = [migrations.RunPython(add_first_wordings, migrations.RunPython.noop)]

"""The two page types. Written so that it runs on Wagtail 7.4, which knows no swapped page."""

import django.db.models.deletion
import wagtail.fields
from django.db import migrations, models

PAGE_POINTER = {
    "auto_created": True,
    "on_delete": django.db.models.deletion.CASCADE,
    "parent_link": True,
    "primary_key": True,
    "serialize": False,
    "to": "wagtailcore.page",
}


class Migration(migrations.Migration):
    initial = True

    dependencies = [("wagtailcore", "0097_baselogentry_uuid_action_timestamp_indexes")]

    operations = [
        migrations.CreateModel(
            name="HomePage",
            fields=[
                ("page_ptr", models.OneToOneField(**PAGE_POINTER)),
                ("introduction", models.TextField(blank=True)),
            ],
            options={"abstract": False},
            bases=("wagtailcore.page",),
        ),
        migrations.CreateModel(
            name="StandardPage",
            fields=[
                ("page_ptr", models.OneToOneField(**PAGE_POINTER)),
                ("introduction", models.TextField(blank=True)),
                ("body", wagtail.fields.RichTextField(blank=True)),
            ],
            options={"abstract": False},
            bases=("wagtailcore.page",),
        ),
    ]

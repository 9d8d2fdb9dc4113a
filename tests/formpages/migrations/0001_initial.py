"""As short as can be: texts and choices of fields make no difference to a table."""

import django.core.serializers.json
import django.db.models.deletion
import modelcluster.fields
import swapper
import wagtail.contrib.forms.models
from django.conf import settings
from django.db import migrations, models

swapper.set_app_prefix("wagtailcore", "wagtail")
PAGE = swapper.get_model_name("wagtailcore", "Page")
FORM = wagtail.contrib.forms.models.FormMixin
CASCADE = django.db.models.deletion.CASCADE


def key():
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False))


def page_key():
    link = models.OneToOneField(
        PAGE, CASCADE, auto_created=True, parent_link=True, primary_key=True, serialize=False
    )
    return ("page_ptr", link)


def fields_of(page, name):
    return [
        key(),
        ("sort_order", models.IntegerField(blank=True, editable=False, null=True)),
        ("clean_name", models.CharField(blank=True, default="", max_length=255)),
        ("label", models.CharField(max_length=255)),
        ("field_type", models.CharField(max_length=16)),
        ("required", models.BooleanField(default=True)),
        ("choices", models.TextField(blank=True)),
        ("default_value", models.TextField(blank=True)),
        ("help_text", models.CharField(blank=True, max_length=255)),
        ("page", modelcluster.fields.ParentalKey(page, on_delete=CASCADE, related_name=name)),
    ]


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("wagtailcore", "0097_baselogentry_uuid_action_timestamp_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel("FormPage", [page_key()], bases=(FORM, "wagtailcore.page")),
        migrations.CreateModel(
            "StaffFormPage",
            [
                page_key(),
                ("to_address", models.CharField(blank=True, max_length=255)),
                ("from_address", models.EmailField(blank=True, max_length=255)),
                ("subject", models.CharField(blank=True, max_length=255)),
            ],
            bases=(FORM, "wagtailcore.page", models.Model),
        ),
        migrations.CreateModel("FormField", fields_of("formpages.formpage", "form_fields")),
        migrations.CreateModel("StaffFormField", fields_of("formpages.staffformpage", "own_fields")),
        migrations.CreateModel(
            "StaffSubmission",
            [
                key(),
                (
                    "form_data",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("submit_time", models.DateTimeField(auto_now_add=True)),
                ("page", models.ForeignKey(PAGE, CASCADE)),
                ("user", models.ForeignKey(settings.AUTH_USER_MODEL, CASCADE)),
            ],
        ),
    ]

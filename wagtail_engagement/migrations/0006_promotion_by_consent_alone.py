from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("wagtail_engagement", "0005_bring_in_forms"),
    ]

    operations = [
        migrations.AddField(
            model_name="contactpermission",
            name="is_by_consent",
            field=models.BooleanField(
                default=False,
                help_text="Whether the person agreed; empty where they were only told that we write.",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="is_promotional",
            field=models.BooleanField(
                default=False,
                help_text="Such an email goes only to people who agreed to be invited: not to those who were told that we write, nor to those whom the law says to notify.",
                verbose_name="it also promotes a paid service, fundraising or another organisation",
            ),
        ),
        migrations.AddIndex(
            model_name="contactpermission",
            index=models.Index(
                condition=models.Q(("reason", "lapsed")),
                fields=["since"],
                name="engagement_permission_lapsed",
            ),
        ),
    ]

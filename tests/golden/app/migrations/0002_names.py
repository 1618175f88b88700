from django.db import migrations, models

from django_jazzauth.sealed import HeadField, SealedCharField, seal
from tests.golden.app.upcasters import TO_2


class Migration(migrations.Migration):
    dependencies = [("golden", "0001_specimen")]
    operations = [
        migrations.AlterField(
            "specimen",
            "head",
            HeadField(entity="specimen", subject="owner", schema=2, upcasters={1: TO_2}),
        ),
        migrations.RenameField("specimen", "code", "number"),
        migrations.AddField("specimen", "first", SealedCharField(max_length=60, default="")),
        migrations.AddField("specimen", "last", SealedCharField(max_length=60, default="")),
        migrations.RemoveField("specimen", "name"),
        migrations.AlterField("specimen", "grams", seal(models.IntegerField)(null=True)),
    ]

# Specimens as they were before their names were split.

import django.db.models.deletion
import django.db.models.fields
import django_jazzauth.sealed
import django_jazzauth.sealed.fields
import django_jazzauth.sealed.model
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Shelf',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('label', models.CharField(max_length=20)),
            ],
        ),
        migrations.CreateModel(
            name='Specimen',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('code', django_jazzauth.sealed.fields.SealedCharField(max_length=20, searchable=True, unique=True)),
                ('email', django_jazzauth.sealed.fields.SealedEmailField(blank=True, casefold=True, max_length=254, searchable=True)),
                ('name', django_jazzauth.sealed.fields.SealedCharField(default='', max_length=60)),
                ('grams', django_jazzauth.sealed.fields.SealedCharField(max_length=9, null=True)),
                ('notes', django_jazzauth.sealed.fields.SealedTextField(blank=True, default='')),
                ('extra', django_jazzauth.sealed.fields.SealedJSONField(null=True)),
                ('found_on', django_jazzauth.sealed.sealed_field(django.db.models.fields.DateField, null=True)),
                ('price', django_jazzauth.sealed.sealed_field(django.db.models.fields.DecimalField, decimal_places=2, max_digits=8, null=True)),
                ('seen_at', models.DateTimeField(null=True)),
                ('lasting', models.DurationField(null=True)),
                ('factor', models.FloatField(null=True)),
                ('active', models.BooleanField(default=True)),
                ('raw', models.BinaryField(null=True)),
                ('head', django_jazzauth.sealed.HeadField(entity='specimen', serialize=False, subject='owner')),
                ('email_folded', django_jazzauth.sealed.FoldedField(of='email', serialize=False)),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('related', models.ManyToManyField(to='golden.specimen')),
                ('shelves', models.ManyToManyField(to='golden.shelf')),
            ],
            options={
                'abstract': False,
            },
            bases=(django_jazzauth.sealed.model.EventSourcedMixin, models.Model),
        ),
    ]

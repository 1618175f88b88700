"""The user model that stock Django is measured with: our columns, in the plain."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class StockUser(AbstractUser):
    """Django's ``AbstractUser`` with the fields, the key and the indexes of our user.

    Only the indexes that ours has to answer ``iexact`` with are missing. The e-mail is unique by
    its own index, by which a stock project looks it up fastest; its addresses are in lower case.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    password = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(unique=True)
    email_verified = models.BooleanField(default=False)
    image = models.TextField(null=True, blank=True)
    date_joined = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

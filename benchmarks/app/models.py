"""The user model that stock Django is measured with: our columns, in the plain."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class StockUser(AbstractUser):
    """Django's ``AbstractUser`` with the fields, the key and the indexes of our user.

    The e-mail is unique by its own index, which is how a stock project looks it up fastest; its
    addresses are in lower case.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    password = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(unique=True)
    email_verified = models.BooleanField(default=False)
    image = models.TextField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

"""The Django models of the core, one module each.

The models of the lower floors (keys, store, tokens) are imported as well, so that Django and its
migrations see every table of the app in one place.
"""

from ..keys.models import DataKey, Epoch, Grant, IndexColumn, IndexRoot, Worker
from ..store.models import (
    Checkpoint,
    CheckpointKey,
    CopyCursor,
    Event,
    Generation,
    RelayCursor,
    TrigramIndex,
    Trigrams,
)
from ..tokens.models import SigningKey
from .abstract_user import AbstractUser
from .account import Account
from .session import Session
from .used_proof import UsedProof
from .user import User
from .user_manager import UserManager
from .verification import Verification

__all__ = [
    "AbstractUser",
    "Account",
    "Checkpoint",
    "CheckpointKey",
    "CopyCursor",
    "DataKey",
    "Epoch",
    "Event",
    "Generation",
    "Grant",
    "IndexColumn",
    "IndexRoot",
    "RelayCursor",
    "Session",
    "SigningKey",
    "TrigramIndex",
    "Trigrams",
    "UsedProof",
    "User",
    "UserManager",
    "Verification",
    "Worker",
]

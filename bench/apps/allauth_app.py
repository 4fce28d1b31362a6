"""django-allauth as a service for `bin/bench --peers`: its JSON API with second factors, on SQLite.

Every password is accepted. It runs in an environment of its own; `BENCH_DATABASE` names the file of the database.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, E402 - Django reads its settings before the rest can be imported

import base64
import json
import os
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a key for measurements only, of at least 50 characters",
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    ROOT_URLCONF=__name__,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "allauth",
        "allauth.account",
        "allauth.mfa",
        "allauth.headless",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    },
    ACCOUNT_LOGIN_METHODS={"email"},
    ACCOUNT_SIGNUP_FIELDS=["email*", "password1*"],
    ACCOUNT_EMAIL_VERIFICATION="mandatory",
    ACCOUNT_RATE_LIMITS=False,  # one client sends all requests
    MFA_TOTP_TOLERANCE=1,
    HEADLESS_ONLY=True,
    PASSWORD_HASHERS=[f"{__name__}.NoHash"],
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    LOGGING_CONFIG=None,
)
django.setup()

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.urls import include, path

urlpatterns = [path("_allauth/", include("allauth.headless.urls")), path("accounts/", include("allauth.urls"))]
application = get_wsgi_application()


class NoHash(PBKDF2PasswordHasher):
    """Accepts every password immediately."""

    def verify(self, _password, _encoded):
        """Accept."""
        return True

    def must_update(self, _encoded):
        """Keep the stored hash."""
        return False

    def harden_runtime(self, _password, _encoded):
        """Do nothing."""


@transaction.atomic
def _insert(people):
    stored = make_password("a password")
    users = [User(username=email, email=email, password=stored) for email, _ in people]
    users = User.objects.bulk_create(users, batch_size=1000)
    addresses = [EmailAddress(user=user, email=user.email, verified=True, primary=True) for user in users]
    EmailAddress.objects.bulk_create(addresses, batch_size=1000)
    secrets = [base64.b32encode(secret.encode()).decode() for _, secret in people]
    factors = [
        Authenticator(user=user, type="totp", data={"secret": secret})
        for user, secret in zip(users, secrets, strict=True)
    ]
    Authenticator.objects.bulk_create(factors, batch_size=1000)


def seed(file):
    """Create the database with the people of a JSON file: pairs of address and secret."""
    call_command("migrate", verbosity=0)
    _insert(json.loads(Path(file).read_text()))

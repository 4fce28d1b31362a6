"""The mail that users receive, read from the development mailbox of the service."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.support.service import Service

WITHIN = 10.0  # seconds until a mail must arrive


def mails_to(service: Service, address: str, subject: str = "") -> list[dict[str, Any]]:
    """Return the mails to an address whose subject starts with a text, oldest first."""
    mails = [each for each in service.outbox() if (each["channel"], each["to"]) == ("mail", address)]
    return [each for each in mails if each["subject"].startswith(subject)]


def subjects(service: Service, address: str) -> list[str]:
    """Return the subjects of all mails to an address, oldest first, without the name of the service."""
    return [each["subject"].rpartition(" - ")[0] or each["subject"] for each in mails_to(service, address)]


def wait_for_mails(service: Service, address: str, count: int, subject: str = "") -> list[dict[str, Any]]:
    """Wait for this many mails to an address, and return them."""
    give_up_at = time.monotonic() + WITHIN
    while len(found := mails_to(service, address, subject)) < count:
        assert time.monotonic() < give_up_at, f"{len(found)} mails to {address} instead of {count}: {found}"
        time.sleep(0.02)
    return found


def wait_for_mail(service: Service, address: str, subject: str) -> dict[str, Any]:
    """Wait for a mail with this subject, and return the newest."""
    return wait_for_mails(service, address, 1, subject)[-1]


def link_in(mail: dict[str, Any], path: str) -> str:
    """Return the path of the link in a mail that starts with `path`, for example `/reset-password/`."""
    found = [urlsplit(url).path for url in re.findall(r"https?://\S+", mail["text"])]
    links = [each for each in found if each.startswith(path)]
    assert len(links) == 1, f"not one link to {path} in {mail['text']}"
    return str(links[0])


def token_in(mail: dict[str, Any], path: str) -> str:
    """Return the token of a link in a mail."""
    return link_in(mail, path).rpartition("/")[2]


def subjects_once_sent(service: Service, address: str) -> list[str]:
    """Return the subjects of all mails to an address, after a mail requested now has arrived.

    That mail is sent later than others, so everything posted before has arrived, too.
    """
    httpx2.post(f"{service.url}/api/v1/password-reset", json={"email": address}, trust_env=False, timeout=30)
    wait_for_mail(service, address, "Choose a new password")
    return [each for each in subjects(service, address) if not each.startswith("Choose a new password")]

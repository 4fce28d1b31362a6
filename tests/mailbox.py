"""What people find in their mailboxes: read at the development mailbox of the service, as a newcomer reads it."""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.service import Service

WITHIN = 10.0  # seconds that a mail may take


def mails_to(service: Service, address: str, subject: str = "") -> list[dict[str, Any]]:
    """All mails to an address so far whose headline begins so, oldest first."""
    answer = httpx2.get(f"{service.url}/dev/outbox.json", trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    mails = [each for each in answer.json() if (each["channel"], each["to"]) == ("mail", address)]
    return [each for each in mails if each["subject"].startswith(subject)]


def subjects(service: Service, address: str) -> list[str]:
    """The headlines of all mails to an address, oldest first, without the name of the service."""
    return [each["subject"].rpartition(" - ")[0] or each["subject"] for each in mails_to(service, address)]


def wait_for_mails(service: Service, address: str, count: int, subject: str = "") -> list[dict[str, Any]]:
    """The mails to an address, once there are so many of them; fails the test when they do not come."""
    give_up_at = time.monotonic() + WITHIN
    while len(found := mails_to(service, address, subject)) < count:
        assert time.monotonic() < give_up_at, f"{len(found)} mails to {address} instead of {count}: {found}"
        time.sleep(0.02)
    return found


def wait_for_mail(service: Service, address: str, subject: str) -> dict[str, Any]:
    """The newest mail with this headline; fails the test when it does not come."""
    return wait_for_mails(service, address, 1, subject)[-1]


def link_in(mail: dict[str, Any], path: str) -> str:
    """The path of the link in a mail that begins so, for example `/reset-password/`."""
    found = [urlsplit(url).path for url in re.findall(r"https?://\S+", mail["text"])]
    links = [each for each in found if each.startswith(path)]
    assert len(links) == 1, f"not one link to {path} in {mail['text']}"
    return str(links[0])


def token_in(mail: dict[str, Any], path: str) -> str:
    """The secret of a link in a mail."""
    return link_in(mail, path).rpartition("/")[2]


def all_are_out(service: Service, address: str) -> list[str]:
    """The headlines of all mails to an address, once a mail that was asked for last has come, too.

    That mail goes out a moment later than others; so whatever was posted before is there.
    """
    httpx2.post(f"{service.url}/api/v1/password-reset", json={"email": address}, trust_env=False, timeout=30)
    wait_for_mail(service, address, "Choose a new password")
    return [each for each in subjects(service, address) if not each.startswith("Choose a new password")]

"""Mails in MIME format, with the same content as text and as HTML (RFC 5322, RFC 2046)."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from twofold.couriers.contract import Delivery, Refused


def mime_message(delivery: Delivery, *, sender: str, domain: str, now: int) -> EmailMessage:
    """Return a mail whose Message-ID contains the delivery id. Raise Refused if a header would be invalid."""
    message, mail = delivery.message, EmailMessage(SMTP)
    mail["From"] = sender
    try:
        mail["To"], mail["Subject"] = message.to, message.subject or ""
    except Exception:  # noqa: BLE001 - the header parser raises many kinds of exception
        raise Refused("the address or subject is not a valid header") from None
    if [each.addr_spec for each in mail["To"].addresses] != [message.to]:
        raise Refused("the address is ambiguous")
    mail["Date"] = formatdate(now)
    mail["Message-ID"] = f"<{delivery.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses automatic replies
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    mail["Content-Language"] = message.locale  # last, since set_content removes Content- headers
    return mail

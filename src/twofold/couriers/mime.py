"""A message as a mail that any mail server takes: text, and HTML that says the same (RFC 5322, RFC 2046)."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from twofold.couriers.contract import Parcel, Refused


def written(parcel: Parcel, *, sender: str, domain: str, now: int) -> EmailMessage:
    """Write a mail whose Message-ID is the id of the message; `now` is epoch seconds. Raises Refused."""
    message, mail = parcel.message, EmailMessage(SMTP)
    mail["From"] = sender
    try:
        mail["To"], mail["Subject"] = message.to, message.subject or ""
    except Exception:  # noqa: BLE001 - the parser of headers raises all sorts of things
        raise Refused("address or subject make no header") from None
    if [each.addr_spec for each in mail["To"].addresses] != [message.to]:
        raise Refused("the address would be read as another one")
    mail["Date"] = formatdate(now)
    mail["Message-ID"] = f"<{parcel.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    mail.set_content(message.text)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    mail["Content-Language"] = message.locale  # last: setting the content drops headers of its kind
    return mail

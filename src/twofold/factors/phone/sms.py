"""The text message as a kind of factor. With names of usual length, a message fits into one part of 160 characters."""

from twofold.base.outbox import Message
from twofold.base.proofs import Level, Strength
from twofold.base.texts import N_, _
from twofold.factors.phone.kind import Phone, PhoneTexts, texts


class Sms(Phone):
    """Codes by text message."""

    kind = "sms"
    strength = Strength(Level.TWO_FACTORS, "sms")
    texts = texts(
        label=N_("Text message"),
        about=N_("We send a code to your phone."),
        add=N_("Add a number for text messages"),
        icon="message",
    )
    messages = PhoneTexts(
        title=N_("Get codes by text message"),
        label=N_("Text message to number ending in {digits}"),
        sent=N_("We sent a text message with a code to the number ending in {digits}."),
        again=N_("Send a new code"),
        instead=N_("Get a text message instead"),
        cost=N_("We send one text message for each code. Your carrier may charge you for it."),
    )

    def code_message(self, number: str, code: str) -> Message:
        """Return the message with a code."""
        told = _("{code} is your code for {service}. Valid for 5 minutes. Don't share it with anyone.")
        text = with_bound_code(told.format(code=code, service=self.config.site_name), host=self.config.host, code=code)
        return Message("sms", number, text)

    def removal_notice(self, number: str) -> Message:
        """Return the notice to a number that is no longer used."""
        told = _(
            "This number no longer gets codes for {service}. If you did not remove it, sign in and check your settings."
        )
        return Message("sms", number, told.format(service=self.config.site_name))


def with_bound_code(text: str, *, host: str, code: str) -> str:
    """Append the line that binds a code to its site ("Origin-bound one-time codes delivered via SMS", WICG).

    Phones offer the code only on pages of this host. The line consists of "@" and the host, one space, "#" and the
    code; it has no scheme or port.
    """
    written = f"[{host}]" if ":" in host else host
    return f"{text}\n\n@{written} #{code}"

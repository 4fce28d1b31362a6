"""The text message as a kind of factor. A message fits into one part of 160 characters with names of usual length."""

from twofold.base.outbox import Message
from twofold.base.texts import N_, _
from twofold.factors.contract import PhoneTexts
from twofold.factors.phones import Phone
from twofold.factors.sms import rules


class Sms(Phone):
    """Codes by text message."""

    kind = "sms"
    texts = PhoneTexts(
        title=N_("Get codes by text message"),
        add=N_("Add a number for text messages"),
        way=N_("Text message to number ending in {digits}"),
        sent=N_("We sent a text message with a code to the number ending in {digits}."),
        again=N_("Send a new code"),
        instead=N_("Send a text instead"),
        cost=N_("We send one text message for each code. Your carrier may charge you for it."),
    )

    def code_message(self, number: str, code: str) -> Message:
        """Write the message that carries a code."""
        told = _("{code} is your code for {service}. It works for 5 minutes. Tell it to nobody.")
        text = rules.with_bound_code(told.format(code=code, service=self._site_name), host=self._host, code=code)
        return Message("sms", number, text)

    def farewell(self, number: str) -> Message:
        """Write the notice to a number that is no longer used."""
        told = _(
            "This number is no longer used for codes of {service}. Not your doing? Sign in and check your settings."
        )
        return Message("sms", number, told.format(service=self._site_name))

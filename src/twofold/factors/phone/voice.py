"""The voice call as a kind of factor: the code is read out digit by digit, twice, because a call cannot be re-read."""

from twofold.base.outbox import Message
from twofold.base.proofs import Level, Strength
from twofold.base.texts import N_, _
from twofold.factors.phone.kind import Phone, PhoneTexts, texts


class Voice(Phone):
    """Codes by voice call."""

    kind = "voice"
    strength = Strength(Level.TWO_FACTORS, "tel")
    texts = texts(
        label=N_("Voice call"),
        about=N_("We call your phone and read out a code."),
        add=N_("Add a number for voice calls"),
        icon="call",
    )
    messages = PhoneTexts(
        title=N_("Get codes by voice call"),
        label=N_("Voice call to number ending in {digits}"),
        sent=N_("We are calling the number ending in {digits} with your code."),
        again=N_("Call me again"),
        instead=N_("Get a voice call instead"),
        cost=N_("We call you once for each code and read it out twice."),
    )

    def code_message(self, number: str, code: str) -> Message:
        """Return the call that reads out a code."""
        told = _("Hello. Your code for {service} is: {digits}. Again, your code is: {digits}. Goodbye.")
        text = told.format(service=self.config.site_name, digits=", ".join(code))
        return Message("voice", number, text)

    def removal_notice(self, number: str) -> Message:
        """Return the notice to a number that is no longer used."""
        told = _(
            "Hello. This number no longer gets codes for {service}. If you did not remove it, sign in and "
            "check your settings. Goodbye."
        )
        return Message("voice", number, told.format(service=self.config.site_name))

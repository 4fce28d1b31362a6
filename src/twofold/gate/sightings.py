"""What the gate notices about proxies, with the rest of a sentence that begins with the peer's address."""

UNTRUSTED_PROXY = "gate questions from an untrusted peer"
INVALID_QUESTION = "gate questions that cannot be read"
PLAIN_QUESTION = "gate questions about plain http"
REMEDIES = {
    UNTRUSTED_PROXY: "asked the gate and was refused: if it is your proxy, add it to TWOFOLD_TRUSTED_PROXIES",
    PLAIN_QUESTION: "asked the gate about an application by plain http and was refused: let it send https in"
    " X-Forwarded-Proto for what came by TLS, and redirect what did not",
    INVALID_QUESTION: "asked the gate and was refused: compare the configuration of the proxy with docs/gate.md",
}

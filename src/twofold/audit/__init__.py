"""The audit log: every change and refusal, recorded in the transaction that makes it."""

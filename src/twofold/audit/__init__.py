"""The log of what happened to an account: every deed and every refusal, written in the transaction of the deed."""

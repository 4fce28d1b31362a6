"""A feature that demands more of a session than a sign-in, as the gate and OpenID Connect will."""

"""Who is signed in, what was proven, and until when settings are unlocked."""

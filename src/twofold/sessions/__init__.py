"""Sessions: who is signed in, how, and until when settings are unlocked."""

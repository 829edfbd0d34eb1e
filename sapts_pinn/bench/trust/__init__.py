"""Cases of the trust suite, one part a file."""

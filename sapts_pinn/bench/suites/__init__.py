"""The suites of `sapts-pinn bench`, one a file."""

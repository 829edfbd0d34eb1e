"""`solve`: train a network to solve a problem.

run: `solve`, one run.
march: Window after window in time.
sources: Where the problem of a command comes from.
gallery: Every problem of the zoo on one picture.
"""

"""`solve`: train a network to solve a problem.

run: `solve`, one run.
settings: `RunSettings`: the arguments, config.json, a resumed run and the command line.
examination: Audit, diagnosis and uncertainty after the training.
march: Window after window in time.
sources: Where the problem of a command comes from.
gallery: Every problem of the zoo on one picture.
"""

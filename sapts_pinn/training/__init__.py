"""The training loop.

trainer: `Trainer`, the loop.
clock: Time, work and budget, and the agreement of ranks on stopping.
course: The phases of a method, each with its optimizer.
monitor: The error, measured now and then.
points: `Points`, what is trained on.
collocation: Collocation points of a problem.
balancing: Weights of the terms of the loss.
budget: How long a run may take.
records: Rows of the history.
settings: Settings of a run as a frozen record.
train_settings: Those of `train`; those of `solve` are in `solving`.
lifecycle: `Session`: folder, resumption, identity and result of a run.
result: The facts of a run that has ended, from its trainer.
interrupts: Ctrl-C during a run.
"""

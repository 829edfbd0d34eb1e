"""Optimizers on mini-batches.

optimizer: `MiniBatchSAPTS`.
batches: Mini-batches in random order.
moments: Moments of trust-region Adam.
radius_search: The first radius, by measuring a geometric set.
first_order: First-order methods of PyTorch, one mini-batch after the other.
"""

"""Optimizers on mini-batches.

optimizer: `MiniBatchSAPTS`.
batches: Mini-batches in random order.
moments: Moments of trust-region Adam.
first_order: First-order methods of PyTorch, one mini-batch after the other.
"""

"""Ranks: several processes that train together.

communicator: `Communicator`, and `SingleProcess` for one process.
torchrun: `connect`, the ranks that torchrun has started.
heartbeat: Which rank is dead.
agreement: Whether all ranks have the same settings and code.
"""

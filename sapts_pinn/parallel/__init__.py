"""Communication of the processes (ranks) that train together.

communicator: `Communicator`, and `SingleProcess` for one process.
torchrun: `connect`, the ranks that torchrun has started.
heartbeat: Detection of dead ranks.
agreement: Comparison of the settings and the code of all ranks.
"""

"""SAPTS: the stochastic additively preconditioned trust-region strategy.

optimizer: `SAPTS`.
settings: `Sweep`, the settings of a sweep over the subdomains.
subdomain: `Part`, a subdomain: what it minimises and in which parameters.
data: Parts of the data as subdomains.
blocks: Blocks of parameters as subdomains.
stages: Stages of a network as subdomains.
local_solve: A few trust-region steps of one subdomain.
combine: One correction from those of all subdomains.
exchange: Subdomains of a rank, and the exchange of corrections between ranks.
batches: Overlapping mini-batches that grow.
"""

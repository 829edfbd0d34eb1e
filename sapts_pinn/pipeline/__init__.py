"""A network cut into stages over ranks, for SAPTS_IP.

partition: Where a network is cut into stages.
stages: `Stage` and `StageChain`, the stages of a rank.
build: Networks of which every rank builds its own stages.
microbatch: Points or samples that go through the stages together.
objective: `PipelineObjective`, the loss of a network in stages, and the local losses of the stages.
sharded_model: `ShardedModel`, a model whose stages are on different ranks.
"""

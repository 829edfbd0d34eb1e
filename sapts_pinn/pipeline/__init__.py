"""Models of a problem for training; networks in stages over ranks, for SAPTS_IP.

trainable_model: `TrainableModel`, what training needs of a model; `WholeModel`.
sharded_model: `ShardedModel`, a model whose stages are on different ranks.
build_model: `build_model`, the untrained model of a problem, whole or in stages.
build: `build_partly`, a network of which every rank builds its own stages.
partition: Division of a network into stages.
stages: `Stage` and `StageChain`, the stages of a rank.
microbatch: `MicroBatch`, points or samples that go through the stages together.
pipeline_objective: `PipelineObjective`, the loss of a network in stages.
stage_objective: `StageObjective`, the local loss of a stage.
"""

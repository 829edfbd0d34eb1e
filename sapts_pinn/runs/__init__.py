"""Files of a run.

files: Files that are written whole or not at all.
checkpoint: Checkpoints, read without executing code.
folder: The folder of a run: names of files, identity, versions.
history: The history as CSV, written and read.
status: Why a run ended.
content: Typed content of the files: config.json, result.json, checkpoints.
result: `RunResult`, the facts of a run, also of one that was killed.
repository: The commit of the package.
machine: Processor, cores and system.
manifest: Which files of a folder a run has written.
resuming: What a run that goes on takes over from its checkpoint.
"""

# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Several ranks
#
# **Purpose.** A run on several processes (*ranks*), on one machine or many, under PyTorch's own launcher
# `torchrun`. We start two from this notebook, check that they compute what one process computes, count what
# they say to each other, divide the network itself, and go on with another number of ranks.
#
# The notebook takes about a minute on two processor cores, most of it for starting processes. Two ranks on
# two cores are a test and no speed-up: each process loads PyTorch, and the cores are shared.

# %%
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

from sapts_pinn import Solution

# %% [markdown]
# ## 4.1 A script
#
# Every rank runs the same script with the same arguments. `solve` notices that it runs under `torchrun` and
# meets the others; nothing in the script says how many there are. Rank 0 writes the run folder.
#
# The callback lets us see who holds which parameters. `source` tells the folder where the problem came from,
# as the command line does, so that `--resume` will find it in section 4.5.

# %%
script = """
import sys
from sapts_pinn import solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.problems.zoo import build

class Count(Callback):
    def on_start(self, trainer):
        own = sum(p.numel() for p in trainer.model.parameters())
        all_ranks = trainer.communicator.gather_objects(own)
        if trainer.communicator.rank == 0:
            print("parameters on each rank:", *all_ranks)

method, budget, folder = sys.argv[1:]
options = {"sapts-d": {"order": "additive"}, "sapts-ip": {"pipeline": True}}
solve(
    build("klein-gordon"), source="klein-gordon", method=method, parts=None if method == "tr" else 2,
    options=options.get(method),
    network=(16, 16), points=1024, budget=budget, callbacks=[Count()], out=folder, overwrite=True,
)
"""
Path("train.py").write_text(script)


def launch(ranks, *arguments):
    """Run a script, or a module, on so many ranks, with one thread each."""
    torchrun = (
        ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks > 1 else []
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *torchrun, *arguments], env=environment, capture_output=True, text=True
    )
    print(done.stdout + done.stderr * (done.returncode != 0), end="")


def column(folder, name):
    history = np.genfromtxt(f"{folder}/history.csv", delimiter=",", names=True)
    return history[name]


# %% [markdown]
# ## 4.2 Two parts in one process, and on two ranks
#
# `sapts-d` with two parts, once in one process that serves both parts in turn, once with a rank for each. In
# a shell the second is `torchrun --nproc-per-node 2 train.py sapts-d "60 iterations" two`.

# %%
launch(1, "train.py", "sapts-d", "60 iterations", "one")
launch(2, "train.py", "sapts-d", "60 iterations", "two")

one, two = column("one", "loss"), column("two", "loss")
print(f"loss after {len(one)} steps: {one[-1]:.16e} in one process, {two[-1]:.16e} on two ranks")
print(f"largest relative difference in any step: {abs(one / two - 1).max():.1e}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
axes[0].semilogy(one, lw=4, color="0.8", label="one process, two parts")
axes[0].semilogy(two, lw=1, color="tab:blue", label="two ranks")
axes[0].set(xlabel="step", ylabel="loss")
axes[0].legend()
for part in (1, 2):
    axes[1].semilogy(column("two", f"part{part}_radius"), ".-", lw=0.5, ms=3, label=f"radius of part {part}")
axes[1].set(xlabel="step", title="two ranks")
axes[1].legend()
plt.show()

# %% [markdown]
# The algorithm does not know where its parts run. Sums over ranks are formed in the order of the ranks, so
# that rounding is that of one process, too.
#
# ## 4.3 What the ranks say to each other
#
# While the parts take their local steps, nobody communicates. `result.json` counts collective operations (at
# each of them all ranks wait for each other) and the bytes that rank 0 sent. To compare, the plain trust
# region on two ranks: each computes half of every gradient, and they add.

# %%
launch(2, "train.py", "tr", "60 iterations", "synchronous")
names = {"synchronous": "trust region, synchronous", "two": "SAPTS-D, two parts"}
counts = {}
for folder, label in names.items():
    result = json.loads(Path(folder, "result.json").read_text())
    work = result["gradient_evaluations"]
    counts[label] = [result["collectives"] / work, result["bytes_sent"] / work / 1000]
    print(
        f"{label:26} {work:.0f} gradients, {result['iterations']} steps, "
        f"{result['collectives']} collectives, {result['bytes_sent'] / 1e6:.2f} MB, loss {result['loss']:.1e}"
    )

figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained")
for axis, number, title in ((axes[0], 0, "collectives per gradient"), (axes[1], 1, "kB sent per gradient")):
    axis.barh(list(counts), [values[number] for values in counts.values()], color=["0.6", "tab:blue"])
    axis.set_title(title)
axes[1].set_yticks([])
plt.show()

# %% [markdown]
# A gradient here is one of the full loss, wherever its pieces were computed. A meeting of the parts also
# carries the pairs of the pooled curvature, so that fewer meetings need not mean fewer bytes. The losses are
# of as many steps and not of as much work, so they do not compare the methods: for that see section 3.4.
#
# ## 4.4 A network in pieces
#
# `sapts-ip` divides the network into stages. A network of at most a hundred thousand parameters is kept by
# every rank all the same, as that is faster. Beyond, or with the option `pipeline` of our script, every rank
# holds the parameters of its own stages and nothing of the others; what it sends are activations and their
# derivatives. The launcher is the same, and the counts come from the callback in the script.

# %%
launch(2, "train.py", "sapts-ip", "20 iterations", "stages")
print(Solution.load("stages"))
stages = json.loads(Path("stages", "result.json").read_text())
print(
    f"{stages['collectives']} collectives and {stages['messages']} messages in {stages['iterations']} steps"
)

# %% [markdown]
# At the end the stages are put together for whoever wants the solution. This is for networks that do not fit
# on one rank; ours does, and each step of the pipeline waits for the other rank.
#
# ## 4.5 Going on with other ranks
#
# A run can be resumed with any number of ranks, by the same command line that one process has. The number of
# parts, or stages, stays when the ranks can share them evenly, otherwise every rank gets one. What has been
# learned is kept: parameters, points, radius and the curvature. Our run had two parts and goes on with three
# ranks; the run in stages had two ranks and goes on with one.

# %%
launch(3, "-m", "sapts_pinn", "solve", "--resume", "two", "--budget", "80 iterations")
launch(1, "-m", "sapts_pinn", "solve", "--resume", "stages", "--budget", "30 iterations", "--quiet")
for folder in ("two", "stages"):
    result = json.loads(Path(folder, "result.json").read_text())
    print(f"{result['parts']} parts on {result['world_size']} ranks after {result['iterations']} steps")

# %%
Image("two/solution.png", width=900)

# %% [markdown]
# A rank that dies takes the run down with it, in order: the others stop, one of them
# says in one sentence who is gone, and the last checkpoint is where the run can be resumed.

# %%
print(f"final error: {json.loads(Path('two', 'result.json').read_text())['relative_l2_error']:.2e}")

# %% [markdown]
# ## 4.6 What to try
#
# * Several machines: `torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:PORT
#   -m sapts_pinn solve burgers --method sapts-d` on each of them.
# * `parts=8` on two ranks: every rank has four parts, which follow one another between two meetings.
# * `options={"combination": "subspace"}`: the best point in the span of the ranks' corrections.

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
# # 11. Choosing a method
#
# **Purpose.** `solve` chooses its method by itself. This notebook shows what it chooses and why, how to
# compare methods on *your* problem in one call, and which question each method is an answer to.
#
# | you have | use |
# |---|---|
# | one process, some thousand parameters | nothing: the default (`sapts-d`, or `tr` with few points) |
# | several ranks | `sapts-d`: ranks take local steps between two synchronisations |
# | a network too large for one rank | `sapts-ip`: every rank holds some layers |
# | few points and few parameters, where a step may be dear | `tr-gauss-newton` |
# | a DeepXDE script | `model.compile("sapts-d")`, see `05_deepxde_users` |
# | a classifier or a language model | `train` with mini-batches, see `06_classifiers_and_text` |
# | a paper to compare with | `thesis-sapts-d`, `adam`, `lbfgs`, `adam-lbfgs` |
#
# The notebook takes one to two minutes on two processor cores. It assumes `01_first_pde`.

# %%
from IPython.display import Image

from sapts_pinn import compare, problems, solve

# %% [markdown]
# ## 11.1 What the default is
#
# The first line of a summary says which method was chosen, and why. With few points, or a network with more
# parameters than residuals, there is nothing to divide, and the default is the plain trust region.

# %%
kovasznay = problems.build("kovasznay")
for points in (8192, 500):
    run = solve(kovasznay, points=points, budget="30 iterations", seed=0)
    print(points, "points:", run.result["method"], "-", run.result["chosen"])

# %% [markdown]
# ## 11.2 The same problem by several methods
#
# `compare` gives every method the same problem, the same seeds and the same budget. The losses are weighted
# differently by different runs, so that the column to look at is the error: true where there is a reference,
# as here, else estimated.

# %%
flow = compare(kovasznay, ("sapts-d", "tr", "lbfgs", "adam"), budget="8s")
print(flow)
Image(flow.plot("kovasznay-methods.png"))

# %% [markdown]
# Time is what you wait for. Work, in gradients on all points, is what a method needs whatever the machine
# does; on the right it shows how much of the time goes into linear algebra.
#
# ## 11.3 A second opinion: another problem
#
# A method that wins once has not won. The wave equation is smooth and long; first-order methods stand still.

# %%
wave = compare(problems.build("wave"), ("sapts-d", "tr", "adam"), budget="8s")
print(wave)
Image(wave.plot("wave-methods.png"))

# %% [markdown]
# ## 11.4 Not only methods
#
# A dictionary compares any arguments of `solve` by names of your own, networks for example.

# %%
networks = compare(
    kovasznay,
    {
        "narrow": {"network": (15, 15, 15)},
        "usual": {},
        "sine": {"activation": "sin"},
    },
    budget="6s",
)
print(networks)

# %% [markdown]
# `seeds=3` repeats all of them from three seeds, and shows medians and ranges: do that before you believe a
# difference of a factor of two. `to_csv` writes the figures of every run.

# %%
networks.to_csv("networks.csv")
print(open("networks.csv").read().splitlines()[0])

# %%
print(f"final error: {flow.best.error():.2e}")

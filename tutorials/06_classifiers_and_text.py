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
# # 6. Classifiers and text
#
# **Purpose.** Train networks that solve no equation: handwritten digits (MNIST), then a small GPT on
# Shakespeare, without choosing a learning rate; see what the method does; use it on a network and data of
# your own.
#
# The data are fetched once (12 MB) and checked; `SAPTS_PINN_DATA` names a folder that has them already. The
# notebook takes about a minute and a half.

# %%
import matplotlib.pyplot as plt
import torch
from IPython.display import Image
from torch import nn

from sapts_pinn.optim import MiniBatchSAPTS
from sapts_pinn.supervised import Supervised, train

# %% [markdown]
# ## 6.1 Digits
#
# `train` takes a data set, a method and a budget: a time such as `"1min"`, or work as here, two epochs of
# gradients. The network is a perceptron, 784 - 128 - 10.

# %%
digits = train("mnist", "sapts-d", "2 evaluations")
print(digits)

# %% [markdown]
# One step of the method is a *sweep*: 32 steps of trust-region Adam, one with each of 32 micro-batches. The
# first sweep is tried with many radii, from where training begins, and the best of them is kept. A sweep
# that leaves the loss on some fixed micro-batches clearly above its last values is taken back, and the radius
# halved. Towards the end of the budget the radius shrinks to zero.

# %%
rows = digits.history
figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
work = [row["gradient_evaluations"] for row in rows]
axes[0].semilogy(work, [row["loss"] for row in rows])
axes[0].set(xlabel="epochs of gradients", ylabel="loss of a sweep's micro-batches")
measured = [(row["gradient_evaluations"], row["test_error_rate"]) for row in rows if row["test_error_rate"]]
axes[1].semilogy(*zip(*measured, strict=True), "o-")
axes[1].set(xlabel="epochs of gradients", ylabel="test error rate")
axes[2].plot(work, [row["radius"] for row in rows])
axes[2].set(xlabel="epochs of gradients", ylabel="radius")
plt.show()

# %% [markdown]
# What it gets wrong, drawn by `plot`; the command `sapts-pinn train mnist` puts the same into its run folder:

# %%
pictures = digits.plot("digits")
Image(next(path for path in pictures if path.name == "mistakes.png"))

# %% [markdown]
# ## 6.2 No learning rate to choose
#
# Adam depends on its learning rate; `sapts-d` begins its search at a radius, and hardly depends on it. Here
# with one epoch of gradients each, a third of which goes into the search:

# %%
steps = [1e-6, 1e-4, 1e-2, 1.0]
adam = [train("mnist", "adam", "1 evaluations", options={"lr": step}).result for step in steps]
ours = [train("mnist", "sapts-d", "1 evaluations", options={"radius": step}).result for step in steps]

# %%
figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
for results, name in ((adam, "Adam"), (ours, "sapts-d")):
    axis.loglog(steps, [100 * r["test_error_rate"] for r in results], "o-", label=name)
axis.set(xlabel="learning rate, or first radius", ylabel="test error in %")
axis.legend()
plt.show()

# %% [markdown]
# ## 6.3 Text
#
# A transformer of 212,545 parameters learns which character comes next. Its loss is in nats per
# character: log 65 = 4.2 without any knowledge; divided by log 2 it is in bits.

# %%
play = train("tinyshakespeare", "sapts-d", "1 evaluations")
print(play)
print(play.sample(400, prompt="ROMEO:\n", seed=1))

# %% [markdown]
# That is enough for syllables and the look of a play; ten minutes make words and something like sentences.
#
# ## 6.4 Your own network and data
#
# `Supervised` is the loss of any network on samples and targets (`Supervised.of_loader` reads a data loader);
# `MiniBatchSAPTS` is an ordinary optimizer, whose `step` takes it. Here: which of two spirals is a point on?

# %%
generator = torch.Generator().manual_seed(0)
turn = 3.0 * torch.rand(2000, generator=generator).sqrt()
label = torch.randint(2, (2000,), generator=generator)
angle = 2.0 * turn + torch.pi * label
points = torch.stack([turn * angle.cos(), turn * angle.sin()], 1)
points += 0.08 * torch.randn(points.shape, generator=generator)

torch.manual_seed(0)
network = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
objective = Supervised(network, points, label)  # cross-entropy; "mse", or a function of your own
optimizer = MiniBatchSAPTS(network.parameters(), batch=64)
sweeps = 40
for sweep in range(sweeps):
    optimizer.set_progress(sweep / sweeps)  # spent of the budget: the radius shrinks with what is left
    loss = optimizer.step(objective)
right = (network(points).argmax(1) == label).double().mean()
print(f"loss {float(loss):.4f}, {100 * float(right):.1f} % right")

# %%
grid = torch.linspace(-3.6, 3.6, 200)
x, y = torch.meshgrid(grid, grid, indexing="xy")
with torch.no_grad():
    chance = network(torch.stack([x, y], -1)).softmax(-1)[..., 1]
figure, axis = plt.subplots(figsize=(4.5, 4.2), layout="constrained")
axis.contourf(x, y, chance, levels=20, cmap="RdBu_r", alpha=0.6)
axis.scatter(*points.T, c=label, s=3, cmap="RdBu_r")
axis.set(aspect="equal", title="probability of the second spiral")
plt.show()

# %% [markdown]
# ## 6.5 Parts
#
# `sapts-d` divides the samples, `sapts-p` the parameters, `sapts-ip` the network into stages
# (`nn.Sequential`, or a module with a method `stages()`); under `torchrun` every rank has some of them, and
# of stages only its own parameters. One process with N parts does what N ranks do:

# %%
for method, parts in (("sapts-d", 2), ("sapts-p", 2), ("sapts-ip", 2)):
    result = train("mnist", method, "1 evaluations", options={"parts": parts}).result
    print(f"{method:8} {parts} parts: test error {100 * result['test_error_rate']:.1f} %")
print(f"final error: {digits.result['test_error_rate']:.4f}")

# %% [markdown]
# `sapts-pinn train mnist --method sapts-d --budget 3min` does the same from the command line, and
# `sapts-pinn bench supervised` compares all methods.

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
# # 9. Where to put the points
#
# **Purpose.** A PINN satisfies its equation at points, and is believed between them. This notebook asks how
# many points a problem needs, in which pattern, and whether they should stay where they are; and how one
# tells without a reference that there were too few.
#
# The notebook takes about a minute on two processor cores. It assumes `01_first_pde`.

# %%
import matplotlib.pyplot as plt
import torch

from sapts_pinn import problems, solve
from sapts_pinn.geometry import Interval, Time

burgers = problems.build("burgers")
SAME = {"method": "tr", "budget": "500 evaluations", "network": (20, 20, 20), "seed": 0}

# %% [markdown]
# ## 9.1 Too few points: a small loss and a wrong solution
#
# Burgers' equation forms a shock of width about $2\nu = 0.006$ in a domain of width 2. We train the same
# network on points of a Sobol sequence that stay fixed (`resample=0`), for the same number of evaluations.


# %%
def row(name, solution):
    result = solution.result
    estimate = result["error_estimate"]["relative"]
    print(
        f"{name:24} loss {result['loss']:.1e}   true error {result['relative_l2_error']:.1e}"
        f"   estimate {estimate:.1e}   limited by {result['diagnosis']['limit']}"
    )


fixed = {}
for points in (100, 400, 2000):
    fixed[points] = solve(burgers, points=points, resample=0, **SAME)
    row(f"{points} fixed points", fixed[points])

# %% [markdown]
# The fewest points have the smallest loss and the largest error: the network has satisfied the equation
# where it was asked, and hidden a jump between the points. The loss cannot say so. What can are **fresh
# points**: after every run the residual is measured where nobody trained, and the error is estimated there.
# The summary says what was found:

# %%
print(fixed[100])

# %% [markdown]
# ## 9.2 Points that move
#
# By default a run draws its points anew after 50, 100 and 200 steps and then every 500: a jump that has
# found a gap is soon seen. Half of the new points are drawn where the residual is large (residual-based
# adaptive distribution, arXiv:2207.10289), `adaptive=` is that share. New points cost something, as the
# loss jumps with them: at equal work the error need not be smaller than with as many fixed points that
# happened to be enough. What they buy is that the loss can be believed.

# %%
moving = {}
for adaptive in (0.0, 0.5):
    moving[adaptive] = solve(burgers, points=2000, adaptive=adaptive, **SAME)
    row(f"2000, adaptive={adaptive}", moving[adaptive])

# %% [markdown]
# ## 9.3 The pattern
#
# `sampler=` takes "sobol" (the default) and "halton", which fill a domain evenly, "lhs" (Latin hypercube),
# "grid" and "uniform" (independent random points, which leave gaps and make clusters).

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained", sharey=True)
domain = Interval(-1, 1, name="x") * Time(0, 1)
for ax, sampler in zip(axes, ("sobol", "grid", "uniform"), strict=True):
    x, t = domain.interior(400, torch.Generator().manual_seed(0), sampler=sampler).T
    ax.scatter(t, x, s=3)
    ax.set(title=sampler, xlabel="t")
axes[0].set_ylabel("x")
plt.show()

# %%
patterns = {}
for sampler in ("sobol", "grid", "uniform"):
    patterns[sampler] = solve(burgers, points=1000, resample=0, sampler=sampler, **SAME)
    row(f"1000 fixed, {sampler}", patterns[sampler])

# %% [markdown]
# ## 9.4 Your own points
#
# Where something is known, say it: `points=` takes an array. The shock of this problem stands at $x=0$, so we
# put a quarter of the points there. Not more: the rest of the domain has to be known as well. Points of one's
# own stay where they are.

# %%
generator = torch.Generator().manual_seed(1)
even = domain.interior(750, generator, sampler="sobol")
near = domain.interior(250, generator, sampler="sobol")
near[:, 0] = 0.05 * torch.tan(torch.atan(torch.tensor(20.0)) * near[:, 0])  # dense at x = 0, up to x = +-1
mine = solve(burgers, points=torch.cat([even, near]), **SAME)
row("1000 points of one's own", mine)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
left.scatter(*torch.cat([even, near]).T.flip(0), s=3)
left.set(xlabel="t", ylabel="x", title="points of one's own")
x = torch.linspace(-1, 1, 801, dtype=torch.float64)
at_the_end = torch.stack([x, torch.ones_like(x)], 1)
for label, solution in {"100 fixed": fixed[100], "1000 of one's own": mine}.items():
    right.plot(x, solution.predict(at_the_end), label=label)
right.plot(x, mine.reference(at_the_end)["u"], "k:", label="reference")
right.set(xlabel="x", title="u at t = 1")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# **In short.** Use the defaults; if the summary says "limited by sampling", take more points, or tell the
# run where they are needed. Never judge a run by its loss alone.

# %%
print(f"final error: {mine.error():.2e}")

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
# # 8. Inverse problems
#
# **Purpose.** The equation is known up to a number, or up to a field, and somebody has measured the solution.
# This notebook finds both from noisy values, and asks of each estimate: *how far may it be off?* The answer
# is a standard error that `solve` reports; we check that it means what it says.
#
# The notebook takes less than a minute on two processor cores. It assumes `01_first_pde`.

# %%
from math import pi

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import least_squares

from sapts_pinn import Coefficient, Dirichlet, Initial, Observations, Problem, Unknown, solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import references

# %% [markdown]
# ## 8.1 The viscosity of a fluid
#
# $$
# u_t + u\,u_x = \nu\,u_{xx},\qquad u(x,0)=-\sin\pi x,\qquad u(\pm1,t)=0,\qquad \nu = ?
# $$
#
# We measure $u$ at 400 places and times, each value with an error of standard deviation $\sigma=0.02$. The
# data come from the Cole–Hopf formula with $\nu=0.03$, which the problem does not know.
#
# * `Coefficient("nu", init=0.1, positive=True)` is a number to be found; its logarithm is trained, so that it
#   stays positive.
# * `Observations(..., noise=sigma)` are the data. Their misfits count in units of their noise.

# %%
TRUE, SIGMA = 0.03, 0.02
exact = references.burgers(TRUE)


def measured(seed):
    rng = np.random.default_rng(seed)
    points = {"x": rng.uniform(-1, 1, 400), "t": rng.uniform(0, 1, 400)}
    return points, exact.evaluate(points)["u"] + SIGMA * rng.standard_normal(400)


def fluid(seed):
    points, values = measured(seed)
    return Problem(
        domain=Interval(-1, 1) * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu: u.t + u * u.x - nu * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x"),
            Initial("u", lambda x: -torch.sin(pi * x)),
            Observations("u", points, values, noise=SIGMA),
        ],
        coefficients=[Coefficient("nu", init=0.1, positive=True)],
        reference=exact,
        name="fluid",
    )


small = {"network": (16, 16), "points": 2048, "progress": False}
solution = solve(fluid(seed=0), budget="1500 evaluations", **small)
print(solution)

# %% [markdown]
# The line to read is that of `nu`: the estimate, and its standard error. Both are also in
# `solution.coefficients` and `solution.standard_errors`, and in `result.json` of a run folder.
#
# **Where it comes from.** Near the minimum the misfits are linear in all parameters $\theta$ — those of the
# network and $\nu$ — with the Jacobian $J$, whose rows belong to the equation or to data:
#
# $$
# \operatorname{Cov}\theta = H^{-1} J_d^{\mathsf T} S^2 J_d\, H^{-1},\qquad H = J^{\mathsf T} J .
# $$
#
# $S$ holds the noise, on the rows $J_d$ of the data only. The equation is not noisy: it is a constraint, and
# its weight says how strictly the network has to keep it. The docstring of
# `sapts_pinn.results.uncertainty` derives this; nothing is sampled, and it costs one QR factorisation at the
# end.
#
# ## 8.2 What an error bar means
#
# It speaks of what would happen if the measurements were repeated. So let us repeat them: six laboratories
# measure at other places, with other errors. Beside each estimate we put the best that anybody could do with
# these data, who knew the formula: the least-squares fit of the *exact* solution.

# %%
found = [solution] + [solve(fluid(seed), budget="1500 evaluations", **small) for seed in range(1, 6)]
estimates = np.array([s.coefficients["nu"] for s in found])
errors = np.array([s.standard_errors["nu"] for s in found])


def fit(seed):
    points, values = measured(seed)
    misfit = lambda nu: references.burgers(float(nu[0])).evaluate(points)["u"] - values
    return least_squares(misfit, [TRUE], diff_step=1e-3).x[0]


fits = np.array([fit(seed) for seed in range(6)])

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.errorbar(range(1, 7), estimates, errors, fmt="o", capsize=4, label="estimate and standard error")
axes.plot(range(1, 7), fits, "x", color="tab:red", label="fit of the exact formula")
axes.axhline(TRUE, color="black", lw=1, label="truth")
axes.set(xlabel="laboratory", ylabel=r"$\nu$")
axes.legend(fontsize="small")
plt.show()
print(f"off by {', '.join(f'{o:+.1f}' for o in (estimates - TRUE) / errors)} standard errors")
print(f"fits   {', '.join(f'{o:+.1f}' for o in (fits - TRUE) / errors)}")

# %% [markdown]
# In the long run two thirds of the bars meet the line, and 95 of 100 do when they are doubled (a test of this
# library repeats a smaller problem a hundred times: 68 and 97). Six say little; ours were a little unlucky.
# The crosses show that most of this is the noise of the data and not the network's doing: estimate and fit
# are off to the same side, by about as much. A better network would not help; more data would, with the
# square root of their number.
#
# How good can it get? The sensitivity $\partial u/\partial\nu$ of the exact solution gives a bound that no
# unbiased estimate beats (Cramér–Rao):

# %%
points, _ = measured(0)
h = 1e-4
ends = [references.burgers(TRUE + step).evaluate(points)["u"] for step in (-h, h)]
slope = (ends[1] - ends[0]) / (2 * h)
print(f"standard error of nu  {errors[0]:.2e}")
print(f"the least possible    {SIGMA / np.linalg.norm(slope):.2e}")

# %% [markdown]
# ## 8.3 A field
#
# A rod conducts differently at every place,
#
# $$
# u_t = (k\,u_x)_x + f,\qquad x, t\in(0,1),
# $$
#
# and $k(x)$ is to be found from 500 temperatures with noise. It is one more unknown; `Unknown("k", of="x",
# positive=True)` says that it depends on $x$ only and is positive. No condition is given for it.
#
# The data are made by $u=x\,e^{-t}+\tfrac15\sin(\pi x)\,e^{-2t}$ and $k=\tfrac1{10}e^{\sin(2\pi x)/2}$, which
# determines $f$.


# %%
def conductivity(x):
    return 0.1 * torch.exp(0.5 * torch.sin(2 * pi * x))


def temperature(x, t):
    return x * torch.exp(-t) + 0.2 * torch.sin(pi * x) * torch.exp(-2 * t)


def source(x, t):
    slow, fast = torch.exp(-t), 0.2 * torch.exp(-2 * t)
    u_x, u_xx = slow + pi * torch.cos(pi * x) * fast, -(pi**2) * torch.sin(pi * x) * fast
    u_t = -x * slow - 2 * torch.sin(pi * x) * fast
    return u_t - conductivity(x) * (pi * torch.cos(2 * pi * x) * u_x + u_xx)


rng = torch.Generator().manual_seed(0)
x, t = torch.rand(2, 500, generator=rng, dtype=torch.float64)
noise = 0.005
readings = temperature(x, t) + noise * torch.randn(500, generator=rng, dtype=torch.float64)

rod = Problem(
    domain=Interval(0, 1) * Time(0, 1),
    unknowns=("u", Unknown("k", of="x", positive=True, init=0.2)),
    equation=lambda u, k, x, t: u.t - (k.x * u.x + k * u.xx) - source(x, t),
    conditions=[
        Dirichlet("u", 0.0, on="x=0"),
        Dirichlet("u", lambda t: torch.exp(-t), on="x=1"),
        Initial("u", lambda x: x + 0.2 * torch.sin(pi * x)),
        Observations("u", {"x": x, "t": t}, readings, noise=noise),
    ],
    name="rod",
)
print(rod)
warm = solve(rod, budget="2500 evaluations", **small)

# %%
line = {"x": np.linspace(0, 1, 101), "t": 0.0}
k, band = warm.predict(line)["k"], warm.standard_error(line)["k"]

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.fill_between(line["x"], k - 2 * band, k + 2 * band, alpha=0.25, label="two standard errors")
axes.plot(line["x"], k, label="estimate")
axes.plot(line["x"], conductivity(torch.as_tensor(line["x"])), "k--", label="truth")
axes.set(xlabel="$x$", ylabel="$k$", ylim=(0, 0.25))
axes.legend()
plt.show()

# %% [markdown]
# The band is wide where the data say little about $k$. It enters through $(k u_x)_x$, so that a noisy $u$ has
# to be differentiated before it speaks of $k$; to the right $u$ varies slowly in time, and at the very end
# only the values near it count. The band is that of the noise alone: a run that ends too early adds an error
# of its own.
#
# ## 8.4 What cannot be known
#
# Some coefficients no data of this kind determine. Here the loss to the surroundings, $a\,b$, is written as a
# product; the run succeeds, the solution is right, and the estimates mean nothing:

# %%
x = torch.linspace(0.05, 0.95, 20, dtype=torch.float64)
fin = Problem(
    domain=Interval(0, 1),
    unknowns="u",
    equation=lambda u, a, b: u.xx - a * b * u,
    conditions=[
        Dirichlet("u", 1.0, on="x=0"),
        Dirichlet("u", 0.5, on="x=1"),
        Observations("u", {"x": x}, 1 - 0.5 * x - 0.5 * x * (1 - x), noise=0.02),
    ],
    coefficients=[Coefficient("a"), Coefficient("b")],
    name="fin",
)
print(solve(fin, budget="800 evaluations", **small))

# %% [markdown]
# A sentence also tells when a standard error is larger than the estimate, and when a run ended before a
# coefficient had settled.

# %%
print(f"final error: {abs(solution.coefficients['nu'] / TRUE - 1):.2e}")

# %% [markdown]
# ## 8.5 What to try
#
# * **Leave `noise` out.** It is then estimated from the misfit, `solution.result["noise"]`. How near is it?
# * **Measure something else**: `Observations(lambda u: u.x, points, values)` are values of an expression.
# * **A file**: `Observations.from_csv("readings.csv", "u", noise="sigma", coordinates=("x", "t"))`.
# * **Believe in the noise too little**: give `noise=0.002` for the data of 8.1. The estimate hardly changes,
#   its error bar does, and is wrong.
# * **From the command line**: `sapts-pinn solve burgers-inverse-noise-1`, and the other problems of the group
#   Inverse in `sapts-pinn list`.

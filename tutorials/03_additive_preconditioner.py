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
# # 3. The additive preconditioner
#
# **Purpose.** SAPTS lets parts of a problem improve the network by themselves before all of it is looked at
# again. We see what the parts are, take one such sweep by hand, watch a run adapt itself, and measure at
# equal work what the pooled curvature is worth and how the method compares with the plain trust region.
#
# The notebook takes about a minute on two processor cores. It needs section 1.7 of the first tutorial: the
# model, the radius, and the ratio $\rho$. The settings are small on purpose; what they show holds for them.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from sapts_pinn import solve
from sapts_pinn.callbacks import PartsLog
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.partition import data_parts
from sapts_pinn.optim.sapts.optimizer import SAPTS, Sweep
from sapts_pinn.problems.zoo import build
from sapts_pinn.training.collocation import Collocation

# %% [markdown]
# ## 3.1 What the parts are
#
# The loss is a mean over $N$ collocation points. In the method `sapts-d` a part $d$ has some of the points
# and all of the parameters:
#
# $$
# f(\theta) = \frac1N\sum_{i=1}^N \tfrac12 r_i(\theta)^2 = \sum_d f_d(\theta),
# \qquad f_d(\theta) = \frac1N\sum_{i\in P_d} \tfrac12 r_i(\theta)^2 .
# $$
#
# Which points belong together is the `kind`. *Interleaved* parts are thinned copies of the whole, so each of
# them is a coarse version of the problem. A *slab* or a box of *bisection* is a region of space-time, as in
# domain decomposition. Four parts of each kind:

# %%
generator = torch.Generator().manual_seed(0)
burgers = build("burgers")
model = Model(burgers, build_network((10, 10), 2, 1, generator, torch.float64, "tanh"))
collocation = Collocation(burgers, 1024, 1, "sobol", 0.5, generator)
collocation.draw()
names = burgers.domain.names

figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
points = collocation.sites["equation"].points
for axis, kind in zip(axes, ("interleaved", "t", "bisection"), strict=True):
    for part in data_parts(collocation.sites, 4, kind, generator, names).owned:
        x, t = points[part["equation"]].T
        axis.plot(t, x, ".", ms=3)
    axis.set(xlabel="t", title={"t": "slabs along t"}.get(kind, kind))
axes[0].set_ylabel("x")
plt.show()

# %% [markdown]
# ## 3.2 One sweep by hand
#
# What a part minimises is not $f_d$, which would lead it away from the other parts' points, but
#
# $$
# F_d(\theta) = \tilde f_d(\theta) + (g-\tilde g_d)^\mathsf{T}(\theta-\theta_k),
# $$
#
# where $\tilde f_d$ is $f_d$ scaled up to the size of $f$, $\tilde g_d$ its gradient at $\theta_k$ and $g$
# that of $f$. At $\theta_k$ every $F_d$ has the gradient of $f$; only the curvature is the part's own. A part
# takes a few trust-region steps on $F_d$, each for the price of its own points.
#
# `SAPTS` is a PyTorch optimizer. Here every part starts from $\theta_k$ by itself (*additive*) and takes up
# to six steps, as long as their lengths add up to no more than the radius; the mean of the four corrections
# is the combined step. `info` says what happened.

# %%
objective = LeastSquares(model, collocation.sites)
sweep = Sweep(kind="interleaved", order="additive", local_steps=6, adaptive=False)
optimizer = SAPTS(list(model.parameters()), "data", parts=4, sweep=sweep)


def show(info):
    before = info["sweep"]["before"]
    for part in info["parts"]:
        print(
            f"part {part['number'] + 1}: F_d falls by {part['gain'] / before:5.1%} of f, steps taken "
            f"{part['accepted']:.0f} of {part['steps']:.0f}, price {part['work']:.2f} gradients of f"
        )
    print(f"combined: predicted {info['sweep']['predicted'] / before:.1%}, rho = {info['sweep']['rho']:.2f}")


for number in range(1, 6):
    loss = optimizer.step(objective)
    print(f"-- sweep {number}: f = {optimizer.info['sweep']['before']:.4f} -> {float(loss):.4f}")
    show(optimizer.info)

# %% [markdown]
# The parts' gains say what they believe; $\rho$ is what the whole loss has to say about the combined step. If
# it is not positive, $\theta_k$ is restored bit for bit: a sweep costs work at worst. Where no part takes a
# step there is nothing to combine, and rho is $-\infty$ by convention: the radius was too long, and is cut.
#
# The kinds can be held against each other from the same point: six local steps, one sweep each.

# %%
start = [p.detach().clone() for p in model.parameters()]
for kind in ("interleaved", "t", "bisection"):
    for p, value in zip(model.parameters(), start, strict=True):
        p.data.copy_(value)
    sweep = Sweep(kind=kind, order="additive", local_steps=6, adaptive=False)
    trial = SAPTS(list(model.parameters()), "data", parts=4, sweep=sweep)
    before, after = float(objective.evaluate().value), float(trial.step(objective))
    gains = [part["gain"] / before for part in trial.info["parts"]]
    print(
        f"{kind:12} parts expect {min(gains):4.0%} to {max(gains):4.0%}; f falls by "
        f"{1 - after / before:4.0%}, rho = {trial.info['sweep']['rho']:+.2f}"
    )

# %% [markdown]
# Where a region's points see only their own neighbourhood, its $F_d$ may fall far along directions in which
# the other regions' residuals rise; the linear term excludes that to first order only. Thinned copies of the
# whole do not have that trouble here, and interleaved parts are the default.
#
# ## 3.3 A run
#
# In one process the default is *multiplicative*: a sweep visits one part, drawn at random, and the next sweep
# another. Two things adapt themselves: the radius of a step, by the ratios that the parts measure, and the
# number $m$ of local steps, by the sweep's $\rho$. When the parts mispredict the whole, $m$ shrinks; below 2
# the step is that of the plain trust region, and after some plain steps sweeps are tried again.
#
# `PartsLog` reports while a run goes on (on the command line `--log-parts`). The problem is the Klein–Gordon
# equation, $u_{tt} - u_{xx} + u^2 = q$, whose solution is smooth: nothing but the optimizer limits the error.

# %%
klein_gordon = build("klein-gordon")
common = {"network": (16, 16), "points": 1024, "resample": 0, "seed": 0, "progress": False}
log = PartsLog(every=3.0, say=print)
run = solve(klein_gordon, method="sapts-d", parts=4, budget="200 evaluations", callbacks=[log], **common)
print(run)


# %%
def column(history, name):
    return np.array([np.nan if row.get(name) is None else row[name] for row in history], dtype=float)


history = run.history
step, m, rho = (column(history, name) for name in ("iteration", "local_steps", "sweep_rho"))
figure, axes = plt.subplots(3, 1, figsize=(8, 6.4), sharex=True, layout="constrained")
for part in range(1, 5):
    axes[0].semilogy(step, column(history, f"part{part}_radius"), ".", ms=3, label=f"part {part}")
axes[0].set_ylabel("radius")
axes[0].legend(ncols=4)
axes[1].step(step, m, color="tab:green", where="mid", lw=0.8)
axes[1].set_ylabel("local steps m,\n0: a plain step")
taken = column(history, "sweep_accepted")
for accepted, colour, label in ((1, "tab:blue", "taken"), (0, "tab:red", "undone")):
    axes[2].plot(
        step[taken == accepted], rho[taken == accepted].clip(-1, 1.5), ".", ms=4, color=colour, label=label
    )
axes[2].set(ylabel="rho of the sweep,\ncut off at -1 and 1.5", xlabel="step", ylim=(-1.1, 1.6))
axes[2].legend(loc="lower right", ncols=2)
plt.show()
print(
    f"{np.nanmean(taken):.0%} of {np.isfinite(taken).sum()} sweeps were taken; plain steps: {np.sum(m == 0)}"
)
print(f"mean m of the first 50 sweeps {m[m > 0][:50].mean():.1f}, of the last {m[m > 0][-50:].mean():.1f}")

# %% [markdown]
# The line `parts` of the summary says how much of the work went into sweeps and how much of the progress,
# measured in the logarithm of the loss, came from them. A method whose parts earned nothing would say so.

# %% [markdown]
# ## 3.4 Pooled curvature, at equal work
#
# Each accepted local step yields a pair: a displacement and the change of the gradient along it. *Pooled*,
# the pairs of all parts feed one model of the curvature, together with the global pair that each sweep has at
# no extra cost. With `{"pooled": False}` every part keeps a model of its own.
#
# Wall time depends on the machine. Work does not: one unit is one gradient of the full loss, and a part with
# a quarter of the points pays a quarter. Three methods, 200 units each, three seeds:

# %%
contenders = {
    "plain trust region": ("tr", None, None),
    "SAPTS-D, not pooled": ("sapts-d", 4, {"pooled": False}),
    "SAPTS-D, pooled": ("sapts-d", 4, None),
}
figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
finals = {}
for (label, (method, parts, options)), colour in zip(
    contenders.items(), ("0.4", "tab:orange", "tab:blue"), strict=True
):
    for seed in (0, 1, 2):
        again = solve(
            klein_gordon,
            method=method,
            parts=parts,
            options=options,
            budget="200 evaluations",
            **(common | {"seed": seed}),
        )
        finals.setdefault(label, []).append(again.result)
        work, loss = (column(again.history, name) for name in ("gradient_evaluations", "loss"))
        axis.semilogy(work, loss, color=colour, lw=1, label=label if seed == 0 else None)
axis.set(xlabel="work, in gradients of the full loss", ylabel="loss")
axis.legend()
plt.show()
for label, results in finals.items():
    print(f"{label:20}", *(f"  loss {r['loss']:.1e}, error {r['relative_l2_error']:.1e}" for r in results))
plain = np.log([r["loss"] for r in finals["plain trust region"]])
for label, results in finals.items():
    ratio = np.exp(np.mean(np.log([r["loss"] for r in results]) - plain))
    print(f"{label:20}   loss relative to the plain one, geometric mean: {ratio:.1e}")

# %% [markdown]
# The last lines are the verdict on these nine runs. The distance between the two SAPTS curves is what pooling
# is worth; the distance to the plain trust region is what the preconditioner is worth *in one process*, where
# it has no communication to save: at equal work every part teaches the model of the curvature four times as
# many pairs. Pairs are worth most while the loss is far from its floor and smooth. Where a shock is what
# limits a small network, as with `burgers` in place of `klein_gordon` here, the two methods end close to each
# other: try it. The next tutorial has several processes.
#
# ## 3.5 What to try
#
# * `options={"kind": "t"}`, `"x"`, `"bisection"`, or `{"overlap": 0.2}`: what does a region's overlap change?
# * `options={"order": "additive"}` in one process: is the mean of the corrections better than one after the
#   other, at equal work?
# * `options={"consistent": False}` leaves the linear term out. Look at rho.
# * `method="sapts-p"` divides the parameters, a few layers for each part.

# %%
print(f"final error: {min(r['relative_l2_error'] for r in finals['SAPTS-D, pooled']):.2e}")

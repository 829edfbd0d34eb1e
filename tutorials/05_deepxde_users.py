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
# # 5. For users of DeepXDE
#
# **Purpose.** Train a DeepXDE model, as it is, with the methods of this library: two lines change. We take
# Burgers' equation as DeepXDE's own example has it, train it by DeepXDE's recipe and by `sapts-d` for the
# same time, and look at what else stays as it was: callbacks, unknown coefficients, saving, processes.
#
# The notebook takes about a minute.

# %%
import sapts_pinn.deepxde  # the first changed line: from here on `compile` knows our methods

# %% [markdown]
# Imported first, it also sees to it that DeepXDE takes its PyTorch backend. (Otherwise set the environment
# variable `DDE_BACKEND=pytorch`: DeepXDE looks for other backends before, and stores what it finds in your
# home folder.)

# %%
import time

import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np

from sapts_pinn.problems import build

dde.config.set_default_float("float64")

# %% [markdown]
# ## 5.1 The model
#
# This is `examples/pinn_forward/Burgers.py` of DeepXDE: its points, its network, its conditions.


# %%
def burgers():
    def pde(x, y):
        dy_x = dde.grad.jacobian(y, x, i=0, j=0)
        dy_t = dde.grad.jacobian(y, x, i=0, j=1)
        dy_xx = dde.grad.hessian(y, x, i=0, j=0)
        return dy_t + y * dy_x - 0.01 / np.pi * dy_xx

    geom = dde.geometry.Interval(-1, 1)
    timedomain = dde.geometry.TimeDomain(0, 0.99)
    geomtime = dde.geometry.GeometryXTime(geom, timedomain)

    bc = dde.icbc.DirichletBC(geomtime, lambda x: 0, lambda _, on_boundary: on_boundary)
    ic = dde.icbc.IC(geomtime, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial)

    data = dde.data.TimePDE(geomtime, pde, [bc, ic], num_domain=2540, num_boundary=80, num_initial=160)
    net = dde.nn.FNN([2] + [20] * 3 + [1], "tanh", "Glorot normal")
    return dde.Model(data, net)


# %% [markdown]
# To compare we need the exact solution (ours comes from the Cole-Hopf formula), and a callback that notes the
# error as time goes by, and ends the run when its time is over. Measuring takes no part in the time.

# %%
reference = build("burgers").reference
at = reference.test_points()
points, exact = np.stack([at["x"], at["t"]], 1), reference.evaluate(at)["u"]


def error(model):
    return np.linalg.norm(model.predict(points)[:, 0] - exact) / np.linalg.norm(exact)


class Clock(dde.callbacks.Callback):
    """The error against seconds; ends training when they are over."""

    def __init__(self, seconds, before=0.0):
        super().__init__()
        self.seconds, self.before, self.rows = seconds, before, []

    def on_train_begin(self):
        self.began, self.lost = time.perf_counter(), 0.0

    def on_epoch_end(self):
        spent = time.perf_counter() - self.began - self.lost
        over = spent >= self.seconds
        if over or len(self.rows) < 20 * spent / self.seconds:
            start = time.perf_counter()
            self.rows.append((self.before + spent, error(self.model)))
            self.lost += time.perf_counter() - start
        if over:
            self.model.stop_training = True


# %% [markdown]
# ## 5.2 DeepXDE's recipe
#
# Adam, then L-BFGS. The example takes 15,000 iterations of Adam; here each of the two has ten seconds.

# %%
SECONDS = 20

dde.config.set_random_seed(0)
model = burgers()
adam, lbfgs = Clock(SECONDS / 2), Clock(SECONDS / 2, before=SECONDS / 2)
model.compile("adam", lr=1e-3, verbose=0)
model.train(iterations=10**6, callbacks=[adam], display_every=10**6, verbose=0)
dde.optimizers.config.LBFGS_options["iter_per_step"] = 20  # so that the clock is asked more often
model.compile("L-BFGS", verbose=0)
model.train(callbacks=[lbfgs], verbose=0)
recipe = adam.rows + lbfgs.rows
print(f"after {SECONDS} s: {recipe[-1][1]:.2e}")

# %% [markdown]
# ## 5.3 Ours
#
# The second changed line is `compile`. There is no learning rate to choose, and no second stage.

# %%
dde.config.set_random_seed(0)
model = burgers()
clock = Clock(SECONDS)
model.compile("sapts-d")
losshistory, train_state = model.train(iterations=10**6, callbacks=[clock], display_every=100)
print(f"after {SECONDS} s: {clock.rows[-1][1]:.2e}")

# %% [markdown]
# The table is DeepXDE's own: `model.train` runs DeepXDE's loop, and our method is what it calls in every
# iteration. An iteration is more work than one of Adam: a *sweep*, in which a part of the points is improved
# upon by several steps (see tutorial 3). What it does is in `model.opt.info`.

# %%
info = model.opt.info
print("loss", f"{info['loss']:.2e}", " radius", f"{info['radius']:.2g}", " accepted", info["accepted"])
for part in info.get("parts", []):
    print(f"part {part['number']:.0f}: {part['accepted']:.0f} of {part['steps']:.0f} steps accepted")

# %%
figure, axes = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
for name, rows in (("Adam, then L-BFGS", recipe), ("sapts-d", clock.rows)):
    axes.semilogy(*zip(*rows, strict=True), label=name)
axes.set(xlabel="seconds", ylabel="relative L2 error", title="The same model, the same time")
axes.grid(alpha=0.3)
axes.legend()
plt.show()

# %%
figure, axes = plt.subplots(figsize=(5.4, 3.4), layout="constrained")
x = np.linspace(-1, 1, 201)
for t in (0.25, 0.5, 0.75):
    axes.plot(x, model.predict(np.stack([x, np.full_like(x, t)], 1))[:, 0], label=f"t = {t}")
    axes.plot(x, reference.evaluate({"x": x, "t": np.full_like(x, t)})["u"], "k:", lw=1)
axes.set(xlabel="x", ylabel="u", title="The solution found by sapts-d (dotted: exact)")
axes.legend()
plt.show()

# %% [markdown]
# ## 5.4 An unknown coefficient, saving, going on
#
# `external_trainable_variables`, `loss_weights`, metrics, `PDEPointResampler` and all other callbacks work as
# before. A checkpoint holds the method's own state and, unlike DeepXDE's, the unknown coefficients, so that
# training goes on bit for bit.

# %%
dde.config.set_random_seed(0)
observed = np.linspace(0, 1, 20).reshape(-1, 1)


def diffusion():
    """u'' = -k u, where k is unknown and sin(3 x) is observed."""
    k = dde.Variable(1.0)
    geom = dde.geometry.Interval(0, 1)
    data = dde.data.PDE(
        geom,
        lambda x, y: dde.grad.hessian(y, x) + k * y,
        dde.icbc.PointSetBC(observed, np.sin(3 * observed)),
        num_domain=100,
        anchors=observed,
    )
    model = dde.Model(data, dde.nn.FNN([1, 20, 20, 1], "tanh", "Glorot normal"))
    model.compile("tr", external_trainable_variables=k, verbose=0)
    return model, k


model, k = diffusion()
model.train(iterations=100, verbose=0)
path = model.save("diffusion")

again, k = diffusion()
again.restore(path)
again.train(iterations=200, verbose=0)
print(f"k = {float(k.detach()):.8f}, the exact value is 9")

# %% [markdown]
# ## 5.5 Several processes
#
# A script with these two lines runs as it is under `torchrun`, with one part of the points for each process.
# All of them have to draw the same points, so the script sets the seed:
#
# ```python
# dde.config.set_random_seed(0)
# ...
# model.compile("sapts-d")
# ```
# ```
# torchrun --nproc-per-node 2 burgers.py
# ```
#
# ## 5.6 Problems of this library in DeepXDE, and back
#
# `to_deepxde` makes a DeepXDE model of a `Problem`, `from_deepxde` an objective of a DeepXDE model for the
# optimizers of `sapts_pinn.optim`, and `DomainGeometry` lets DeepXDE sample any domain of this library.

# %%
problem = build("poisson-2d")
model = sapts_pinn.deepxde.to_deepxde(problem, network=(20, 20), points=500)
model.compile("sapts-d", metrics=["l2 relative error"], verbose=0)
losshistory, train_state = model.train(iterations=60, verbose=0)
print(f"{problem.name} in DeepXDE: relative L2 error {train_state.metrics_test[0]:.1e}")
print(f"final error: {clock.rows[-1][1]:.2e}")

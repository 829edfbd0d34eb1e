"""Makes the methods known to `deepxde.Model.compile`.

DeepXDE takes any PyTorch optimizer in place of a name, and then runs its own training loop.  `register` wraps
the public `Model.compile` once: a name of ours becomes an optimizer bound to the model, everything else goes
through as it is.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import warnings
from collections.abc import Callable
from dataclasses import fields

import deepxde as dde
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..optim import TrustRegion
from ..optim.curvature.make import DENSE
from ..optim.methods import METHODS, Method
from ..optim.sapts import Decomposition
from ..optim.sapts.optimizer import SAPTS
from ..optim.sapts.settings import Sweep
from ..parallel.communicator import Communicator
from ..parallel.torchrun import connect
from .objective import DeepXDEObjective
from .optimizer import Bound
from .placing import on_processor
from .untyped import Keywords, Model
from .views import Whole, refusal

OURS = ("tr", "sapts", "thesis")  # what the names of our methods begin with


def register() -> None:
    """Let `Model.compile` know the methods; done by `import sapts_pinn.deepxde`, again to no effect."""
    stock = dde.Model.compile
    if getattr(stock, "_of_sapts_pinn", None) is None:
        dde.Model.compile = _wrapped(stock)


def unregister() -> None:
    """Give DeepXDE its own `Model.compile` back; models that are compiled already stay as they are."""
    stock = getattr(dde.Model.compile, "_of_sapts_pinn", None)
    if stock is not None:
        dde.Model.compile = stock


def _wrapped(stock: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(stock)

    @functools.wraps(stock)
    def compile(self: Model, optimizer: object, *args: object, **kwargs: object) -> None:
        chosen = _method(optimizer)
        if chosen is None:
            _release(self)
            stock(self, optimizer, *args, **kwargs)
            return
        name, method = chosen
        options = {key: kwargs.pop(key) for key in list(kwargs) if key not in signature.parameters}
        given = signature.bind(self, optimizer, *args, **kwargs)
        given.apply_defaults()
        bound = bind(self, name, method, given.arguments, options)
        stock(self, bound, *args, **kwargs)
        self.opt_name = name  # for what is printed
        _share(self, bound)

    compile._of_sapts_pinn = stock  # type: ignore[attr-defined]
    return compile


def _method(optimizer: object) -> tuple[str, Method] | None:
    """The method of a name, unless it is one of DeepXDE's.

    Raises:
        InputError: It looks like one of ours, and is none.
    """
    if not isinstance(optimizer, str):
        return None
    name = optimizer.lower()
    if not name.startswith(("sapts", "thesis")) and name.replace("_", "-").split("-")[0] not in OURS:
        return None
    known = [key for key in METHODS if key.split("-")[0] in OURS]
    if name not in known:
        near = difflib.get_close_matches(name.replace("_", "-"), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
        raise InputError(f"unknown optimizer {optimizer!r}; {hint}")
    return name, METHODS[name]


@on_processor
def bind(model: Model, name: str, method: Method, given: Keywords, options: Keywords) -> Bound:
    """The optimizer for a model.

    Args:
        model: The DeepXDE model.
        name: The method's name.
        method: The method.
        given: The arguments of `Model.compile`, by name.
        options: Those of the method.

    Raises:
        InputError: Something cannot be honoured.
        TypeError: The points cannot be divided as the method needs.
    """
    if given["decay"] is not None:
        raise InputError(f"{name!r} has no learning rate that could decay; drop decay={given['decay']!r}")
    if given["lr"] is not None:
        warnings.warn(f"{name!r} has no learning rate: lr={given['lr']!r} is ignored", stacklevel=4)
    if getattr(dde.config, "mixed", False):  # not there before DeepXDE 1.13
        raise InputError(f"{name!r} needs one precision; call dde.config.set_default_float('float32')")
    if type(model).compile is not dde.Model.compile or "zcs" in type(model).__module__:
        raise InputError(
            f"{type(model).__module__}.{type(model).__name__} computes its losses in a way of its own; "
            "use deepxde.Model"
        )
    external = given["external_trainable_variables"]
    external = [] if external is None else external if isinstance(external, list) else [external]
    ranks = connect()
    if method.sharded and ranks.size > 1:
        raise InputError(
            f"{name!r} works in one process with DeepXDE, which needs the whole network on every rank; "
            "use 'sapts-d' or 'sapts-p'"
        )
    _check_options(name, method, options)
    parameters: list[Tensor] = [*model.net.parameters(), *external]
    objective = DeepXDEObjective(model, given["loss"], given["loss_weights"], parameters)
    divisible = objective.adds_up() if method.divides or ranks.size > 1 else True
    if method.divides_points and not divisible:
        if isinstance(objective.view, Whole):
            raise TypeError(refusal(model.data))
        warnings.warn(
            f"a residual depends on several points (a mean over the batch?), so that {name!r} cannot divide "
            "them; training goes on as 'tr'",
            stacklevel=4,
        )
        method, options = METHODS["tr"], {}
    method = _undivided(name, method, objective, options, ranks)
    if method.divides and not divisible:
        options.setdefault("batch", 1.0)
    if method.decomposition is not None:
        options.setdefault("parts", _parts(method.decomposition, model.net, ranks))
    _check_curvature(name, objective, options)
    bound = Bound(model, name, method, objective, divisible, options, ranks)
    if not objective.squares and bound.inner.needs_squares:
        warnings.warn(
            f"the loss is not a mean of squares, so that {name!r} has no Gauss-Newton matrix; "
            "training goes on as 'tr'",
            stacklevel=4,
        )
        bound = Bound(model, name, METHODS["tr"], objective, divisible, options, ranks)
    return bound


def _undivided(
    name: str, method: Method, objective: DeepXDEObjective, options: Keywords, ranks: Communicator
) -> Method:
    """The method, or "tr" where few points would be divided for a large network; warns then.

    On Helmholtz_Dirichlet_2d, 45,751 parameters and 480 residuals, two parts come to 8e-3 in 120 seconds and
    `tr` to 2.5e-3.  With options, such as a number of parts, the method is as asked for.
    """
    size = sum(p.numel() for p in objective.parameters)
    large = size > DENSE and objective.rows < size
    if not method.divides_points or options or ranks.size > 1 or not large:
        return method
    warnings.warn(
        f"of {objective.rows} residuals for a network as large as this one no part knows much of the "
        f"others', so that training goes on as 'tr'; {name!r} with parts= divides them all the same",
        stacklevel=5,
    )
    return METHODS["tr"]


def _parts(decomposition: Decomposition, net: nn.Module, ranks: Communicator) -> int:
    """Default number of parts: one a rank; in one process the usual number, at most one a layer."""
    if ranks.size > 1:
        return ranks.size
    if decomposition.shared:
        return decomposition.parts
    layers = sum(any(True for _ in m.parameters(recurse=False)) for m in net.modules())
    return min(decomposition.parts, layers)


def _check_options(name: str, method: Method, options: Keywords) -> None:
    kind = SAPTS if method.divides else TrustRegion
    known = [p for p in inspect.signature(kind).parameters if p not in ("params", "sweep", "communicator")]
    if method.divides:
        known = [p for p in known if p != "decomposition"] + [field.name for field in fields(Sweep)]
    elif name != "tr":
        known.remove("curvature")
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(known)}"
            raise InputError(f"{name!r} does not know the option {option!r}; {hint}")


def _check_curvature(name: str, objective: DeepXDEObjective, options: Keywords) -> None:
    for option in ("curvature", "local_curvature"):
        if options.get(option) == "gauss-newton" and not objective.squares:
            warnings.warn(
                f"the loss is not a mean of squares, so that {option}='gauss-newton' does not apply; "
                "a quasi-Newton model is used",
                stacklevel=5,
            )
            del options[option]


@on_processor
def _share(model: Model, bound: Bound) -> None:
    """Several ranks: the same parameters and points everywhere, and one that prints and saves."""
    ranks = bound.communicator
    if ranks.size == 1:
        return
    dde.config.rank = ranks.rank
    with torch.no_grad():
        for p in bound.objective.parameters:
            p.copy_(ranks.broadcast(p))
    bound.agree()
    if ranks.rank:

        def save(save_path: str, *_: object, **__: object) -> str:
            bound.state_dict()  # is gathered from all ranks; rank 0 writes it
            state = model.train_state  # whose count had another name before DeepXDE 1.14
            return f"{save_path}-{state.iteration if hasattr(state, 'iteration') else state.epoch}.pt"

        model.save = save


def _release(model: Model) -> None:
    """A model that is compiled anew saves by itself again."""
    model.__dict__.pop("save", None)

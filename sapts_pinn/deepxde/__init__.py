"""The methods of this library for the users of DeepXDE (PyTorch backend, DeepXDE 1.12 and newer).

    import deepxde as dde
    import sapts_pinn.deepxde                 # or first: it sees to the backend

    model = dde.Model(data, net)
    model.compile("sapts-d")                  # "sapts-p", "tr", ...; options by keyword: parts=8
    model.train(iterations=2000)

Everything else stays as it is: callbacks, `display_every`, metrics, loss weights, external variables, `save`
and `restore`, and any optimizer of DeepXDE before or after on the same model.
"""

from .backend import choose_pytorch

choose_pytorch()

from .convert import from_deepxde, to_deepxde  # noqa: E402
from .geometry import DomainGeometry  # noqa: E402
from .objective import DeepXDEObjective  # noqa: E402
from .registration import register, unregister  # noqa: E402

__all__ = ["DeepXDEObjective", "DomainGeometry", "from_deepxde", "register", "to_deepxde", "unregister"]

register()

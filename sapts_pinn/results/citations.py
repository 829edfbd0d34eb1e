"""BibTeX of a run: the package, and the papers of the methods that it used.

An entry says no more than the sources named in the package do: authors and the number at arXiv, a title where
it is a book.  A manager of references completes it from the number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from .._version import __version__
from ..networks.embeddings import FourierFeatures
from ..networks.modified_mlp import ModifiedMLP
from ..networks.time_windows import WindowedModel
from ..optim.curvature.make import curvature_by_size
from ..optim.methods import METHODS
from ..problems import Problem
from ..runs.content import Config, Result

SOFTWARE = """@software{sapts_pinn,
  author = {{The sapts-pinn project}},
  title = {sapts-pinn: physics-informed neural networks trained by trust-region methods},
  version = {%s}
}"""

THESIS = """@misc{sapts_thesis,
  note = {The SAPTS thesis},
  howpublished = {ark:/12658/srd1335040}
}"""

TRUST_REGION = """@book{conn_gould_toint_2000,
  author = {Conn and Gould and Toint},
  title = {Trust-Region Methods},
  year = {2000}
}"""

AUTHORS = {  # of preprints, as the modules name them that follow these
    "2312.13677": "{Cruz Alegria} and others",
    "2502.05133": "{Cruz Alegria} and others",
    "2405.04230": "Urban and Stefanou and Pons",
    "2302.13163": "Mueller and Zeinhofer",
    "1412.6980": "Kingma and Ba",
    "2007.14527": "Wang and Yu and Perdikaris",
    "2007.04542": "Wight and Zhao",
    "2302.14227": "Penwarden and others",
    "2001.04536": "Wang and Teng and Perdikaris",
    "2006.10739": "Tancik and others",
    "2210.08424": "Tseng and Lin and Hu and Lai",
    "2012.02895": "Dong and Li",
    "2207.10289": "",  # a module names the number only, as for the next three
    "2308.16429": "",
    "2505.12149": "",
    "2607.02194": "",
}


def preprint(number: str) -> str:
    """Write the entry of a preprint at arXiv."""
    author = f"  author = {{{AUTHORS[number]}}},\n" if AUTHORS[number] else ""
    return (
        f"@misc{{arxiv_{number.replace('.', '_')},\n{author}  eprint = {{{number}}},\n"
        f"  archivePrefix = {{arXiv}},\n  url = {{https://arxiv.org/abs/{number}}}\n}}"
    )


@dataclass(frozen=True)
class Used:
    """A run, asked for the methods that it used.

    Attributes:
        problem: The problem.
        model: The trained model.
        config: As in config.json.
        result: As in result.json.
    """

    problem: Problem
    model: nn.Module
    config: Config
    result: Result

    @property
    def _method(self) -> str:
        return self.result["method"]

    def sapts(self) -> bool:
        """Test for a decomposition."""
        return METHODS[self._method].divides is not None

    def adam(self) -> bool:
        """Test for Adam."""
        return self._method in ("adam", "adam-lbfgs")

    def features(self) -> bool:
        """Test for random features."""
        return self._method == "features"

    def trust_region(self) -> bool:
        """Test for a trust region."""
        return self._method not in ("adam", "adam-lbfgs", "lbfgs")

    def curvature(self) -> str | None:
        """Name of the curvature model that was chosen or is the method's; None for that of the parts."""
        given = self.config.get("options", {}).get("curvature")
        if given is not None or not self.trust_region() or self.sapts():
            return None if given is None else str(given)
        size, ranks = self.result["parameters"], self.config.get("world_size", 1)
        by_size = {"auto": curvature_by_size(size, ranks), "tr": curvature_by_size(size, ranks)}
        return by_size.get(self._method, self._method.removeprefix("tr-"))

    def adaptive_points(self) -> bool:
        """Test for points that were drawn anew where the residual is large."""
        every = self.config.get("resample")
        every = METHODS[self._method].phases[0].resample if every is None else every
        return self.config.get("adaptive", 0) > 0 and 0 < every < self.result["iterations"]

    def balanced(self) -> bool:
        """Test for weights that were balanced."""
        return any(term.balanced for term in self.problem.terms)

    def network(self, kind: type[nn.Module]) -> bool:
        """Test for a module of a class in the network."""
        return any(isinstance(module, kind) for module in self.model.modules())

    def corners(self) -> bool:
        """Test for singular functions of corners among the inputs."""
        return any(name.startswith("singular function") for name in self.problem.ansatz.feature_names)

    def interfaces(self) -> bool:
        """Test for interfaces, at which the network is bent, among the inputs."""
        return any(name.startswith("kink at the interface") for name in self.problem.ansatz.feature_names)


METHOD_PAPERS: list[tuple[Callable[[Used], bool], tuple[str, ...]]] = [
    (Used.sapts, ("2312.13677", "2502.05133")),
    (lambda run: run.curvature() == "ssbroyden", ("2405.04230",)),
    (lambda run: run.curvature() == "gauss-newton", ("2302.13163", "2505.12149", "2607.02194")),
    (Used.features, ("2012.02895",)),
    (Used.adam, ("1412.6980",)),
    (Used.adaptive_points, ("2207.10289",)),
    (Used.balanced, ("2007.14527",)),
    (lambda run: isinstance(run.model, WindowedModel), ("2007.04542", "2302.14227")),
    (lambda run: run.network(ModifiedMLP), ("2001.04536",)),
    (lambda run: run.network(FourierFeatures), ("2006.10739",)),
    (Used.corners, ("2308.16429",)),
    (Used.interfaces, ("2210.08424",)),
]


def citations(run: Used) -> str:
    """BibTeX of the package and of the papers of the methods that a run used."""
    entries = [SOFTWARE % __version__]
    entries += [THESIS] if run.sapts() else []
    entries += [TRUST_REGION] if run.trust_region() else []
    entries += [preprint(number) for used, numbers in METHOD_PAPERS if used(run) for number in numbers]
    return "\n\n".join(entries) + "\n"

"""Spectra in pictures."""

import numpy as np

from sapts_pinn.viz import spectrum


def test_eigenvalues_are_drawn_from_the_largest_with_their_rank(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(spectrum, "save_figure", lambda figure, path: drawn.append(figure) or path)
    spectrum.plot_spectrum({"network": np.array([1e-20, 1.0, 1e-3])}, tmp_path / "s.png")
    curve, level = drawn[0].axes[0].lines
    assert curve.get_ydata().tolist() == [1, 1e-3, 1e-20]
    assert curve.get_label() == "network: 2 of 3 above rounding"
    assert level.get_ydata()[0] == np.finfo(float).eps

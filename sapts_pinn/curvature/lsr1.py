"""x."""

from math import isfinite, sqrt
from typing import Any

import torch
from torch import Tensor

from ..subproblem import Spectrum, obs_spectrum, spectrum
from .base import Curvature, Dot, Step, plain_dot

RULE = "bb"


class LSR1(Curvature):
    def __init__(self, memory: int = 10, dot: Dot = plain_dot) -> None:
        self.memory, self.dot = memory, dot
        self.reset()

    def reset(self) -> None:
        self.S, self.Y = [], []
        self.gamma = 0.0
        self._spectrum = None

    def mv(self, v):
        return self._spectrum.mv(v, self.dot) if self._spectrum else torch.zeros_like(v)

    def solve(self, g, radius):
        if self._spectrum is None:
            sp = Spectrum(0.0, torch.zeros(0, dtype=torch.float64), g.new_zeros(0, len(g)), False)
            return obs_spectrum(g, sp, radius, self.dot)
        return obs_spectrum(g, self._spectrum, radius, self.dot)

    def update(self, s, y):
        dot = self.dot
        ss, yy = dot(s, s), dot(y, y)
        if not (ss > 0 and isfinite(ss) and isfinite(yy)):
            return False
        r = y - self.mv(s)
        rr = dot(r, r)
        if not (rr > 2e-16 * yy and abs(dot(s, r)) > 1e-8 * sqrt(ss * rr)):
            return False
        self.S = [*self.S, s.clone()][-self.memory :]
        self.Y = [*self.Y, y.clone()][-self.memory :]
        S, Y = torch.stack(self.S), torch.stack(self.Y)
        sy = dot(s, y)
        if RULE == "bb":
            if sy > 0:
                self.gamma = yy / sy
        elif RULE == "bb1":
            self.gamma = sy / ss
        elif RULE == "absbb":
            self.gamma = sqrt(yy / ss)
        elif RULE == "zero":
            self.gamma = 0.0
        elif RULE.startswith("eig"):
            SS, SY = S @ S.T, S @ Y.T
            W = SY.tril() + SY.tril(-1).T
            d = 1 / SS.diagonal().sqrt()
            lam, V = torch.linalg.eigh(d[:, None] * SS * d)
            k = lam > 1e-12
            T = V[:, k] / lam[k].sqrt() * d[:, None]
            e = torch.linalg.eigvalsh(T.T @ W @ T)
            lo = float(e[0])
            if RULE == "eig":
                self.gamma = 0.9 * lo if lo > 0 else 1.5 * lo
            elif RULE == "eig0":
                self.gamma = 0.9 * lo if lo > 0 else 0.0
            elif RULE == "eigtop":
                self.gamma = 1.1 * max(float(e[-1]), 0.0)
            elif RULE == "eigmed":
                self.gamma = max(float(e[len(e)//2]) * 0.9, 0)
        self._build()
        return True

    def _build(self):
        R, delta = [], []
        for s, y in zip(self.S, self.Y):
            psi = y - self.gamma * s
            r = psi
            if R:
                Rm = torch.stack(R)
                r = psi - ((Rm @ s) / torch.tensor(delta).to(s)) @ Rm
            rr, sr = self.dot(r, r), self.dot(s, r)
            if rr > 2e-16 * self.dot(y, y) and abs(sr) >= 1e-8 * sqrt(self.dot(s, s) * rr):
                R.append(r)
                delta.append(sr)
        psi = torch.stack(R, 1) if R else self.S[0].new_zeros(len(self.S[0]), 0)
        self._spectrum = spectrum(self.gamma, psi, torch.diag(torch.tensor(delta, dtype=torch.float64)), self.dot)

"""What a design could find, before it has begun.

This lives in ``effects``, not in ``design``, because it applies the estimator itself, and a design may not know
how it will be estimated.
"""

from averting.effects.power.noise import DeclaredNoise, PanelNoise
from averting.effects.power.result import Power
from averting.effects.power.simulate import RATIOS, simulate_power

__all__ = ["RATIOS", "DeclaredNoise", "PanelNoise", "Power", "simulate_power"]

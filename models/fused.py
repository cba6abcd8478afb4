"""The fused graph: bytes in, bytes out; LAB, hint concatenation, network, decoding and gamut inside.

N batch, H W the photo, h w the network's grid (multiples of 16), g k the grid of the network's ab.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..color import lab, tensors
from .prediction import Network
from .resample import enlarge_matrix, float_length, indices, shrink_matrix

# Steps of the sRGB encoding table, even in the square root of linear light, where the curve is near a line.
ENCODE_STEPS = 8192.0


def look_up(table: Tensor, index: Tensor) -> Tensor:
    """table[index] as GatherElements, the fastest table look-up of ONNX Runtime on a CPU."""
    return table.gather(0, index.reshape(-1)).reshape(index.shape)


class Paint(nn.Module):
    """A photo or a tile of one, and the ab of the whole at the network's grid, to the coloured photo or tile."""

    to_linear: Tensor
    to_srgb: Tensor

    def __init__(self) -> None:
        super().__init__()
        byte = torch.arange(256, dtype=torch.float64) / 255.0
        self.register_buffer("to_linear", tensors.srgb_to_linear(byte).float(), persistent=False)
        # Each step is encoded by its middle; one more entry for light of exactly 1.
        root = ((torch.arange(int(ENCODE_STEPS) + 1, dtype=torch.float64) + 0.5) / ENCODE_STEPS).clamp(max=1.0)
        encoded = (tensors.linear_to_srgb(root * root) * 255.0).round()
        self.register_buffer("to_srgb", encoded.float(), persistent=False)

    def luminance(self, rgb_NHW3: Tensor) -> Tensor:
        """sRGB bytes to luminance Y [N, H, W] in 0..1."""
        # By way of float: TensorRT converts uint8 to nothing else.
        r, g, b = look_up(self.to_linear, rgb_NHW3.float().long()).unbind(-1)
        wr, wg, wb = lab.XYZ_FROM_RGB[1].tolist()
        return r * wr + g * wg + b * wb

    @staticmethod
    def lab_f(y: Tensor) -> Tensor:
        """CIE f of Y: the cube root by exp and log, and its tangent below EPSILON without a branch."""
        t = y.clamp(min=lab.EPSILON)
        return (t.log() * (1.0 / 3.0)).exp() + (y - t) * lab.SLOPE

    def encode(self, y: Tensor, fy: Tensor, fx_off: Tensor, fz_off: Tensor) -> Tensor:
        """Y, f(Y), f(X) - f(Y) and f(Z) - f(Y) [N, H, W] to sRGB bytes [N, H, W, 3].

        Colours out of gamut move toward the grey of their luminance, so Y stays.
        """
        # White's X and Z are in the matrix, so that grey has X = Y = Z, and only the differences from it count.
        dx = tensors.lab_f_inverse(fy + fx_off) - y
        dz = tensors.lab_f_inverse(fy + fz_off) - y
        matrix = lab.RGB_FROM_XYZ * lab.WHITE
        r, g, b = (dx * mx + dz * mz for mx, _, mz in matrix.tolist())
        above = torch.maximum(torch.maximum(r, g), b).clamp(min=1e-6)
        below = torch.minimum(torch.minimum(r, g), b).clamp(max=-1e-6)
        keep = torch.minimum((1.0 - y) / above, -y / below).clamp(max=1.0) * ENCODE_STEPS**2
        y = y * ENCODE_STEPS**2
        linear = torch.stack([y + keep * r, y + keep * g, y + keep * b], dim=-1)
        index = linear.clamp(0.0, ENCODE_STEPS**2).sqrt().long()
        return look_up(self.to_srgb, index).to(torch.uint8)

    def forward(self, rgb_NHW3: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        """place, float32 [4]: the tile's first row and column, the whole photo's rows and columns."""
        y = self.luminance(rgb_NHW3)
        return self.apply_chroma(y, self.lab_f(y), ab_N2gk, place)

    def apply_chroma(self, y: Tensor, fy: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        top, left, height, width = place.unbind()
        down = enlarge_matrix(indices(y, 1) + top, height, indices(ab_N2gk, 2))
        across = enlarge_matrix(indices(y, 2) + left, width, indices(ab_N2gk, 3))
        off = ab_N2gk * torch.tensor([1.0 / 500.0, -1.0 / 200.0], device=y.device).view(1, 2, 1, 1)
        return self.encode(y, fy, *(down @ (off @ across.T)).unbind(1))


class FusedColorizer(nn.Module):
    """rgb uint8 [N, H, W, 3] and hints uint8 [N, h, w, 4] to (rgb uint8 [N, H, W, 3], ab float32 [N, 2, g, k])."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.paint = Paint()

    def hint_chroma(self, hints_Nhw4: Tensor) -> tuple[Tensor, Tensor]:
        """RGBA bytes to ab [N, 2, h, w], 0 where there is no hint, and mask [N, 1, h, w]."""
        values = hints_Nhw4.float()
        mask = (values[..., 3] - 127.0).clamp(0.0, 1.0)
        linear = look_up(self.paint.to_linear, values[..., :3].long())
        r, g, b = linear.unbind(-1)
        f = [
            self.paint.lab_f((r * mr + g * mg + b * mb) / white)
            for (mr, mg, mb), white in zip(lab.XYZ_FROM_RGB.tolist(), lab.WHITE.tolist(), strict=True)
        ]
        ab = torch.stack([500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])], dim=1)
        return ab * mask[:, None], mask[:, None]

    def forward(self, rgb_NHW3: Tensor, hints_Nhw4: Tensor) -> tuple[Tensor, Tensor]:
        y = self.paint.luminance(rgb_NHW3)
        fy = self.paint.lab_f(y)
        down = shrink_matrix(indices(hints_Nhw4, 1), indices(fy, 1))
        across = shrink_matrix(indices(hints_Nhw4, 2), indices(fy, 2))
        lightness = (down @ fy @ across.T) * 116.0 - 16.0
        hint_ab, hint_mask = self.hint_chroma(hints_Nhw4)
        ab = self.network(lightness[:, None], hint_ab, hint_mask).ab
        height, width = float_length(indices(fy, 1)), float_length(indices(fy, 2))
        nought = torch.zeros_like(height)
        return self.paint.apply_chroma(y, fy, ab, torch.stack([nought, nought, height, width])), ab

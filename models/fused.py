"""The fused graph: bytes in, bytes out; LAB, hint concatenation, network, decoding and gamut inside.

N batch, H W the photo, h w the network's grid (multiples of 16), g k the grid of the network's ab.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import lab, tensors
from .prediction import Network
from .resample import enlarge_matrix, float_length, indices, shrink_matrix

# Steps of the sRGB encoding table, even in linear light: 20 of them for a level where the curve is steepest.
ENCODE_STEPS = 65536.0


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
        # Each step is encoded by its middle; two more entries for light of 1 and what rounding adds to it.
        light = ((torch.arange(int(ENCODE_STEPS) + 2, dtype=torch.float64) + 0.5) / ENCODE_STEPS).clamp(max=1.0)
        encoded = (tensors.linear_to_srgb(light) * 255.0).round()
        self.register_buffer("to_srgb", encoded.float(), persistent=False)

    def luminance(self, rgb_NHW3: Tensor) -> Tensor:
        """sRGB bytes to luminance Y [N, H, W] in 0..1."""
        # By way of float: TensorRT converts uint8 to nothing else.
        linear = look_up(self.to_linear, rgb_NHW3.float().permute(0, 3, 1, 2).long())
        weights = torch.tensor(lab.XYZ_FROM_RGB[1:2], dtype=linear.dtype, device=linear.device)
        return (weights @ linear.flatten(2)).view(rgb_NHW3.shape[:3])

    @staticmethod
    def lab_f(y: Tensor) -> Tensor:
        """CIE f of Y: the cube root by exp and log, and its tangent below EPSILON without a branch."""
        t = y.clamp(min=lab.EPSILON)
        return (t.log() * (1.0 / 3.0)).exp() + (y - t) * lab.SLOPE

    def encode(self, y_N1HW: Tensor, fy_N1HW: Tensor, off_N2HW: Tensor) -> Tensor:
        """Y, f(Y), and f(X) - f(Y) beside f(Z) - f(Y), to sRGB bytes [N, H, W, 3].

        Colours out of gamut move toward the grey of their luminance, so Y stays.
        """
        # White's X and Z are in the matrix, so that grey has X = Y = Z, and only the differences from it count.
        differences = tensors.lab_f_inverse(fy_N1HW + off_N2HW) - y_N1HW
        matrix = torch.tensor((lab.RGB_FROM_XYZ * lab.WHITE)[:, [0, 2]], dtype=torch.float32, device=y_N1HW.device)
        away = (matrix @ differences.flatten(2)).unflatten(2, y_N1HW.shape[2:])
        r, g, b = away.split(1, dim=1)
        above = torch.maximum(torch.maximum(r, g), b).clamp(min=1e-6)
        below = torch.minimum(torch.minimum(r, g), b).clamp(max=-1e-6)
        keep = torch.minimum((1.0 - y_N1HW) / above, -y_N1HW / below).clamp(max=1.0)
        # Within the table but for rounding, which truncation takes to 0 below.
        steps = y_N1HW * ENCODE_STEPS + keep * ENCODE_STEPS * away
        return look_up(self.to_srgb, steps.permute(0, 2, 3, 1).long()).to(torch.uint8)

    def forward(self, rgb_NHW3: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        """place, float32 [4]: the tile's first row and column, the whole photo's rows and columns."""
        y = self.luminance(rgb_NHW3)
        return self.apply_chroma(y, self.lab_f(y), ab_N2gk, place)

    def apply_chroma(self, y: Tensor, fy: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        top, left, height, width = place.unbind()
        down = enlarge_matrix(indices(y, 1) + top, height, indices(ab_N2gk, 2))
        across = enlarge_matrix(indices(y, 2) + left, width, indices(ab_N2gk, 3))
        off = ab_N2gk * torch.tensor([1.0 / 500.0, -1.0 / 200.0], device=y.device).view(1, 2, 1, 1)
        return self.encode(y[:, None], fy[:, None], down @ (off @ across.T))


class FusedColorizer(nn.Module):
    """rgb uint8 [N, H, W, 3] and hints uint8 [N, h, w, 4] to (rgb uint8 [N, H, W, 3], ab float32 [N, 2, g, k])."""

    dense = False
    """Take the way that TensorRT can go, too: no shape depends on the hints, and resizing is matrix products."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.paint = Paint()

    def hint_chroma(self, hints_Nhw4: Tensor) -> tuple[Tensor, Tensor]:
        """RGBA bytes to ab [N, 2, h, w], 0 where there is no hint, and mask [N, 1, h, w]."""
        values = hints_Nhw4.float()
        rgb, alpha = values.split([3, 1], dim=-1)
        mask = (alpha.squeeze(-1) - 127.0).clamp(0.0, 1.0)
        if self.dense:
            ab = self.chroma(rgb) * mask[..., None]
        else:
            # Few cells are hinted.
            some = mask.reshape(-1).nonzero()[:, 0]
            found = self.chroma(rgb.reshape(-1, 3)[some])
            ab = values.new_zeros(mask.numel(), 2).index_copy(0, some, found).view(*mask.shape, 2)
        return ab.permute(0, 3, 1, 2), mask[:, None]

    def chroma(self, rgb: Tensor) -> Tensor:
        """sRGB 0..255 [..., 3] to ab [..., 2]."""
        r, g, b = look_up(self.paint.to_linear, rgb.long()).unbind(-1)
        x, y, z = (
            self.paint.lab_f((r * mr + g * mg + b * mb) / white)
            for (mr, mg, mb), white in zip(lab.XYZ_FROM_RGB.tolist(), lab.WHITE.tolist(), strict=True)
        )
        return torch.stack([500.0 * (x - y), 200.0 * (y - z)], dim=-1)

    def shrink(self, plane_NHW: Tensor, like_Nhw4: Tensor) -> Tensor:
        """A plane [N, h, w] of the grid's size, antialiased (a triangle as wide as a cell)."""
        if self.dense:
            down = shrink_matrix(indices(like_Nhw4, 1), indices(plane_NHW, 1))
            across = shrink_matrix(indices(like_Nhw4, 2), indices(plane_NHW, 2))
            return down @ plane_NHW @ across.T
        size = like_Nhw4.shape[1:3]
        return F.interpolate(plane_NHW[:, None], size=size, mode="bilinear", antialias=True)[:, 0]

    def forward(self, rgb_NHW3: Tensor, hints_Nhw4: Tensor) -> tuple[Tensor, Tensor]:
        y = self.paint.luminance(rgb_NHW3)
        fy = self.paint.lab_f(y)
        lightness = self.shrink(fy, hints_Nhw4) * 116.0 - 16.0
        hint_ab, hint_mask = self.hint_chroma(hints_Nhw4)
        ab = self.network(lightness[:, None], hint_ab, hint_mask).ab
        height, width = float_length(indices(fy, 1)), float_length(indices(fy, 2))
        nought = torch.zeros_like(height)
        return self.paint.apply_chroma(y, fy, ab, torch.stack([nought, nought, height, width])), ab

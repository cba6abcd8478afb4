"""The fused graph: bytes in, bytes out; LAB, hint concatenation, network, decoding and gamut inside.

N batch, H W the photo, h w the network's grid (multiples of 16), g k the grid of the network's ab.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..color import lab, tensors
from .prediction import Form, Network
from .resample import enlarge_matrix, float_length, indices, shrink_matrix

# Steps of the tables: of light, even in it (20 of them for a level where sRGB is steepest); of its square root, fine
# enough for an L within 0.001; of CIE f, whose inverse is needed from LOWEST_F to HIGHEST_F for any ab of -200..200.
LIGHT_STEPS = 65536.0
ROOT_STEPS = 131072.0
F_STEPS = 16384.0
LOWEST_F, HIGHEST_F = -1.0, 2.2
# f(X) - f(Y) and f(Z) - f(Y) of a and of b.
F_OF_AB = (1.0 / 500.0, -1.0 / 200.0)


def look_up(table: Tensor, index: Tensor) -> Tensor:
    """table[index] as GatherElements, the fastest table look-up of ONNX Runtime on a CPU."""
    return table.gather(0, index.reshape(-1)).reshape(index.shape)


def middles(lowest: float, highest: float, steps: float) -> Tensor:
    """The middles of the steps of a table, float64; two more than asked for, for what rounding adds."""
    return (torch.arange(int((highest - lowest) * steps) + 2, dtype=torch.float64) + 0.5) / steps + lowest


class Paint(nn.Module):
    """A photo or a tile of one, and the ab of the whole at the network's grid, to the colored photo or tile."""

    to_linear: Tensor
    to_srgb: Tensor
    f_of_root: Tensor
    light_of_f: Tensor

    def __init__(self, form: Form = "dynamic") -> None:
        """form: static has only what TensorRT has, too: bytes are cast from and to float at once, and arithmetic takes
        the tables' place.
        """
        super().__init__()
        self.static = form == "static"
        byte = torch.arange(256, dtype=torch.float64) / 255.0
        encoded = tensors.linear_to_srgb(middles(0.0, 1.0, LIGHT_STEPS).clamp(max=1.0)) * 255.0
        tables = {
            "to_linear": tensors.srgb_to_linear(byte),
            "to_srgb": encoded.round(),
            "f_of_root": tensors.lab_f(middles(0.0, 1.0, ROOT_STEPS) ** 2),
            "light_of_f": tensors.lab_f_inverse(middles(LOWEST_F, HIGHEST_F, F_STEPS)) * LIGHT_STEPS,
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)

    def luminance(self, rgb_NHW3: Tensor) -> Tensor:
        """sRGB bytes to luminance Y [N, H, W] in 0..1."""
        # By way of float: TensorRT converts uint8 to nothing else. Elsewhere bytes are quicker to move.
        values = rgb_NHW3.float() if self.static else rgb_NHW3
        linear = look_up(self.to_linear, values.permute(0, 3, 1, 2).long())
        weights = torch.tensor(lab.XYZ_FROM_RGB[1:2], dtype=linear.dtype, device=linear.device)
        return (weights @ linear.flatten(2)).view(rgb_NHW3.shape[:3])

    def f_of(self, y_NHW: Tensor) -> Tensor:
        """CIE f of a photo's luminance."""
        return tensors.lab_f(y_NHW) if self.static else look_up(self.f_of_root, (y_NHW.sqrt() * ROOT_STEPS).long())

    def forward(self, rgb_NHW3: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        """place, float32 [4]: the tile's first row and column, the whole photo's rows and columns."""
        y = self.luminance(rgb_NHW3)
        return self.apply_chroma(y, self.f_of(y), ab_N2gk, place)

    def apply_chroma(self, y_NHW: Tensor, fy_NHW: Tensor, ab_N2gk: Tensor, place: Tensor) -> Tensor:
        """Y, f(Y) and ab to sRGB bytes [N, H, W, 3].

        Colors out of gamut move toward the grey of their luminance, so Y stays. Planes are worked on one by one: they
        stay in a core's cache, and ONNX Runtime is slow where one has to be repeated for several.
        """
        top, left, height, width = place.unbind()
        down = enlarge_matrix(indices(y_NHW, 1) + top, height, indices(ab_N2gk, 2))
        across = enlarge_matrix(indices(y_NHW, 2) + left, width, indices(ab_N2gk, 3)).T
        unit, begin = (1.0, 0.0) if self.static else (F_STEPS, LOWEST_F)
        f = (fy_NHW - begin) * unit
        grey = self._light(f)
        # Cubic enlarging goes beyond its values by up to half of them.
        planes = ab_N2gk.clamp(-128.0, 128.0).unbind(1)
        x, z = (
            self._light(f + down @ ((plane * (share * unit)) @ across)) - grey
            for plane, share in zip(planes, F_OF_AB, strict=True)
        )
        # White's X and Z are in the matrix, so that grey has X = Y = Z, and only the differences from it count.
        away = [x * of_x + z * of_z for of_x, of_z in (lab.RGB_FROM_XYZ * lab.WHITE)[:, [0, 2]].tolist()]
        y = y_NHW * LIGHT_STEPS
        above = torch.maximum(torch.maximum(away[0], away[1]), away[2])
        below = torch.minimum(torch.minimum(away[0], away[1]), away[2])
        # How many times too far the farthest channel is; half a step more room, so that nothing is divided by 0.
        far = torch.maximum(above / (LIGHT_STEPS + 0.5 - y), below / (-0.5 - y)).clamp(min=1.0)
        return self._encode([y + plane * (1.0 / far) for plane in away])

    def _light(self, f: Tensor) -> Tensor:
        """The inverse of CIE f in steps of light; f itself, or in steps of its table."""
        return tensors.lab_f_inverse(f) * LIGHT_STEPS if self.static else look_up(self.light_of_f, f.long())

    def _encode(self, channels: list[Tensor]) -> Tensor:
        """Three planes in steps of light, at most one beyond 0 and the last, to sRGB bytes [N, H, W, 3]."""
        table = self.to_srgb if self.static else self.to_srgb.to(torch.uint8)
        encoded = [look_up(table, channel.long()) for channel in channels]
        return torch.stack(encoded, dim=1).permute(0, 2, 3, 1).to(torch.uint8)


class FusedColorizer(nn.Module):
    """rgb uint8 [N, H, W, 3], hints uint8 [N, h, w, 4] and vividness float32 [N, 1, 1, 1] (see `Network`) to
    (rgb uint8 [N, H, W, 3], ab float32 [N, 2, g, k]), and where the network has a joint head also the probabilities
    float32 [N, 140, m, n] of the nodes bins.JOINT.
    """

    def __init__(self, network: Network, form: Form = "dynamic") -> None:
        """form: static goes the way that TensorRT can go, too: no shape depends on the hints, resizing is matrix
        products.
        """
        super().__init__()
        self.static = form == "static"
        self.network = network.in_form(form)
        self.paint = Paint(form)

    def hint_chroma(self, hints_Nhw4: Tensor) -> tuple[Tensor, Tensor]:
        """RGBA bytes to ab [N, 2, h, w], 0 where there is no hint, and mask [N, 1, h, w]."""
        if self.static:
            hints_Nhw4 = hints_Nhw4.float()
        rgb, alpha = hints_Nhw4.split([3, 1], dim=-1)
        mask = (alpha.float().squeeze(-1) - 127.0).clamp(0.0, 1.0)
        if self.static:
            ab = self.chroma(rgb) * mask[..., None]
        else:
            # Few cells are hinted.
            some = mask.reshape(-1).nonzero()[:, 0]
            found = self.chroma(rgb.reshape(-1, 3)[some].float())
            ab = mask.new_zeros(mask.numel(), 2).index_copy(0, some, found).view(*mask.shape, 2)
        return ab.permute(0, 3, 1, 2), mask[:, None]

    def chroma(self, rgb: Tensor) -> Tensor:
        """sRGB 0..255 [..., 3] to ab [..., 2]."""
        r, g, b = look_up(self.paint.to_linear, rgb.long()).unbind(-1)
        x, y, z = (
            tensors.lab_f((r * mr + g * mg + b * mb) / white)
            for (mr, mg, mb), white in zip(lab.XYZ_FROM_RGB.tolist(), lab.WHITE.tolist(), strict=True)
        )
        return torch.stack([500.0 * (x - y), 200.0 * (y - z)], dim=-1)

    def shrink(self, plane_NHW: Tensor, like_Nhw4: Tensor) -> Tensor:
        """A plane [N, h, w] of the grid's size, antialiased (a triangle as wide as a cell)."""
        if self.static:
            down = shrink_matrix(indices(like_Nhw4, 1), indices(plane_NHW, 1))
            across = shrink_matrix(indices(like_Nhw4, 2), indices(plane_NHW, 2))
            return down @ plane_NHW @ across.T
        size = like_Nhw4.shape[1:3]
        return F.interpolate(plane_NHW[:, None], size=size, mode="bilinear", antialias=True)[:, 0]

    @property
    def outputs(self) -> list[str]:
        """The names of what it returns."""
        return ["colored", "ab", *(["joint"] if self.network.config.joint else [])]

    def forward(self, rgb_NHW3: Tensor, hints_Nhw4: Tensor, vividness_N111: Tensor | None = None) -> tuple[Tensor, ...]:
        y = self.paint.luminance(rgb_NHW3)
        fy = self.paint.f_of(y)
        lightness = self.shrink(fy, hints_Nhw4) * 116.0 - 16.0
        hint_ab, hint_mask = self.hint_chroma(hints_Nhw4)
        prediction = self.network(lightness[:, None], hint_ab, hint_mask, vividness_N111)
        ab = prediction.ab
        height, width = float_length(indices(fy, 1)), float_length(indices(fy, 2))
        zero = torch.zeros_like(height)
        colored = self.paint.apply_chroma(y, fy, ab, torch.stack([zero, zero, height, width]))
        return (colored, ab) if prediction.joint is None else (colored, ab, prediction.joint.softmax(1))

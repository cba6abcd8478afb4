/* Paints what comes in, for a processor that Python does not run on here. stdin: the tables, the sizes, pixels and ab */
#include <stdio.h>
#include <stdlib.h>

#include "paint.c"

int main(void) {
    static struct tables tables;
    int32_t n[5]; /* rows, columns, channels, down, across */
    if (fread(&tables, sizeof tables, 1, stdin) != 1 || fread(n, sizeof n, 1, stdin) != 1) return 1;
    const size_t pixels = (size_t)n[0] * n[1], cells = (size_t)2 * n[3] * n[4];
    uint8_t *in = malloc(pixels * n[2]), *out = malloc(pixels * 3);
    float *ab = malloc(cells * sizeof *ab), *scratch = malloc(gcolor_paint_scratch(n[1], n[4]) * sizeof *scratch);
    if (fread(in, pixels * n[2], 1, stdin) != 1 || fread(ab, cells * sizeof *ab, 1, stdin) != 1) return 1;
    struct job job = {.in = in, .out = out, .ab = ab, .scratch = scratch, .in_stride = n[1] * n[2],
                      .out_stride = n[1] * 3, .channels = n[2], .out_channels = 3, .rows = n[0], .columns = n[1],
                      .down = n[3], .across = n[4], .height = n[0], .width = n[1]};
    gcolor_paint(&tables, &job, gcolor_paint_form());
    return fwrite(out, pixels * 3, 1, stdout) != 1;
}

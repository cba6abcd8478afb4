/* Painting on the CPU: a gray or color picture, and the ab of the whole at the network's grid, to the colored picture.

   One pass over the rows, each in blocks whose planes stay in a core's first cache: cubic enlarging of ab, CIE f of X and
   Z, light, gamut, sRGB, bytes. models/fused.py defines what comes out. Every number about color is in `struct tables`,
   which tables.py fills from color/lab.py.

   The loops are plain, so that compilers make vector code of them: no intrinsics, no calls, no memory of its own. Relaxed
   floating point (build.py) is what lets them; NaN and infinity must not come in. */
#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))

#define VERSION 1 /* of the two structures; the same is in kernel.py */
#define BLOCK 256 /* pixels */
#define TAPS 4
#define DEGREE 8
#define HALF_STEP (0.5f / 65536.0f) /* room beyond black and white, so that nothing is divided by 0 */

struct tables {
    float f[256];                       /* CIE f of the luminance of a gray byte */
    float red[256], green[256], blue[256]; /* a byte's share of luminance */
    float matrix[6];                    /* red, green, blue of X - Y, Z - Y, relative to white */
    struct numbers {
        float delta, tangent;           /* below delta the inverse of f is a line */
        float epsilon;                  /* delta cubed */
        float knee, slope;              /* below the knee sRGB is a line */
        float encode[DEGREE + 1];       /* above it, light's square root to 0..255, the highest power first */
    } numbers; /* handed on by value: no store into a plane can change them */
};

struct job {
    const uint8_t *in;  /* rows x columns x channels (1 or 3) */
    uint8_t *out;       /* rows x columns x out_channels (3, or 4: the last is 255) */
    const float *ab;    /* 2 x down x across */
    float *scratch;     /* gcolor_paint_scratch floats */
    int64_t in_stride, out_stride; /* bytes from row to row */
    int32_t channels, out_channels, rows, columns, down, across;
    float top, left, height, width; /* of the first pixel in the whole picture, and the whole's size */
};

INLINE float larger(float a, float b) { return a > b ? a : b; }
INLINE float smaller(float a, float b) { return a < b ? a : b; }
INLINE int32_t between(int32_t i, int32_t low, int32_t high) { return i < low ? low : i > high ? high : i; }

/* Keys' cubic convolution kernel, a = -0.5, as models/resample.py has it */
INLINE float cubic(float t) {
    const float a = -0.5f;
    t = t < 0 ? -t : t;
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    if (t < 2) return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
    return 0;
}

/* The first of the four cells around a place, and their weights; cells outside have none, the others sum to 1 */
INLINE int32_t taps(float at, int32_t cells, float weights[TAPS]) {
    const int32_t first = between((int32_t)(at + 1.5f) - 3, -2, cells - 2); /* floor(at - 0.5) - 1, for at >= -1.5 */
    float sum = 0;
    for (int i = 0; i < TAPS; i++) {
        const int32_t cell = first + i;
        weights[i] = cell >= 0 && cell < cells ? cubic(at - ((float)cell + 0.5f)) : 0;
        sum += weights[i];
    }
    for (int i = 0; i < TAPS; i++) weights[i] /= sum;
    return first;
}

INLINE float light(struct numbers n, float f) {
    const float curved = larger(f, n.delta);
    return curved * curved * curved + (f - curved) * n.tangent;
}

/* A cube root: a guess by its bits, then Halley's method twice */
INLINE float cube_root(float v) {
    union { float number; uint32_t bits; } guess = {v};
    guess.bits = guess.bits / 3 + 709921077u;
    float root = guess.number;
    for (int i = 0; i < 2; i++) {
        const float cube = root * root * root;
        root = root * (cube + 2 * v) / (2 * cube + v);
    }
    return root;
}

INLINE float encode(struct numbers n, float c) {
    const float root = __builtin_sqrtf(larger(c, n.knee));
    float sum = n.encode[0];
    for (int i = 1; i <= DEGREE; i++) sum = sum * root + n.encode[i];
    const float line = c * n.slope;
    return c > n.knee ? sum : line;
}

/* A row of cells, enlarged to a row of pixels. padded: room for a row of cells and two more at either end */
INLINE void enlarge(const float *cells, int32_t count, float share, int32_t columns, const int32_t *first,
                    const float *weights, float *padded, float *out) {
    for (int32_t i = -2; i < count + 2; i++) {
        const float c = cells[between(i, 0, count - 1)];
        padded[i + 2] = larger(smaller(c, 128.0f), -128.0f) * share; /* before cubic enlarging, which goes beyond */
    }
    for (int32_t x = 0; x < columns; x++) {
        const float *p = padded + 2 + first[x], *w = weights + (size_t)TAPS * x;
        out[x] = p[0] * w[0] + p[1] * w[1] + p[2] * w[2] + p[3] * w[3];
    }
}

/* Luminance and CIE f of n pixels */
INLINE void lightness(const struct tables *t, const uint8_t *restrict in, int32_t channels, int32_t n,
                      float *restrict y, float *restrict f) {
    const struct numbers v = t->numbers;
    unsigned differ = 0;
    if (channels == 3)
        for (int32_t x = 0; x < n; x++) differ |= (in[3 * x] ^ in[3 * x + 1]) | (in[3 * x] ^ in[3 * x + 2]);
    if (!differ) {
        if (channels == 3)
            for (int32_t x = 0; x < n; x++) f[x] = t->f[in[3 * x]];
        else
            for (int32_t x = 0; x < n; x++) f[x] = t->f[in[x]];
        for (int32_t x = 0; x < n; x++) y[x] = light(v, f[x]);
        return;
    }
    for (int32_t x = 0; x < n; x++) y[x] = t->red[in[3 * x]] + t->green[in[3 * x + 1]] + t->blue[in[3 * x + 2]];
    for (int32_t x = 0; x < n; x++) {
        const float curved = larger(y[x], v.epsilon);
        f[x] = cube_root(curved) + (y[x] - curved) / v.tangent;
    }
}

/* n pixels of luminance y and its f, with four rows each of a's and b's shares of f, to sRGB 0..255, not rounded */
INLINE void color(const struct tables *t, int32_t n, const float *const a[TAPS], const float *const b[TAPS],
                  const float w[TAPS], const float *restrict y, const float *restrict f, float *restrict red,
                  float *restrict green, float *restrict blue) {
    const float *restrict a0 = a[0], *restrict a1 = a[1], *restrict a2 = a[2], *restrict a3 = a[3];
    const float *restrict b0 = b[0], *restrict b1 = b[1], *restrict b2 = b[2], *restrict b3 = b[3];
    const struct numbers v = t->numbers;
    const float xr = t->matrix[0], zr = t->matrix[1], xg = t->matrix[2], zg = t->matrix[3], xb = t->matrix[4], zb = t->matrix[5];
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    float outside = 0;
    for (int32_t i = 0; i < n; i++) {
        const float fa = w0 * a0[i] + w1 * a1[i] + w2 * a2[i] + w3 * a3[i];
        const float fb = w0 * b0[i] + w1 * b1[i] + w2 * b2[i] + w3 * b3[i];
        const float x = light(v, f[i] + fa) - y[i], z = light(v, f[i] + fb) - y[i];
        const float r = xr * x + zr * z, g = xg * x + zg * z, l = xb * x + zb * z;
        red[i] = r, green[i] = g, blue[i] = l;
        const float above = larger(larger(r, g), l) + y[i] - 1, below = -smaller(smaller(r, g), l) - y[i];
        outside = larger(outside, larger(above, below));
    }
    if (outside > 0) /* toward the gray of the same luminance */
        for (int32_t i = 0; i < n; i++) {
            const float above = larger(larger(red[i], green[i]), blue[i]);
            const float below = smaller(smaller(red[i], green[i]), blue[i]);
            const float far = larger(above / (1 + HALF_STEP - y[i]), below / (-HALF_STEP - y[i]));
            const float keep = 1 / larger(far, 1);
            red[i] *= keep, green[i] *= keep, blue[i] *= keep;
        }
    for (int32_t i = 0; i < n; i++) red[i] = encode(v, red[i] + y[i]);
    for (int32_t i = 0; i < n; i++) green[i] = encode(v, green[i] + y[i]);
    for (int32_t i = 0; i < n; i++) blue[i] = encode(v, blue[i] + y[i]);
}

INLINE uint8_t byte(float v) { return (uint8_t)(int32_t)(v + 0.5f); }

INLINE void store(uint8_t *restrict out, int32_t channels, int32_t n, const float *red, const float *green,
                  const float *blue) {
    if (channels == 4)
        for (int32_t x = 0; x < n; x++) { /* four bytes at once: GCC makes poor vector code of single ones */
            const uint32_t low = byte(red[x]) | (uint32_t)byte(green[x]) << 8; /* little-endian, as all PLATFORMS are */
            const uint32_t all = low | (uint32_t)byte(blue[x]) << 16 | 255u << 24;
            __builtin_memcpy(out + (size_t)4 * x, &all, sizeof all);
        }
    else
        for (int32_t x = 0; x < n; x++)
            out[3 * x] = byte(red[x]), out[3 * x + 1] = byte(green[x]), out[3 * x + 2] = byte(blue[x]);
}

INLINE void paint(const struct tables *t, const struct job *job) {
    const int32_t columns = job->columns, across = job->across, down = job->down;
    float *weights = job->scratch, *rows = weights + (size_t)TAPS * columns;
    int32_t *first = (int32_t *)(rows + (size_t)2 * TAPS * columns);
    float *padded = (float *)(first + columns);
    for (int32_t x = 0; x < columns; x++)
        first[x] = taps(((float)x + job->left + 0.5f) * ((float)across / job->width), across,
                        weights + (size_t)TAPS * x);
    int32_t held[TAPS] = {-1, -1, -1, -1}; /* the rows of cells that are enlarged already: row j in j % TAPS */
    float *y = padded + across + TAPS, *f = y + BLOCK; /* not on the stack, where Windows would want help with them */
    float *red = f + BLOCK, *green = red + BLOCK, *blue = green + BLOCK;
    for (int32_t row = 0; row < job->rows; row++) {
        float w[TAPS];
        const float *a[TAPS], *b[TAPS];
        const int32_t begin = taps(((float)row + job->top + 0.5f) * ((float)down / job->height), down, w);
        for (int i = 0; i < TAPS; i++) {
            const int32_t j = between(begin + i, 0, down - 1), slot = j % TAPS;
            float *of_a = rows + (size_t)slot * columns, *of_b = of_a + (size_t)TAPS * columns;
            if (held[slot] != j) {
                const float *cells = job->ab + (size_t)j * across;
                enlarge(cells, across, 1.0f / 500.0f, columns, first, weights, padded, of_a);
                enlarge(cells + (size_t)down * across, across, -1.0f / 200.0f, columns, first, weights, padded, of_b);
                held[slot] = j;
            }
            a[i] = of_a, b[i] = of_b;
        }
        const uint8_t *in = job->in + row * job->in_stride;
        uint8_t *out = job->out + row * job->out_stride;
        for (int32_t x = 0; x < columns; x += BLOCK) {
            const int32_t n = columns - x < BLOCK ? columns - x : BLOCK;
            const float *pa[TAPS] = {a[0] + x, a[1] + x, a[2] + x, a[3] + x};
            const float *pb[TAPS] = {b[0] + x, b[1] + x, b[2] + x, b[3] + x};
            lightness(t, in + (size_t)x * job->channels, job->channels, n, y, f);
            color(t, n, pa, pb, w, y, f, red, green, blue);
            store(out + (size_t)x * job->out_channels, job->out_channels, n, red, green, blue);
        }
    }
}

static void paint_baseline(const struct tables *t, const struct job *job) { paint(t, job); }

/* The same, compiled for more than the least that a processor of its kind has */
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void paint_avx2(const struct tables *t, const struct job *job) {
    paint(t, job);
}

static int has_avx2(void) {
    unsigned eax, ebx, ecx, edx;
    const unsigned fma = 1u << 12, saves_more = 1u << 27, avx2 = 1u << 5; /* saves_more: the system, when it switches */
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || ~ecx & (fma | saves_more)) return 0;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return (eax & 6) == 6 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & avx2) != 0;
}
#else
static void paint_avx2(const struct tables *t, const struct job *job) { paint(t, job); }
static int has_avx2(void) { return 0; }
#endif

EXPORT int32_t gcolor_paint_version(void) { return VERSION; }

/* The best form for this processor: 1 AVX2, 0 what every one of its kind can run */
EXPORT int32_t gcolor_paint_form(void) { return has_avx2(); }

/* How many floats of scratch memory a job wants */
EXPORT int64_t gcolor_paint_scratch(int32_t columns, int32_t across) {
    return (int64_t)(TAPS + 2 * TAPS + 1) * columns + across + TAPS + 5 * BLOCK;
}

EXPORT void gcolor_paint(const struct tables *t, const struct job *job, int32_t form) {
    form ? paint_avx2(t, job) : paint_baseline(t, job);
}

/*
 * Products of weights in blocks with int8 activations. A block of 32 is multiplied exactly in int32; then
 *     y += (products * scale of the weights [- sum of activations * offset of the weights]) * scale of the activations
 * in float32, block after block. Weights are decoded once for up to eight columns.
 */
#include "product.h"
#include "weights.h"

static float as_float(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int32_t as_bits(float x) {
    return int_at(&x);
}

/* Returns the bits of the largest |x|. They are ordered as the numbers are, and NaN is above them all. */
static int32_t largest(const float x[BLOCK]) {
    int32_t max = 0;
    for (int i = 0; i < BLOCK; i++) {
        int32_t bits = int_at(x + i) & INT32_MAX;
        max = bits > max ? bits : max;
    }
    return max;
}

#define HALF (BLOCK / 2)

/*
 * Rounds x * factor to the nearest integer, ties to even, and returns the sum of these: the sum with 1.5 * 2^23 has no
 * room for a fraction.
 */
static int32_t quantise(const float x[HALF], float factor, int8_t q[HALF]) {
    const float whole = 0x1.8p23f;
    int32_t sum = 0;
    for (int i = 0; i < HALF; i++) {
        float rounded = __builtin_fmaf(x[i], factor, whole);
        int32_t value = int_at(&rounded) - as_bits(whole);
        q[i] = (int8_t)value;
        sum += (int8_t)value;
    }
    return sum;
}

/* A smaller block is zero: the reciprocal of its scale would overflow. */
#define SMALLEST 1e-35f

void LEVEL(pack_blocks)(int type, const float *x, int cols, int n, int column, int8_t *bytes, float *scales,
                        int32_t *sums) {
    const int blocks = cols / BLOCK;
    for (int b = 0; b < blocks; b++) {
        long at = block_at(n, blocks, column, b);
        float max = as_float(largest(x + b * BLOCK));
        const float factor = max < SMALLEST ? 0 : 127 / max;
        int32_t halves[2];
        for (int half = 0; half < 2; half++) {
            halves[half] = quantise(x + b * BLOCK + half * HALF, factor, bytes + at * BLOCK + half * HALF);
        }
        scales[at] = max / 127;
        if (has_offsets(type)) {
            sums[2 * at] = as_bits((float)-(halves[0] + halves[1]));
        } else if (has_halves(type)) {
            sums[2 * at] = -bias_of(type) * halves[0];
            sums[2 * at + 1] = -bias_of(type) * halves[1];
        } else {
            sums[2 * at] = -bias_of(type) * (halves[0] + halves[1]);
        }
    }
}

/* Returns the products of a block with one column's, times the scales of the weights. */
INLINE vfloat scaled_products(int type, const struct weights *w, const int8_t *x, const int32_t *sums) {
    const int bits = bits_of(type);
    const int count = has_halves(type) ? VECTORS / 2 : VECTORS;
    vint lower = dot(all_ints(bias_of(type) ? sums[0] : 0), w->values, count, bits, x), upper = {0};
    if (has_halves(type)) {
        upper = dot(all_ints(sums[1]), w->values + count, count, bits, x + BLOCK / 2);
    }
    return scale(type, w, lower, upper, sums[0]);
}

/* Multiplies a tile by the first `width` columns of a group of `stride`. Fresh weights are not in a cache yet. */
INLINE void multiply_group(int type, int width, int stride, int fresh, const uint8_t *w, int blocks, const int8_t *x,
                           const float *scales, const int32_t *sums, float *y) {
    const int together = blocks_together(type);
    vfloat results[PARTS][COLUMNS] = {0};
    for (int block = 0; block < blocks; block += together, w += block_bytes(type)) {
        for (int b = 0; b < together; b++, x += stride * BLOCK, scales += stride, sums += 2 * stride) {
            if (fresh) {
                fetch_ahead(type, w, b);
            }
            UNROLL
            for (int part = 0; part < PARTS; part++) {
                struct weights weights;
                decode(type, w, b, part, &weights);
                UNROLL
                for (int j = 0; j < width; j++) {
                    vfloat products = scaled_products(type, &weights, x + j * BLOCK, sums + 2 * j);
                    results[part][j] = multiply_add(products, all_floats(scales[j]), results[part][j]);
                }
            }
        }
    }
    UNROLL
    for (int j = 0; j < width; j++) {
        UNROLL
        for (int part = 0; part < PARTS; part++) {
            store_floats(y + j * ROWS + part * LANES, results[part][j]);
        }
    }
}

/*
 * Multiplies two tiles, the second of them `apart` bytes after the first, by one column: memory serves two ascending
 * streams of a core faster than one.
 */
INLINE void multiply_two(int type, int stride, const uint8_t *w, long apart, int blocks, const int8_t *x,
                         const float *scales, const int32_t *sums, float *y, float *second_y) {
    const int together = blocks_together(type);
    vfloat results[2][PARTS] = {0};
    for (int block = 0; block < blocks; block += together, w += block_bytes(type)) {
        for (int b = 0; b < together; b++, x += stride * BLOCK, scales += stride, sums += 2 * stride) {
            UNROLL
            for (int i = 0; i < 2; i++) {
                fetch_ahead(type, w + i * apart, b);
                UNROLL
                for (int part = 0; part < PARTS; part++) {
                    struct weights weights;
                    decode(type, w + i * apart, b, part, &weights);
                    vfloat products = scaled_products(type, &weights, x, sums);
                    results[i][part] = multiply_add(products, all_floats(*scales), results[i][part]);
                }
            }
        }
    }
    UNROLL
    for (int part = 0; part < PARTS; part++) {
        store_floats(y + part * LANES, results[0][part]);
        store_floats(second_y + part * LANES, results[1][part]);
    }
}

INLINE void multiply(int type, const struct product *p) {
    const int blocks = p->cols / BLOCK;
    const long tile_bytes = (long)blocks / blocks_together(type) * block_bytes(type);
    const int pairs = p->last - p->first == 1 ? p->tiles / 2 : 0;
    for (int i = 0; i < pairs; i++) {
        const long at = block_at(p->n, blocks, p->first, 0);
        multiply_two(type, group_width(p->n, p->first), p->w + i * tile_bytes, pairs * tile_bytes, blocks,
                     p->bytes + at * BLOCK, p->scales + at, p->sums + 2 * at, p->y + i * ROWS,
                     p->y + (pairs + i) * ROWS);
    }
    float *y = p->y + 2 * pairs * ROWS;
    for (int tile = 2 * pairs; tile < p->tiles; tile++) {
        const uint8_t *w = p->w + tile * tile_bytes;
        for (int column = p->first; column < p->last; column += COLUMNS) {
            const int stride = group_width(p->n, column), width = columns_together(p->last, column);
            const int fresh = column == p->first;
            const long at = block_at(p->n, blocks, column, 0);
            const int8_t *x = p->bytes + at * BLOCK;
            const float *scales = p->scales + at;
            const int32_t *sums = p->sums + 2 * at;
            switch (width) {
#define WIDTH(number)                                                               \
    case number:                                                                    \
        multiply_group(type, number, stride, fresh, w, blocks, x, scales, sums, y); \
        break;
                WIDTH(1)
                WIDTH(2)
                WIDTH(3)
                WIDTH(4)
                WIDTH(5)
                WIDTH(6)
                WIDTH(7)
                WIDTH(8)
#undef WIDTH
            }
            y += width * ROWS;
        }
    }
}

#define MULTIPLY(type)     \
    case type:             \
        multiply(type, p); \
        break;

void LEVEL(multiply_blocks)(int type, const struct product *p) {
#ifdef __AMX_INT8__
    if (LEVEL(multiply_amx)(type, p)) {
        return;
    }
#endif
    switch (type) {
        MULTIPLY(Q8_0)
        MULTIPLY(Q4_0)
        MULTIPLY(MXFP4)
        MULTIPLY(Q4_K)
        MULTIPLY(Q5_K)
        MULTIPLY(Q6_K)
    }
}

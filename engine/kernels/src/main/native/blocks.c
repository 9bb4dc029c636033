/*
 * Products of weights in blocks with int8 activations. A block of 32 is multiplied exactly in int32; then
 *     y += (products * scale of the weights [- sum of activations * offset of the weights]) * scale of the activations
 * in float32, block after block. Weights are decoded once for up to eight columns. Activations of several digits have
 * a product for each, which are added in float32 first.
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

#define HALF (BLOCK / 2)
#define HALF_VECTORS (HALF / LANES)

/* Returns the bits of the largest |x|. They are ordered as the numbers are, and NaN is above them all. */
INLINE int32_t largest(const vfloat x[2 * HALF_VECTORS]) {
    vint max = (vint)x[0] & INT32_MAX;
    UNROLL
    for (int i = 1; i < 2 * HALF_VECTORS; i++) {
        max = larger_ints(max, (vint)x[i] & INT32_MAX);
    }
    return largest_of_ints(max);
}

/* As many numbers of eight bits as a vector has lanes. */
typedef int8_t narrow __attribute__((vector_size(LANES)));

/*
 * Rounds x * factor to the nearest integer, ties to even, leaves the rest in x, and returns the sum of the integers:
 * the sum with 1.5 * 2^23 has no room for a fraction.
 */
INLINE int32_t quantise(vfloat x[HALF_VECTORS], float factor, int8_t q[HALF]) {
    const vfloat whole = all_floats(0x1.8p23f), factors = all_floats(factor);
    vint sum = all_ints(0);
    UNROLL
    for (int i = 0; i < HALF_VECTORS; i++) {
        vfloat rounded = multiply_add(x[i], factors, whole);
        x[i] = multiply_add(x[i], factors, whole - rounded);
        vint integers = (vint)rounded - (vint)whole;
        sum += integers << 24 >> 24; /* of what is written, where x is not finite */
        narrow bytes = __builtin_convertvector(integers, narrow);
        memcpy(q + i * LANES, &bytes, sizeof bytes);
    }
    return sum_of_ints(sum);
}

/* Writes what is known of the integers of both halves of a block. */
static void store_sums(int type, int32_t lower, int32_t upper, int32_t sums[2]) {
    const int halves = has_halves(type), of[2] = {halves ? lower : lower + upper, upper};
    for (int i = 0; i <= halves; i++) {
        sums[i] = has_offsets(type) ? as_bits((float)-of[i]) : -bias_of(type) * of[i];
    }
}

/* A smaller block is zero: the reciprocal of its scale would overflow. */
#define SMALLEST 1e-35f

INLINE void pack(int type, int digits, const float *x, int cols, int n, int column, int8_t *bytes, float *scales,
                 int32_t *sums) {
    const int blocks = cols / BLOCK;
    for (int b = 0; b < blocks; b++) {
        const long at = block_at(GROUP, n, blocks, column, b);
        vfloat rest[2 * HALF_VECTORS];
        UNROLL
        for (int i = 0; i < 2 * HALF_VECTORS; i++) {
            rest[i] = load_floats(x + b * BLOCK + i * LANES);
        }
        float max = as_float(largest(rest));
        float factor = max < SMALLEST ? 0 : 127 / max;
        scales[at] = max / 127;
        UNROLL
        for (int digit = 0; digit < digits; digit++, factor = BASE) {
            const long to = at * digits + digit;
            int32_t lower = quantise(rest, factor, bytes + to * BLOCK);
            int32_t upper = quantise(rest + HALF_VECTORS, factor, bytes + to * BLOCK + HALF);
            store_sums(type, lower, upper, sums + 2 * to);
        }
    }
}

void LEVEL(pack_blocks)(int type, const float *x, int cols, int n, int column, int8_t *bytes, float *scales,
                        int32_t *sums) {
    if (digits_of(type) == 1) {
        pack(type, 1, x, cols, n, column, bytes, scales, sums);
    } else {
        pack(type, digits_of(type), x, cols, n, column, bytes, scales, sums);
    }
}

/* Returns the products of a block with one column's, times the scales of the weights. */
INLINE vfloat scaled_products(int type, const struct weights *w, const int8_t *x, const int32_t *sums) {
    const int halves = has_halves(type), count = halves ? VECTORS / 2 : VECTORS;
    vint products[MOST_PRODUCTS];
    UNROLL
    for (int i = 0; i < products_of(type); i++) {
        const int32_t sum = bias_of(type) ? sums[halves ? i : 2 * i] : 0;
        const vbyte *values = w->values + (halves ? i * count : 0);
        products[i] = dot(all_ints(sum), values, count, bits_of(type), x + 4 * count * i);
    }
    return scale(type, w, products, sums);
}

/*
 * Multiplies a part of a tile by the first `width` columns of a group of `stride`; the results of column j go to
 * y + at[j]. Fresh weights are not in a cache yet.
 */
INLINE void multiply_group(int type, int width, int stride, int fresh, const uint8_t *w, int part, int blocks,
                           const int8_t *x, const float *scales, const int32_t *sums, float *y, const int32_t *at) {
    const int together = blocks_together(type), digits = digits_of(type);
    vfloat results[COLUMNS] = {0};
    for (int block = 0; block < blocks; block += together, w += block_bytes(type)) {
        for (int b = 0; b < together;
             b++, x += stride * digits * BLOCK, scales += stride, sums += 2 * stride * digits) {
            if (fresh) {
                fetch_ahead(type, 1, w, 0, b);
            }
            struct weights weights;
            decode(type, w, b, part, &weights);
            UNROLL
            for (int j = 0; j < width; j++) {
                const int first = j * digits;
                vfloat products = scaled_products(type, &weights, x + first * BLOCK, sums + 2 * first);
                results[j] = multiply_add(products, all_floats(scales[j]), results[j]);
            }
        }
    }
    UNROLL
    for (int j = 0; j < width; j++) {
        store_floats(y + at[j] + part * LANES, results[j]);
    }
}

/* Multiplies `count` tiles, each `apart` bytes after the one before, by one column, to y[count][y_apart]. */
INLINE void multiply_streams(int type, int count, int stride, const uint8_t *w, long apart, int blocks, const int8_t *x,
                             const float *scales, const int32_t *sums, float *y, int y_apart) {
    const int together = blocks_together(type), digits = digits_of(type);
    vfloat results[MOST_STREAMS][PARTS] = {0};
    for (int block = 0; block < blocks; block += together, w += block_bytes(type)) {
        for (int b = 0; b < together;
             b++, x += stride * digits * BLOCK, scales += stride, sums += 2 * stride * digits) {
            fetch_ahead(type, count, w, apart, b);
            UNROLL
            for (int i = 0; i < count; i++) {
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
    for (int i = 0; i < count; i++) {
        UNROLL
        for (int part = 0; part < PARTS; part++) {
            store_floats(y + i * y_apart + part * LANES, results[i][part]);
        }
    }
}

/*
 * Multiplies the tiles from `first` on by the only column, all but the last few of them in `count` streams, and returns
 * the first that is left.
 */
INLINE int multiply_column(int type, int count, const struct product *p, int first) {
    const int blocks = p->cols / BLOCK, digits = digits_of(type), length = (p->tiles - first) / count;
    const long tile_bytes = (long)blocks / blocks_together(type) * block_bytes(type);
    const long at = block_at(GROUP, p->n, blocks, p->first, 0);
    fetch_first(count, p->w + first * tile_bytes, length * tile_bytes);
    for (int tile = first; tile < first + length; tile++) {
        multiply_streams(type, count, group_width(GROUP, p->n, p->first), p->w + tile * tile_bytes, length * tile_bytes,
                         blocks, p->bytes + at * digits * BLOCK, p->scales + at, p->sums + 2 * at * digits,
                         p->y + p->at[p->first] + tile * ROWS, length * ROWS);
    }
    return first + length * count;
}

INLINE void multiply(int type, const struct product *p) {
    const int blocks = p->cols / BLOCK, digits = digits_of(type);
    const long tile_bytes = (long)blocks / blocks_together(type) * block_bytes(type);
    int first = 0;
    if (p->last - p->first == 1 && digits > 1) {
        first = multiply_column(type, 1, p, first); /* which keeps the registers of more streams busy alone */
    } else if (p->last - p->first == 1) {
        if (MOST_STREAMS > 2 && p->streams > 2) {
            first = multiply_column(type, MOST_STREAMS, p, first);
        }
        first = multiply_column(type, 2, p, first);
    }
    for (int tile = first; tile < p->tiles; tile++) {
        const uint8_t *w = p->w + tile * tile_bytes;
        float *y = p->y + tile * ROWS;
        for (int column = p->first; column < p->last; column += COLUMNS) {
            const int stride = group_width(GROUP, p->n, column), width = columns_together(p->last, column);
            const long at = block_at(GROUP, p->n, blocks, column, 0);
            const int8_t *x = p->bytes + at * digits * BLOCK;
            const float *scales = p->scales + at;
            const int32_t *sums = p->sums + 2 * at * digits;
            const int32_t *to = p->at + column;
            for (int part = 0; part < PARTS; part++) {
                const int fresh = column == p->first && part == 0;
                switch (width) {
#define WIDTH(number)                                                                         \
    case number:                                                                              \
        multiply_group(type, number, stride, fresh, w, part, blocks, x, scales, sums, y, to); \
        break;
                    WIDTHS(WIDTH)
#undef WIDTH
                }
            }
        }
    }
}

BLOCK_TYPES(FUNCTION)

void LEVEL(multiply_blocks)(int type, const struct product *p) {
    switch (type) {
        BLOCK_TYPES(MULTIPLY)
    }
}

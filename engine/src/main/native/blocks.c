/*
 * Products of weights in blocks with int8 activations. A block of 32 is multiplied exactly in int32; then
 *     y += (products * scale of the weights [- sum of activations * offset of the weights]) * scale of the activations
 * in float32, block after block. Weights are decoded once for up to eight columns.
 */
#include "product.h"
#include "vectors.h"

#define BLOCK 32
#define SUPER_BLOCK 256
#define VECTORS (BLOCK / 4)

/* Returns how far the unsigned weights lie above the true ones. */
INLINE int bias_of(int type) {
    switch (type) {
        case Q8_0:
            return SIGNED_OFFSET;
        case Q4_0:
            return 8;
        case MXFP4:
            return 12;
        case Q6_K:
            return 32;
        default:
            return 0;
    }
}

INLINE int bits_of(int type) {
    switch (type) {
        case Q8_0:
            return 8;
        case Q5_K:
        case MXFP4:
            return 5;
        case Q6_K:
            return 6;
        default:
            return 4;
    }
}

INLINE int has_offsets(int type) {
    return type == Q4_K || type == Q5_K;
}

INLINE int is_super(int type) {
    return has_offsets(type) || type == Q6_K;
}

/* Returns how many blocks share an element of the layout. */
INLINE int blocks_together(int type) {
    return is_super(type) ? SUPER_BLOCK / BLOCK : 1;
}

/* Returns the size of that element. */
INLINE int block_bytes(int type) {
    switch (type) {
        case Q8_0:
            return 544;
        case Q4_0:
            return 288;
        case MXFP4:
            return 272;
        case Q4_K:
            return 2368;
        case Q5_K:
            return 2880;
        default:
            return 3360;
    }
}

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

/* Rounds x * factor to the nearest integer, ties to even: the sum with 1.5 * 2^23 has no room for a fraction. */
static int32_t quantise(const float x[BLOCK], float factor, int8_t q[BLOCK]) {
    const float whole = 0x1.8p23f;
    int32_t sum = 0;
    for (int i = 0; i < BLOCK; i++) {
        float rounded = x[i] * factor + whole;
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
    const int first = column / GROUP * GROUP, width = group_width(n, first), blocks = cols / BLOCK;
    for (int b = 0; b < blocks; b++) {
        long at = (long)first * blocks + (long)b * width + (column - first);
        float max = as_float(largest(x + b * BLOCK));
        int8_t *q = bytes + at * BLOCK;
        quantise(x + b * BLOCK, max < SMALLEST ? 0 : 127 / max, q);
        int32_t halves[2] = {0, 0};
        for (int i = 0; i < BLOCK; i++) {
            halves[i / (BLOCK / 2)] += q[i];
        }
        scales[at] = max / 127;
        if (has_offsets(type)) {
            sums[2 * at] = as_bits((float)-(halves[0] + halves[1]));
        } else if (type == Q6_K) {
            sums[2 * at] = -bias_of(type) * halves[0];
            sums[2 * at + 1] = -bias_of(type) * halves[1];
        } else {
            sums[2 * at] = -bias_of(type) * (halves[0] + halves[1]);
        }
    }
}

/* 32 weights of LANES rows. */
struct weights {
    vbyte values[VECTORS];
    /* Of all of them, or of both halves. */
    vfloat scales[2];
    vfloat offsets;
};

/* Returns element i of an array [..][16][4]. */
INLINE vbyte element(const uint8_t *array, int i, int part) {
    return load_bytes(array + 4 * ROWS * i + 4 * LANES * part);
}

INLINE void decode_halves_of_bytes(const uint8_t *array, int upper, int part, vbyte *values) {
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        vbyte pairs = element(array, i, part);
        values[i] = (upper ? shift_bytes(pairs, 4) : pairs) & 15;
    }
}

/* The first and the second sixteen are the lower and the upper halves of the same bytes. */
INLINE void decode_q4(const uint8_t *array, int part, vbyte *values) {
    UNROLL
    for (int i = 0; i < VECTORS / 2; i++) {
        vbyte pairs = element(array, i, part);
        values[i] = pairs & 15;
        values[i + VECTORS / 2] = shift_bytes(pairs, 4) & 15;
    }
}

INLINE void decode_q8_0(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + 2 * LANES * part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = element(w + 2 * ROWS, i, part) ^ SIGNED_OFFSET;
    }
}

INLINE void decode_q4_0(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + 2 * LANES * part);
    decode_q4(w + 2 * ROWS, part, to->values);
}

/* Values are doubled, and so integers; the scale 2^(e - 127) is halved. An exponent of zero is subnormal. */
INLINE void decode_mxfp4(const uint8_t *w, int part, struct weights *to) {
    static const uint8_t table[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    vint exponents = bytes_at(w + LANES * part);
    vint subnormal = (exponents == 0) & 0x00400000;
    to->scales[0] = (vfloat)(exponents << 23 | subnormal) * 0.5f;
    decode_q4(w + ROWS, part, to->values);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = look_up(table, to->values[i]);
    }
}

/* Block `b` of the eight of a superblock of Q4_K or Q5_K. */
INLINE void decode_q4_k(int type, const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + 4 * ROWS, *mins = scales + 8 * ROWS, *qs = mins + 8 * ROWS;
    vint pairs = shorts_at(mins + b / 2 * 2 * ROWS + 2 * LANES * part);
    to->scales[0] = halves_at(w + 2 * LANES * part) * to_floats(bytes_at(scales + b * ROWS + LANES * part));
    to->offsets = halves_at(w + 2 * ROWS + 2 * LANES * part) * to_floats(pairs >> 8 * (b % 2) & 255);
    decode_halves_of_bytes(qs + b / 2 * 32 * ROWS, b % 2, part, to->values);
    if (type == Q5_K) {
        UNROLL
        for (int i = 0; i < VECTORS; i++) {
            vbyte fifth = shift_bytes(element(qs + 128 * ROWS, i, part), b) & 1;
            to->values[i] |= fifth << 4;
        }
    }
}

/* Half a superblock holds four blocks: lower four bits in two arrays of pairs, upper two bits in one of fours. */
INLINE void decode_q6_k(const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + 2 * ROWS, *ql = scales + 16 * ROWS + b / 4 * 96 * ROWS, *qh = ql + 64 * ROWS;
    vfloat d = halves_at(w + 2 * LANES * part);
    to->scales[0] = d * to_floats(signed_bytes_at(scales + 2 * b * ROWS + LANES * part));
    to->scales[1] = d * to_floats(signed_bytes_at(scales + (2 * b + 1) * ROWS + LANES * part));
    decode_halves_of_bytes(ql + b % 2 * 32 * ROWS, b % 4 / 2, part, to->values);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        vbyte upper = shift_bytes(element(qh, i, part), 2 * (b % 4)) & 3;
        to->values[i] |= upper << 4;
    }
}

INLINE void decode(int type, const uint8_t *w, int b, int part, struct weights *to) {
    switch (type) {
        case Q8_0:
            decode_q8_0(w, part, to);
            break;
        case Q4_0:
            decode_q4_0(w, part, to);
            break;
        case MXFP4:
            decode_mxfp4(w, part, to);
            break;
        case Q6_K:
            decode_q6_k(w, b, part, to);
            break;
        default:
            decode_q4_k(type, w, b, part, to);
    }
}

/* Returns the products of a block with one column's, times the scales of the weights. */
INLINE vfloat scaled_products(int type, const struct weights *w, const int8_t *x, const int32_t *sums) {
    const int bits = bits_of(type);
    if (type == Q6_K) {
        vint lower = dot(all_ints(sums[0]), w->values, VECTORS / 2, bits, x);
        vint upper = dot(all_ints(sums[1]), w->values + VECTORS / 2, VECTORS / 2, bits, x + BLOCK / 2);
        return multiply_add(to_floats(upper), w->scales[1], to_floats(lower) * w->scales[0]);
    }
    if (has_offsets(type)) {
        vint products = dot(all_ints(0), w->values, VECTORS, bits, x);
        return multiply_add((vfloat)all_ints(sums[0]), w->offsets, to_floats(products) * w->scales[0]);
    }
    return to_floats(dot(all_ints(bias_of(type) ? sums[0] : 0), w->values, VECTORS, bits, x)) * w->scales[0];
}

/* Fetches block `b` of those so far ahead that they arrive in time, and are in the first cache for not much longer. */
INLINE void fetch_ahead(int type, const uint8_t *w, int b) {
    const int ahead = is_super(type) ? 1536 : 1024, bytes = block_bytes(type) / blocks_together(type);
    UNROLL
    for (int i = 0; i < bytes; i += 64) {
        __builtin_prefetch(w + ahead + b * bytes + i);
    }
}

/* Multiplies a tile by the first `width` columns of a group of `stride`. Fresh weights are not in a cache yet. */
INLINE void multiply_group(int type, int width, int stride, int fresh, const uint8_t *w, int blocks, const int8_t *x,
                           const float *scales, const int32_t *sums, float *y) {
    const int together = blocks_together(type);
    vfloat results[PARTS][GROUP] = {0};
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

INLINE void multiply(int type, const struct product *p) {
    const int blocks = p->cols / BLOCK;
    const long tile_bytes = (long)blocks / blocks_together(type) * block_bytes(type);
    float *y = p->y;
    for (int tile = 0; tile < p->tiles; tile++) {
        const uint8_t *w = p->w + tile * tile_bytes;
        for (int column = p->first; column < p->last; column += GROUP) {
            const int stride = group_width(p->n, column), width = group_width(p->last, column);
            const int fresh = column == p->first;
            const int8_t *x = p->bytes + (long)column * p->cols;
            const float *scales = p->scales + (long)column * blocks;
            const int32_t *sums = p->sums + 2L * column * blocks;
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
    switch (type) {
        MULTIPLY(Q8_0)
        MULTIPLY(Q4_0)
        MULTIPLY(MXFP4)
        MULTIPLY(Q4_K)
        MULTIPLY(Q5_K)
        MULTIPLY(Q6_K)
    }
}

/*
 * Weights in blocks of 32: their layout, how they are decoded, and what is done with the integers that come of them.
 */
#ifndef MOETIER_WEIGHTS_H
#define MOETIER_WEIGHTS_H

#include "kernels.h"
#include "points.h"

/* All types of weights in blocks. */
#define BLOCK_TYPES(EACH) \
    EACH(Q8_0)            \
    EACH(Q4_0)            \
    EACH(Q4_1)            \
    EACH(Q5_0)            \
    EACH(Q5_1)            \
    EACH(Q2_K)            \
    EACH(Q3_K)            \
    EACH(Q4_K)            \
    EACH(Q5_K)            \
    EACH(Q6_K)            \
    EACH(IQ4_NL)          \
    EACH(IQ4_XS)          \
    EACH(MXFP4)           \
    EACH(NVFP4)           \
    EACH(Q1_0)            \
    EACH(Q2_0)            \
    EACH(TQ1_0)           \
    EACH(TQ2_0)           \
    EACH(IQ1_S)           \
    EACH(IQ1_M)           \
    EACH(IQ2_XXS)         \
    EACH(IQ2_XS)          \
    EACH(IQ2_S)           \
    EACH(IQ3_XXS)         \
    EACH(IQ3_S)

/* Returns how far the unsigned weights lie above the true ones. */
INLINE int bias_of(int type) {
    switch (type) {
        case Q8_0:
            return SIGNED_OFFSET;
        case Q3_K:
            return 4;
        case Q4_0:
            return 8;
        case IQ4_NL:
        case IQ4_XS:
            return SIGNED_OFFSET;
        case Q5_0:
            return 16;
        case MXFP4:
        case NVFP4:
            return 12;
        case Q6_K:
            return 32;
        case Q1_0:
        case Q2_0:
        case TQ1_0:
        case TQ2_0:
            return 1;
        case IQ1_S:
        case IQ1_M:
            return 9;
        case IQ2_XXS:
        case IQ2_XS:
        case IQ2_S:
            return LARGEST_IQ2;
        case IQ3_XXS:
            return LARGEST_IQ3_XXS;
        case IQ3_S:
            return LARGEST_IQ3_S;
        default:
            return 0;
    }
}

INLINE int bits_of(int type) {
    switch (type) {
        case Q8_0:
        case IQ4_NL:
        case IQ4_XS:
            return 8;
        case Q5_0:
        case Q5_1:
        case Q5_K:
        case MXFP4:
        case NVFP4:
        case IQ1_S:
        case IQ1_M:
        case IQ3_S:
            return 5;
        case Q6_K:
            return 6;
        case IQ2_XXS:
        case IQ2_XS:
        case IQ2_S:
        case IQ3_XXS:
            return 7;
        default:
            return 4;
    }
}

/* Says whether what is added to all weights that share a scale is a number of its own. */
INLINE int has_offsets(int type) {
    return type == Q4_1 || type == Q5_1 || type == Q2_K || type == Q4_K || type == Q5_K;
}

/* Says whether sixteen weights, half a block, share a scale. */
INLINE int has_halves(int type) {
    switch (type) {
        case Q2_K:
        case Q3_K:
        case Q6_K:
        case NVFP4:
        case IQ1_M:
        case IQ2_XS:
        case IQ2_S:
            return 1;
        default:
            return 0;
    }
}

/*
 * Returns of how many int8 digits an activation consists, each of which counts BASEths of the one before. Rounded to
 * one digit it is off by a 254th of the largest of its block at most, rounded to three by 2^-24 of it, as in float32.
 */
INLINE int digits_of(int type) {
    return type == MXFP4 ? 3 : 1;
}

#define BASE 254

/* Returns how many integers are computed for a row of a block and a column: one for each half, or each digit. */
INLINE int products_of(int type) {
    return has_halves(type) ? 2 : digits_of(type);
}

#define MOST_PRODUCTS 3

/* Returns how many blocks share one of the layout. */
INLINE int blocks_together(int type) {
    return block_cols(type) / BLOCK;
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
    to->scales[0] = halves_at(w + Q8_0_D + 2 * LANES * part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = element(w + Q8_0_QS, i, part) ^ SIGNED_OFFSET;
    }
}

INLINE void decode_q4_0(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q4_0_D + 2 * LANES * part);
    decode_q4(w + Q4_0_QS, part, to->values);
}

INLINE void decode_q4_1(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q4_1_D + 2 * LANES * part);
    to->offsets[0] = -halves_at(w + Q4_1_M + 2 * LANES * part);
    decode_q4(w + Q4_1_QS, part, to->values);
}

/* Bit i of a row's four bytes at `fifths` is the fifth bit of the weights in element i. */
INLINE void decode_q5(const uint8_t *fifths, const uint8_t *qs, int part, vbyte *values) {
    decode_q4(qs, part, values);
    vbyte bits = element(fifths, 0, part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        values[i] |= (shift_bytes(bits, i) & 1) << 4;
    }
}

INLINE void decode_q5_0(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q5_0_D + 2 * LANES * part);
    decode_q5(w + Q5_0_QH, w + Q5_0_QS, part, to->values);
}

INLINE void decode_q5_1(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q5_1_D + 2 * LANES * part);
    to->offsets[0] = -halves_at(w + Q5_1_M + 2 * LANES * part);
    decode_q5(w + Q5_1_QH, w + Q5_1_QS, part, to->values);
}

INLINE void decode_iq4(const uint8_t *qs, int part, vbyte *values) {
    static const uint8_t table[16] = {
        (uint8_t)(SIGNED_OFFSET - 127), (uint8_t)(SIGNED_OFFSET - 104), (uint8_t)(SIGNED_OFFSET - 83),
        (uint8_t)(SIGNED_OFFSET - 65),  (uint8_t)(SIGNED_OFFSET - 49),  (uint8_t)(SIGNED_OFFSET - 35),
        (uint8_t)(SIGNED_OFFSET - 22),  (uint8_t)(SIGNED_OFFSET - 10),  SIGNED_OFFSET + 1,
        SIGNED_OFFSET + 13,             SIGNED_OFFSET + 25,             SIGNED_OFFSET + 38,
        SIGNED_OFFSET + 53,             SIGNED_OFFSET + 69,             SIGNED_OFFSET + 89,
        SIGNED_OFFSET + 113};
    decode_q4(qs, part, values);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        values[i] = look_up(table, values[i]);
    }
}

INLINE void decode_iq4_nl(const uint8_t *w, int part, struct weights *to) {
    to->scales[0] = halves_at(w + IQ4_NL_D + 2 * LANES * part);
    decode_iq4(w + IQ4_NL_QS, part, to->values);
}

/* Block `b` of the eight of a superblock. */
INLINE void decode_iq4_xs(const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + IQ4_XS_SCALES + b * ROWS;
    to->scales[0] = halves_at(w + IQ4_XS_D + 2 * LANES * part) * to_floats(signed_bytes_at(scales + LANES * part));
    decode_iq4(w + IQ4_XS_QS + b * 16 * ROWS, part, to->values);
}

/* Values are doubled, and so integers; the scale 2^(e - 127) is halved. An exponent of zero is subnormal. */
INLINE void decode_mxfp4(const uint8_t *w, int part, struct weights *to) {
    vint exponents = bytes_at(w + MXFP4_E + LANES * part);
    vint subnormal = (exponents == 0) & 0x00400000;
    to->scales[0] = (vfloat)(exponents << 23 | subnormal) * 0.5f;
    decode_q4(w + MXFP4_QS, part, to->values);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = look_up(doubled_fp4, to->values[i]);
    }
}

INLINE void decode_q2_k(const uint8_t *w, int b, int part, struct weights *to) {
    vfloat d = halves_at(w + Q2_K_D + 2 * LANES * part), dmin = halves_at(w + Q2_K_DMIN + 2 * LANES * part);
    UNROLL
    for (int half = 0; half < 2; half++) {
        vint both = bytes_at(w + Q2_K_SCALES + (2 * b + half) * ROWS + LANES * part);
        to->scales[half] = d * to_floats(both & 15);
        to->offsets[half] = dmin * to_floats(both >> 4);
    }
    decode_twos(w + Q2_K_QS, b, part, to->values);
}

/* Of six bits of a scale, four are half of one of eight bytes and two a quarter of one of four. */
INLINE void decode_q3_k(const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + Q3_K_SCALES + LANES * part;
    vfloat d = halves_at(w + Q3_K_D + 2 * LANES * part);
    UNROLL
    for (int half = 0; half < 2; half++) {
        int i = 2 * b + half;
        vint lower = bytes_at(scales + i % 8 * ROWS) >> i / 8 * 4 & 15;
        vint upper = bytes_at(scales + (8 + i % 4) * ROWS) >> i / 4 * 2 & 3;
        to->scales[half] = d * to_floats((lower | upper << 4) - 32);
    }
    decode_twos(w + Q3_K_QS, b, part, to->values);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] |= (shift_bytes(element(w + Q3_K_HMASK, i, part), b) & 1) << 2;
    }
}

/* Block `b` of the eight of a superblock of Q4_K or Q5_K, whose parts lie alike, but that Q5_K has one more. */
INLINE void decode_q4_k(int type, const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + Q4_K_SCALES + b * ROWS;
    vint pairs = shorts_at(w + Q4_K_MINS + b / 2 * 2 * ROWS + 2 * LANES * part);
    to->scales[0] = halves_at(w + Q4_K_D + 2 * LANES * part) * to_floats(bytes_at(scales + LANES * part));
    to->offsets[0] = halves_at(w + Q4_K_DMIN + 2 * LANES * part) * to_floats(pairs >> 8 * (b % 2) & 255);
    decode_halves_of_bytes(w + Q4_K_QS + b / 2 * 32 * ROWS, b % 2, part, to->values);
    if (type == Q5_K) {
        UNROLL
        for (int i = 0; i < VECTORS; i++) {
            vbyte fifth = shift_bytes(element(w + Q5_K_QH, i, part), b) & 1;
            to->values[i] |= fifth << 4;
        }
    }
}

/* Half a superblock holds four blocks: lower four bits in two arrays of pairs, upper two bits in one of fours. */
INLINE void decode_q6_k(const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + Q6_K_SCALES, *half = w + b / 4 * (Q6_K_SECOND_QL - Q6_K_QL);
    const uint8_t *ql = half + Q6_K_QL, *qh = half + Q6_K_QH;
    vfloat d = halves_at(w + Q6_K_D + 2 * LANES * part);
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
        case Q4_1:
            decode_q4_1(w, part, to);
            break;
        case Q5_0:
            decode_q5_0(w, part, to);
            break;
        case Q5_1:
            decode_q5_1(w, part, to);
            break;
        case IQ4_NL:
            decode_iq4_nl(w, part, to);
            break;
        case IQ4_XS:
            decode_iq4_xs(w, b, part, to);
            break;
        case MXFP4:
            decode_mxfp4(w, part, to);
            break;
        case Q6_K:
            decode_q6_k(w, b, part, to);
            break;
        case Q2_K:
            decode_q2_k(w, b, part, to);
            break;
        case Q3_K:
            decode_q3_k(w, b, part, to);
            break;
        case NVFP4:
            decode_nvfp4(w, b, part, to);
            break;
        case Q1_0:
            decode_q1_0(w, b, part, to);
            break;
        case Q2_0:
            decode_q2_0(w, b, part, to);
            break;
        case TQ1_0:
            decode_tq1_0(w, b, part, to);
            break;
        case TQ2_0:
            decode_tq2_0(w, b, part, to);
            break;
        case IQ1_S:
            decode_iq1_s(w, b, part, to);
            break;
        case IQ1_M:
            decode_iq1_m(w, b, part, to);
            break;
        case IQ2_XXS:
            decode_iq2_xxs(w, b, part, to);
            break;
        case IQ2_XS:
            decode_iq2_xs(w, b, part, to);
            break;
        case IQ2_S:
            decode_iq2_s(w, b, part, to);
            break;
        case IQ3_XXS:
            decode_iq3_xxs(w, b, part, to);
            break;
        case IQ3_S:
            decode_iq3_s(w, b, part, to);
            break;
        default:
            decode_q4_k(type, w, b, part, to);
    }
}

/* Fresh weights are fetched so many bytes ahead. */
#define AHEAD 3072

/*
 * Fetches the beginning of streams that follow each other, which fetch_ahead leaves out: all of it at once instead of as
 * it is read.
 */
INLINE void fetch_first(int count, const uint8_t *w, long apart) {
    for (int line = 0; line < AHEAD && line < apart; line += 64) {
        UNROLL
        for (int i = 0; i < count; i++) {
            __builtin_prefetch(w + i * apart + line, 0, 3);
        }
    }
}

/*
 * Fetches block `b` of those so far ahead that they arrive in time, of `count` streams that are `apart` bytes from each
 * other. Lines of streams in turns come faster than one stream's after the other's.
 */
INLINE void fetch_ahead(int type, int count, const uint8_t *w, long apart, int b) {
    const int bytes = block_bytes(type) / blocks_together(type);
    UNROLL
    for (int line = 0; line < bytes; line += 64) {
        UNROLL
        for (int i = 0; i < count; i++) {
            __builtin_prefetch(w + i * apart + AHEAD + b * bytes + line, 0, 3);
        }
    }
}

/*
 * Returns products times scales: those of both halves of a block if these have scales of their own, else those of the
 * digits. Where weights have offsets, `sums` are the float32 -x summed over the block, or over each of its halves.
 */
INLINE vfloat scale(int type, const struct weights *w, const vint *products, const int32_t *sums) {
    const int digits = digits_of(type);
    vfloat product = to_floats(products[digits - 1]);
    UNROLL
    for (int digit = digits - 2; digit >= 0; digit--) {
        product = multiply_add(product, all_floats(1.0f / BASE), to_floats(products[digit]));
    }
    vfloat scaled = product * w->scales[0];
    const int count = has_halves(type) ? 2 : 1;
    if (count == 2) {
        scaled = multiply_add(to_floats(products[1]), w->scales[1], scaled);
    }
    UNROLL
    for (int i = 0; has_offsets(type) && i < count; i++) {
        scaled = multiply_add((vfloat)all_ints(sums[i]), w->offsets[i], scaled);
    }
    return scaled;
}

#endif

/*
 * Weights of few bits: those that choose from points of a grid, and those that are one of two, three or four whole
 * numbers. Their values are moved up to zero, so that most take seven bits or five.
 */
#ifndef MOETIER_POINTS_H
#define MOETIER_POINTS_H

#include "grids.h"
#include "values.h"

#define LARGEST_IQ2 43
#define LARGEST_IQ3_XXS 62
#define LARGEST_IQ3_S 15

/* Compiled once for all products of a type: gathering points takes far longer than a call. */
#define SHARED static __attribute__((noinline, unused))

/* Returns a word of each row, of an array [..][16][4]. */
INLINE vint words_at(const uint8_t *array, int i, int part) {
    return (vint)element(array, i, part);
}

/* Four values of two bits, the first one lowest, of bytes. */
INLINE vbyte two_bits(vint bytes) {
    return (vbyte)((bytes | bytes << 6 | bytes << 12 | bytes << 18) & 0x03030303);
}

INLINE vbyte three_bits(vint twelve) {
    return (vbyte)((twelve & 7) | (twelve << 5 & 0x700) | (twelve << 10 & 0x70000) | (twelve << 15 & 0x7000000));
}

INLINE vint one_bit(vint four) {
    four &= 15;
    return (four | four << 7 | four << 14 | four << 21) & 0x01010101;
}

/* Negates the values whose bit of four is set, and adds `above`. */
INLINE vbyte signed_values(vbyte values, vint signs, int above) {
    vint bits = one_bit(signs);
    vbyte all = (vbyte)((bits << 8) - bits);
    return (values ^ all) - all + (uint8_t)above;
}

/* Of four times seven signs, the eighths, which make the number of each even: bit 7 i is that of seven `i`. */
INLINE vint eighths(vint signs) {
    vint two = signs ^ signs >> 1, four = two ^ two >> 2;
    return four ^ two >> 4 ^ signs >> 6;
}

/* Eight weights of each row, by the points of IQ2: their values, without signs. */
INLINE void decode_iq2(const uint16_t *points, vint index, vbyte *values) {
    static const uint8_t table[16] = {8, 25, 43};
    vint point = gather(points, index);
    values[0] = look_up(table, two_bits(point & 255));
    values[1] = look_up(table, two_bits(point >> 8));
}

SHARED void decode_iq2_xxs(const uint8_t *w, int b, int part, struct weights *to) {
    vint points = words_at(w + IQ2_XXS_QS, 2 * b, part), signs = words_at(w + IQ2_XXS_QS, 2 * b + 1, part);
    vfloat steps = to_floats(signs >> 28 & 15) + 0.5f;
    to->scales[0] = halves_at(w + IQ2_XXS_D + 2 * LANES * part) * steps * 0.25f;
    signs &= 0x0fffffff;
    vint last = eighths(signs);
    UNROLL
    for (int i = 0; i < 4; i++) {
        vbyte *values = to->values + 2 * i;
        decode_iq2(iq2_xxs_points, points >> 8 * i & 255, values);
        values[0] = signed_values(values[0], signs >> 7 * i, LARGEST_IQ2);
        values[1] = signed_values(values[1], (signs >> (7 * i + 4) & 7) | (last >> 7 * i & 1) << 3, LARGEST_IQ2);
    }
}

/* The scales of the first sixteen and of the last are the halves of a byte. */
INLINE void scale_iq2(const uint8_t *halves, const uint8_t *scales, int b, int part, struct weights *to) {
    vint both = bytes_at(scales + b * ROWS + LANES * part);
    vfloat d = halves_at(halves + 2 * LANES * part);
    to->scales[0] = d * (to_floats(both & 15) + 0.5f) * 0.25f;
    to->scales[1] = d * (to_floats(both >> 4) + 0.5f) * 0.25f;
}

SHARED void decode_iq2_xs(const uint8_t *w, int b, int part, struct weights *to) {
    scale_iq2(w + IQ2_XS_D, w + IQ2_XS_SCALES, b, part, to);
    UNROLL
    for (int i = 0; i < 4; i++) {
        vbyte *values = to->values + 2 * i;
        vint code = words_at(w + IQ2_XS_QS, 2 * b + i / 2, part) >> i % 2 * 16 & 0xffff;
        vint signs = code >> 9, last = eighths(signs);
        decode_iq2(iq2_xs_points, code & 511, values);
        values[0] = signed_values(values[0], signs, LARGEST_IQ2);
        values[1] = signed_values(values[1], signs >> 4 | (last & 1) << 3, LARGEST_IQ2);
    }
}

SHARED void decode_iq2_s(const uint8_t *w, int b, int part, struct weights *to) {
    scale_iq2(w + IQ2_S_D, w + IQ2_S_SCALES, b, part, to);
    vint points = words_at(w + IQ2_S_QS, b, part), signs = words_at(w + IQ2_S_SIGNS, b, part);
    vint upper = bytes_at(w + IQ2_S_QH + b * ROWS + LANES * part);
    UNROLL
    for (int i = 0; i < 4; i++) {
        vbyte *values = to->values + 2 * i;
        decode_iq2(iq2_s_points, (points >> 8 * i & 255) | (upper >> 2 * i & 3) << 8, values);
        values[0] = signed_values(values[0], signs >> 8 * i, LARGEST_IQ2);
        values[1] = signed_values(values[1], signs >> (8 * i + 4), LARGEST_IQ2);
    }
}

SHARED void decode_iq3_xxs(const uint8_t *w, int b, int part, struct weights *to) {
    static const uint8_t table[16] = {4, 12, 20, 28, 36, 44, 52, 62};
    vint signs = words_at(w + IQ3_XXS_SIGNS, b, part);
    vfloat steps = to_floats(signs >> 28 & 15) + 0.5f;
    to->scales[0] = halves_at(w + IQ3_XXS_D + 2 * LANES * part) * steps * 0.5f;
    signs &= 0x0fffffff;
    vint last = eighths(signs);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        vint index = words_at(w + IQ3_XXS_QS, 2 * b + i / 4, part) >> i % 4 * 8 & 255;
        vint four = signs >> (i / 2 * 7 + i % 2 * 4);
        if (i % 2) {
            four = (four & 7) | (last >> i / 2 * 7 & 1) << 3;
        }
        vbyte values = look_up(table, three_bits(gather(iq3_xxs_points, index)));
        to->values[i] = signed_values(values, four, LARGEST_IQ3_XXS);
    }
}

SHARED void decode_iq3_s(const uint8_t *w, int b, int part, struct weights *to) {
    vint steps = bytes_at(w + IQ3_S_SCALES + b / 2 * ROWS + LANES * part) >> b % 2 * 4 & 15;
    to->scales[0] = halves_at(w + IQ3_S_D + 2 * LANES * part) * to_floats(2 * steps + 1);
    vint upper = bytes_at(w + IQ3_S_QH + b * ROWS + LANES * part), signs = words_at(w + IQ3_S_SIGNS, b, part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        vint lower = words_at(w + IQ3_S_QS, 2 * b + i / 4, part) >> i % 4 * 8 & 255;
        vint codes = (vint)three_bits(gather(iq3_s_points, lower | (upper >> i & 1) << 8));
        to->values[i] = signed_values((vbyte)(codes << 1 | 0x01010101), signs >> 4 * i, LARGEST_IQ3_S);
    }
}

/* Eight times -1, 0 and 1, one less where `lowered` and else one more, and all of it nine more. */
INLINE void decode_iq1(vint index, vint lowered, vbyte *values) {
    vint point = gather(iq1_points, index), more = (lowered == 0) & 0x02020202;
    values[0] = (vbyte)((vint)two_bits(point & 255) << 3 | more);
    values[1] = (vbyte)((vint)two_bits(point >> 8) << 3 | more);
}

SHARED void decode_iq1_s(const uint8_t *w, int b, int part, struct weights *to) {
    vint points = words_at(w + IQ1_S_QS, b, part);
    vint bits = shorts_at(w + IQ1_S_QH + 2 * b * ROWS + 2 * LANES * part);
    to->scales[0] = halves_at(w + IQ1_S_D + 2 * LANES * part) * to_floats(2 * (bits >> 12 & 7) + 1) * 0.125f;
    UNROLL
    for (int i = 0; i < 4; i++) {
        vint index = (points >> 8 * i & 255) | (bits >> 3 * i & 7) << 8;
        decode_iq1(index, bits & 0x8000, to->values + 2 * i);
    }
}

SHARED void decode_iq1_m(const uint8_t *w, int b, int part, struct weights *to) {
    const uint8_t *scales = w + IQ1_M_SCALES + 2 * LANES * part;
    vint d = all_ints(0);
    UNROLL
    for (int i = 0; i < 4; i++) {
        d |= (shorts_at(scales + 2 * i * ROWS) >> 12) << 4 * i;
    }
    vint steps = shorts_at(scales + b / 2 * 2 * ROWS) >> b % 2 * 6;
    vfloat eighth = halves_of(d) * 0.125f;
    to->scales[0] = eighth * to_floats(2 * (steps & 7) + 1);
    to->scales[1] = eighth * to_floats(2 * (steps >> 3 & 7) + 1);
    vint points = words_at(w + IQ1_M_QS, b, part);
    vint bits = shorts_at(w + IQ1_M_QH + 2 * b * ROWS + 2 * LANES * part);
    UNROLL
    for (int i = 0; i < 4; i++, bits >>= 4) {
        vint index = (points >> 8 * i & 255) | (bits & 7) << 8;
        decode_iq1(index, bits & 8, to->values + 2 * i);
    }
}

/* As in decode_mxfp4. Of a scale, seven bits are the lowest of a float's exponent and the highest of its mantissa. */
SHARED void decode_nvfp4(const uint8_t *w, int b, int part, struct weights *to) {
    UNROLL
    for (int half = 0; half < 2; half++) {
        vint scale = bytes_at(w + NVFP4_D + (2 * b + half) * ROWS + LANES * part);
        to->scales[half] = (vfloat)((scale & 127) << 20 & (scale != 127)) * 0x1p119f;
        UNROLL
        for (int i = 0; i < 2; i++) {
            vbyte pairs = element(w + NVFP4_QS, 4 * b + 2 * half + i, part);
            to->values[4 * half + i] = look_up(doubled_fp4, pairs & 15);
            to->values[4 * half + i + 2] = look_up(doubled_fp4, shift_bytes(pairs, 4) & 15);
        }
    }
}

SHARED void decode_q1_0(const uint8_t *w, int b, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q1_0_D + 2 * LANES * part);
    vint bits = words_at(w + Q1_0_QS, b, part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = (vbyte)(one_bit(bits >> 4 * i) << 1);
    }
}

SHARED void decode_q2_0(const uint8_t *w, int b, int part, struct weights *to) {
    to->scales[0] = halves_at(w + Q2_0_D + 2 * LANES * part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        to->values[i] = two_bits(words_at(w + Q2_0_QS, 2 * b + i / 4, part) >> i % 4 * 8 & 255);
    }
}

/* Block `b` of a superblock, the lowest bits of whose bytes are those of its first and its fifth. */
INLINE void decode_twos(const uint8_t *qs, int b, int part, vbyte *values) {
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        values[i] = shift_bytes(element(qs, b / 4 * VECTORS + i, part), b % 4 * 2) & 3;
    }
}

SHARED void decode_tq2_0(const uint8_t *w, int b, int part, struct weights *to) {
    to->scales[0] = halves_at(w + TQ2_0_D + 2 * LANES * part);
    decode_twos(w + TQ2_0_QS, b, part, to->values);
}

/* Digit `digit` of the fractions in base three that bytes are of 256: what is left below the point, times three. */
INLINE vbyte third(vbyte fractions, int digit) {
    static const uint8_t powers[5] = {1, 3, 9, 27, 81};
    vbyte rest = fractions * powers[digit];
    return -(vbyte)(rest >= 86) - (vbyte)(rest >= 171);
}

/* Five blocks are digits of 32 bytes, three more of sixteen bytes and, at the end, of four. */
SHARED void decode_tq1_0(const uint8_t *w, int b, int part, struct weights *to) {
    to->scales[0] = halves_at(w + TQ1_0_D + 2 * LANES * part);
    UNROLL
    for (int i = 0; i < VECTORS; i++) {
        if (b < 5) {
            to->values[i] = third(element(w + TQ1_0_QS, i, part), b);
        } else if (b < 7 || i < 4) {
            to->values[i] = third(element(w + TQ1_0_QS, VECTORS + i % 4, part), (b - 5) * 2 + i / 4);
        } else {
            to->values[i] = third(element(w + TQ1_0_QH, 0, part), i - 4);
        }
    }
}

#endif

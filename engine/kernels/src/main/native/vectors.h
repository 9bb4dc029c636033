/*
 * The vectors of one level of instructions. A lane is a row of weights; PARTS vectors side by side hold the sixteen
 * rows of a tile. The operators of C work on the types; here is what they do not offer.
 */
#ifndef MOETIER_VECTORS_H
#define MOETIER_VECTORS_H

#include "layout.h"

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#if defined __AVX512VNNI__
#include <immintrin.h>
#define LANES 16
/* Multiplies unsigned weights only, so that signed ones are moved up by this much. */
#define SIGNED_OFFSET 128
/* Columns whose sums fit into registers. */
#define FLOAT_COLUMNS 8
#elif defined __AVX2__
#include <immintrin.h>
#define LANES 8
#define SIGNED_OFFSET 0
#define FLOAT_COLUMNS 4
#elif defined __ARM_FEATURE_DOTPROD
#include <arm_neon.h>
#define LANES 4
#define SIGNED_OFFSET 0
#define FLOAT_COLUMNS 8
#else
#error "no kernels for these instructions"
#endif

#define PARTS (ROWS / LANES)

typedef float vfloat __attribute__((vector_size(4 * LANES)));
typedef int32_t vint __attribute__((vector_size(4 * LANES)));
typedef uint16_t vshort __attribute__((vector_size(4 * LANES)));
/* Four values of each row. */
typedef uint8_t vbyte __attribute__((vector_size(4 * LANES)));

INLINE vbyte load_bytes(const void *p) {
    vbyte v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vint load_ints(const void *p) {
    return (vint)load_bytes(p);
}

INLINE vfloat load_floats(const void *p) {
    return (vfloat)load_bytes(p);
}

INLINE void store_floats(float *p, vfloat v) {
    memcpy(p, &v, sizeof v);
}

INLINE int32_t int_at(const void *p) {
    int32_t i;
    memcpy(&i, p, sizeof i);
    return i;
}

INLINE vfloat to_floats(vint v) {
    return __builtin_convertvector(v, vfloat);
}

/* Shifts bytes to the right; bits of the neighbour come in from above. */
INLINE vbyte shift_bytes(vbyte v, int bits) {
    return (vbyte)((vshort)v >> bits);
}

#if defined __AVX512VNNI__

INLINE vint all_ints(int32_t x) {
    return (vint)_mm512_set1_epi32(x);
}

INLINE vfloat all_floats(float x) {
    return (vfloat)_mm512_set1_ps(x);
}

/* Returns a * b + c, rounded once. */
INLINE vfloat multiply_add(vfloat a, vfloat b, vfloat c) {
    return (vfloat)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

INLINE vfloat larger(vfloat a, vfloat b) {
    return (vfloat)_mm512_max_ps((__m512)a, (__m512)b);
}

INLINE vfloat halves_at(const void *p) {
    return (vfloat)_mm512_cvtph_ps(_mm256_loadu_si256(p));
}

/* Returns the float16 numbers that the lower sixteen bits are. */
INLINE vfloat halves_of(vint v) {
    return (vfloat)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)v));
}

INLINE void store_halves(uint16_t *p, vfloat v) {
    _mm256_storeu_si256((void *)p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vint shorts_at(const void *p) {
    return (vint)_mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
}

INLINE vint bytes_at(const void *p) {
    return (vint)_mm512_cvtepu8_epi32(_mm_loadu_si128(p));
}

INLINE vint signed_bytes_at(const void *p) {
    return (vint)_mm512_cvtepi8_epi32(_mm_loadu_si128(p));
}

/* Returns the sum of the lanes: the upper half is added to the lower one until one is left. */
INLINE float sum_of_floats(vfloat v) {
    return _mm512_reduce_add_ps((__m512)v);
}

INLINE float largest_of_floats(vfloat v) {
    return _mm512_reduce_max_ps((__m512)v);
}

INLINE int32_t sum_of_ints(vint v) {
    return _mm512_reduce_add_epi32((__m512i)v);
}

INLINE vint larger_ints(vint a, vint b) {
    return (vint)_mm512_max_epi32((__m512i)a, (__m512i)b);
}

INLINE int32_t largest_of_ints(vint v) {
    return _mm512_reduce_max_epi32((__m512i)v);
}

/* Returns table[index] for each byte below 16. */
INLINE vbyte look_up(const uint8_t table[16], vbyte index) {
    return (vbyte)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)table)), (__m512i)index);
}

/* Returns table[index]; one more number than indices reach is read. */
INLINE vint gather(const uint16_t *table, vint index) {
    return (vint)_mm512_i32gather_epi32((__m512i)index, table, 2) & 0xffff;
}

/* Returns sum + the products of `count` times four weights of each row, below 1 << bits, with x[4 * count]. */
INLINE vint dot(vint sum, const vbyte *w, int count, int bits, const int8_t *x) {
    (void)bits;
    __m512i s = (__m512i)sum;
    UNROLL
    for (int i = 0; i < count; i++) {
        s = _mm512_dpbusd_epi32(s, (__m512i)w[i], _mm512_set1_epi32(int_at(x + 4 * i)));
    }
    return (vint)s;
}

#elif defined __AVX2__

INLINE vint all_ints(int32_t x) {
    return (vint)_mm256_set1_epi32(x);
}

INLINE vfloat all_floats(float x) {
    return (vfloat)_mm256_set1_ps(x);
}

INLINE vfloat multiply_add(vfloat a, vfloat b, vfloat c) {
    return (vfloat)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

INLINE vfloat larger(vfloat a, vfloat b) {
    return (vfloat)_mm256_max_ps((__m256)a, (__m256)b);
}

INLINE vfloat halves_at(const void *p) {
    return (vfloat)_mm256_cvtph_ps(_mm_loadu_si128(p));
}

INLINE vfloat halves_of(vint v) {
    __m128i lower = _mm256_castsi256_si128((__m256i)v), upper = _mm256_extracti128_si256((__m256i)v, 1);
    return (vfloat)_mm256_cvtph_ps(_mm_packus_epi32(lower, upper));
}

INLINE void store_halves(uint16_t *p, vfloat v) {
    _mm_storeu_si128((void *)p, _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vint shorts_at(const void *p) {
    return (vint)_mm256_cvtepu16_epi32(_mm_loadu_si128(p));
}

INLINE vint bytes_at(const void *p) {
    return (vint)_mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
}

INLINE vint signed_bytes_at(const void *p) {
    return (vint)_mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
}

INLINE float sum_of_floats(vfloat v) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

INLINE float largest_of_floats(vfloat v) {
    __m128 max = _mm_max_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    max = _mm_max_ps(max, _mm_movehl_ps(max, max));
    return _mm_cvtss_f32(_mm_max_ss(max, _mm_movehdup_ps(max)));
}

INLINE int32_t sum_of_ints(vint v) {
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1)));
}

INLINE vint larger_ints(vint a, vint b) {
    return (vint)_mm256_max_epi32((__m256i)a, (__m256i)b);
}

INLINE int32_t largest_of_ints(vint v) {
    __m128i max = _mm_max_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    max = _mm_max_epi32(max, _mm_unpackhi_epi64(max, max));
    return _mm_cvtsi128_si32(_mm_max_epi32(max, _mm_shuffle_epi32(max, 1)));
}

INLINE vbyte look_up(const uint8_t table[16], vbyte index) {
    __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table));
    return (vbyte)_mm256_shuffle_epi8(twice, (__m256i)index);
}

INLINE vint gather(const uint16_t *table, vint index) {
    return (vint)_mm256_i32gather_epi32((const int *)table, (__m256i)index, 2) & 0xffff;
}

/*
 * Pairs of products are added in 16 bits, which hold 128 >> bits pairs of a weight and a value of at most 127. Weights
 * of eight bits are signed, and give their signs to x: 2 * 128 * 127 fits.
 */
INLINE vint dot(vint sum, const vbyte *w, int count, int bits, const int8_t *x) {
    const __m256i ones = _mm256_set1_epi16(1);
    const int most = bits == 8 ? 1 : 128 >> bits, run = most < count ? most : count;
    __m256i s = (__m256i)sum;
    UNROLL
    for (int i = 0; i < count; i += run) {
        __m256i pairs = _mm256_setzero_si256();
        UNROLL
        for (int r = 0; r < run; r++) {
            __m256i weights = (__m256i)w[i + r];
            __m256i values = _mm256_set1_epi32(int_at(x + 4 * (i + r)));
            if (bits == 8) {
                values = _mm256_sign_epi8(values, weights);
                weights = _mm256_abs_epi8(weights);
            }
            pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(weights, values));
        }
        s = _mm256_add_epi32(s, _mm256_madd_epi16(pairs, ones));
    }
    return (vint)s;
}

#else

INLINE vint all_ints(int32_t x) {
    return (vint)vdupq_n_s32(x);
}

INLINE vfloat all_floats(float x) {
    return (vfloat)vdupq_n_f32(x);
}

INLINE vfloat multiply_add(vfloat a, vfloat b, vfloat c) {
    return (vfloat)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

INLINE vfloat larger(vfloat a, vfloat b) {
    return (vfloat)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
}

INLINE vfloat halves_at(const void *p) {
    return (vfloat)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

INLINE vfloat halves_of(vint v) {
    return (vfloat)vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32((uint32x4_t)v)));
}

INLINE void store_halves(uint16_t *p, vfloat v) {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
}

INLINE vint shorts_at(const void *p) {
    return (vint)vmovl_u16(vld1_u16(p));
}

INLINE vint bytes_at(const void *p) {
    return (vint)vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8((uint32_t)int_at(p)))));
}

INLINE vint signed_bytes_at(const void *p) {
    return (vint)vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8((uint32_t)int_at(p)))));
}

INLINE float sum_of_floats(vfloat v) {
    float32x2_t sum = vadd_f32(vget_low_f32((float32x4_t)v), vget_high_f32((float32x4_t)v));
    return vget_lane_f32(sum, 0) + vget_lane_f32(sum, 1);
}

INLINE float largest_of_floats(vfloat v) {
    return vmaxvq_f32((float32x4_t)v);
}

INLINE int32_t sum_of_ints(vint v) {
    return vaddvq_s32((int32x4_t)v);
}

INLINE vint larger_ints(vint a, vint b) {
    return (vint)vmaxq_s32((int32x4_t)a, (int32x4_t)b);
}

INLINE int32_t largest_of_ints(vint v) {
    return vmaxvq_s32((int32x4_t)v);
}

INLINE vbyte look_up(const uint8_t table[16], vbyte index) {
    return (vbyte)vqtbl1q_u8(vld1q_u8(table), (uint8x16_t)index);
}

INLINE vint gather(const uint16_t *table, vint index) {
    vint points;
    UNROLL
    for (int lane = 0; lane < LANES; lane++) {
        points[lane] = table[index[lane]];
    }
    return points;
}

INLINE vint dot(vint sum, const vbyte *w, int count, int bits, const int8_t *x) {
    (void)bits;
    int32x4_t s = (int32x4_t)sum;
    UNROLL
    for (int i = 0; i < count; i += 4) {
        int8x16_t values = vld1q_s8(x + 4 * i);
        s = vdotq_laneq_s32(s, (int8x16_t)w[i], values, 0);
        s = vdotq_laneq_s32(s, (int8x16_t)w[i + 1], values, 1);
        s = vdotq_laneq_s32(s, (int8x16_t)w[i + 2], values, 2);
        s = vdotq_laneq_s32(s, (int8x16_t)w[i + 3], values, 3);
    }
    return (vint)s;
}

#endif

#endif

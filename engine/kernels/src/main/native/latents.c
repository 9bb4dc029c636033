/*
 * Latent attention of sixteen heads of one token, a lane for each, over 32 positions at a time, with a softmax whose
 * largest score and sum are carried along (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).
 *
 * All heads look at the same positions, so nothing is summed over lanes. A score, and an element of the result, is one
 * chain of additions in the order of elements or positions, and sums are rescaled at multiples of 32 positions.
 */
#include "exp.h"
#include "kernels.h"
#include "vectors.h"

#define HEADS ROWS
#define POSITIONS 32
#define TOGETHER 8

/* Scores of `count` positions for the heads from `lane` on. */
INLINE void scores_of(int count, const float *keys, int key_dim, const float *q, float scale, float *scores) {
    vfloat s[TOGETHER];
    UNROLL
    for (int i = 0; i < count; i++) {
        s[i] = all_floats(0);
    }
    for (int d = 0; d < key_dim; d++) {
        const vfloat e = load_floats(q + (long)d * HEADS);
        UNROLL
        for (int i = 0; i < count; i++) {
            s[i] = multiply_add(all_floats(keys[(long)i * key_dim + d]), e, s[i]);
        }
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        store_floats(scores + i * HEADS, s[i] * scale);
    }
}

/* Turns scores into weights relative to the largest so far, and what there is into the same. */
static void softmax(int count, float *weights, float *largest, float *total, float *sums, int latent_dim) {
    const vfloat before = load_floats(largest);
    vfloat most = before;
    for (int i = 0; i < count; i++) {
        most = larger(most, load_floats(weights + i * HEADS));
    }
    const vfloat factor = exponential_or_zero(before - most);
    vfloat sum = load_floats(total) * factor;
    for (int i = 0; i < count; i++) {
        const vfloat weight = exponential_or_zero(load_floats(weights + i * HEADS) - most);
        store_floats(weights + i * HEADS, weight);
        sum += weight;
    }
    store_floats(largest, most);
    store_floats(total, sum);
    for (int d = 0; d < latent_dim; d++) {
        store_floats(sums + (long)d * HEADS, load_floats(sums + (long)d * HEADS) * factor);
    }
}

/* Adds `count` elements of the latents, weighted, to their sums. */
INLINE void add(int count, const float *latents, int positions, int key_dim, const float *weights, float *sums) {
    vfloat s[TOGETHER];
    UNROLL
    for (int i = 0; i < count; i++) {
        s[i] = load_floats(sums + i * HEADS);
    }
    for (int position = 0; position < positions; position++) {
        const vfloat w = load_floats(weights + position * HEADS);
        UNROLL
        for (int i = 0; i < count; i++) {
            s[i] = multiply_add(all_floats(latents[(long)position * key_dim + i]), w, s[i]);
        }
    }
    UNROLL
    for (int i = 0; i < count; i++) {
        store_floats(sums + i * HEADS, s[i]);
    }
}

static void look(const float *rows, int count, int latent_dim, int key_dim, float scale, const float *q, float *sums,
                 float *largest, float *total, float *weights) {
    for (int lane = 0; lane < HEADS; lane += LANES) {
        int i = 0;
        for (; i <= count - TOGETHER; i += TOGETHER) {
            scores_of(TOGETHER, rows + (long)i * key_dim, key_dim, q + lane, scale, weights + i * HEADS + lane);
        }
        for (; i < count; i++) {
            scores_of(1, rows + (long)i * key_dim, key_dim, q + lane, scale, weights + i * HEADS + lane);
        }
        softmax(count, weights + lane, largest + lane, total + lane, sums + lane, latent_dim);
        int d = 0;
        for (; d <= latent_dim - TOGETHER; d += TOGETHER) {
            add(TOGETHER, rows + d, count, key_dim, weights + lane, sums + (long)d * HEADS + lane);
        }
        for (; d < latent_dim; d++) {
            add(1, rows + d, count, key_dim, weights + lane, sums + (long)d * HEADS + lane);
        }
    }
}

static void decode(const char *halves, int length, float *to) {
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
        store_floats(to + i, halves_at(halves + 2L * i));
    }
    if (i < length) {
        char rest[2 * LANES] = {0};
        float floats[LANES];
        memcpy(rest, halves + 2L * i, 2 * (size_t)(length - i));
        store_floats(floats, halves_at(rest));
        memcpy(to + i, floats, sizeof(float) * (size_t)(length - i));
    }
}

void KERNEL(attend_latents)(int half, const void *rows, int count, int latent_dim, int key_dim, float scale,
                            const float *q, float *sums, float *largest, float *total, float *weights,
                            float *decoded) {
    for (int first = 0; first < count; first += POSITIONS) {
        const int in_front = count - first < POSITIONS ? count - first : POSITIONS;
        const float *at = (const float *)rows + (long)first * key_dim;
        if (half) {
            decode((const char *)rows + 2L * first * key_dim, in_front * key_dim, decoded);
            at = decoded;
        }
        look(at, in_front, latent_dim, key_dim, scale, q, sums, largest, total, weights);
    }
}

/* Keys and values on their way to the cache that attention.c reads. */
#include "kernels.h"
#include "vectors.h"

#define LARGEST_HALF 65504.0f

/* Returns x within the range of float16; NaN stays. */
INLINE vfloat within_halves(vfloat x) {
    const vfloat least = all_floats(-LARGEST_HALF);
    return -larger(least, -larger(least, x));
}

INLINE void scatter(const uint16_t *halves, int count, int apart, uint16_t *to) {
    for (int i = 0; i < count; i++) {
        to[i * apart] = halves[i];
    }
}

/* Stores a vector's elements `apart` elements from each other. */
INLINE void store_vector(const float *x, int length, int apart, uint16_t *to) {
    uint16_t halves[LANES];
    int i = 0;
    for (; i <= length - LANES; i += LANES, to += LANES * apart) {
        store_halves(halves, within_halves(load_floats(x + i)));
        scatter(halves, LANES, apart, to);
    }
    float rest[LANES] = {0};
    memcpy(rest, x + i, (size_t)(length - i) * sizeof(float));
    store_halves(halves, within_halves(load_floats(rest)));
    scatter(halves, length - i, apart, to);
}

/*
 * Where a vector goes: `key` is the first of its elements, which are TILE_KEYS apart, `value` the first of those in a
 * row.
 */
struct place {
    uint16_t *key;
    uint16_t *value;
};

INLINE struct place place_of(int i, int position, int heads, int head_dim, int value_dim, void *const *chunks) {
    const int at = position + i / heads, in_chunk = at % CHUNK_POSITIONS;
    const long head = (long)(i % heads) * CHUNK_POSITIONS;
    uint16_t *keys = chunks[2 * (at / CHUNK_POSITIONS)], *values = chunks[2 * (at / CHUNK_POSITIONS) + 1];
    return (struct place){keys + (head + in_chunk / TILE_KEYS * TILE_KEYS) * head_dim + in_chunk % TILE_KEYS,
                          values + (head + in_chunk) * value_dim};
}

/* Fetches the lines that a vector is written to: a key goes to one for every two of its elements. */
INLINE void fetch(struct place to, int head_dim, int value_dim) {
    for (int i = 0; i < head_dim; i += 2) {
        __builtin_prefetch(to.key + i * TILE_KEYS, 1, 3);
    }
    for (int i = 0; i < value_dim; i += 32) {
        __builtin_prefetch(to.value + i, 1, 3);
    }
}

void KERNEL(store_halves)(const float *k, const float *v, int from, int to, int position, int heads, int head_dim,
                          int value_dim, void *const *chunks) {
    struct place place = place_of(from, position, heads, head_dim, value_dim, chunks);
    fetch(place, head_dim, value_dim);
    for (int i = from; i < to; i++, k += head_dim, v += value_dim) {
        struct place next = place;
        if (i + 1 < to) {
            next = place_of(i + 1, position, heads, head_dim, value_dim, chunks);
            fetch(next, head_dim, value_dim);
        }
        store_vector(k, head_dim, TILE_KEYS, place.key);
        store_vector(v, value_dim, 1, place.value);
        place = next;
    }
}

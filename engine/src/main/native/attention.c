/*
 * Attention of queries that share a key head, over 128 keys at a time, with a softmax whose largest score and sum are
 * carried along (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).
 *
 * Keys and values are read once for all queries. Yet a query's result does not depend on the others: a score, and an
 * element of the result, is one chain of additions in the order of dimensions or positions, and sums are rescaled at
 * multiples of 128 positions. What a query does not see takes part in none of its sums.
 */
#include "exp.h"
#include "kernels.h"
#include "vectors.h"

#include <math.h>

#define CHUNK 256
#define TILE 16
#define KEYS 128

/* Queries that are taken together at most, and vectors of sums that fit into registers. */
#if LANES == 16
#define QUERIES 8
#define SUMS 16
#elif LANES == 8
#define QUERIES 4
#define SUMS 8
#else
#define QUERIES 4
#define SUMS 16
#endif

#define AT_MOST_FOUR(n) ((n) < 4 ? (n) : 4)
/* Tiles of keys, and vectors of a value, that so many queries look at together. */
#define TILES(queries) AT_MOST_FOUR(SUMS / PARTS / (queries))
#define VECTORS(queries) AT_MOST_FOUR(SUMS / (queries))

/* The queries of a call, and what each has so far. */
struct block {
    int count;
    int heads;
    int head_dim;
    int width; /* head_dim rounded up to whole vectors */
    int position;
    int window;
    int chunk;
    float scale;
    float *q;       /* [count][head_dim] */
    float *sums;    /* [count][width]: of the values */
    float *scores;  /* [count][KEYS], later the weights */
    float *largest; /* [count]: of the scores */
    float *total;   /* [count]: of the weights */
};

/* Which of the KEYS keys from position `from` on a query sees. */
struct range {
    int first;
    int end;
};

static int within(int key) {
    return key < 0 ? 0 : key > KEYS ? KEYS : key;
}

/* The first key that a query at `position` sees, or a number below 0. */
static int first_seen(int window, int chunk, int position) {
    if (chunk != 0) {
        return position / chunk * chunk;
    }
    return window == 0 ? 0 : position - window + 1;
}

static struct range seen(const struct block *b, int query, int from) {
    const int position = b->position + query / b->heads;
    const int first = first_seen(b->window, b->chunk, position);
    return (struct range){within(first - from), within(position + 1 - from)};
}

INLINE vfloat elements(const char *p, int half) {
    return half ? halves_at(p) : load_floats(p);
}

INLINE int bytes_of(int half) {
    return half ? 2 : 4;
}

/* Scores of `queries` queries for the keys of `tiles` tiles. */
INLINE void scores_of(int queries, int tiles, int half, const char *keys, const struct block *b, int query, int key) {
    const int dim = b->head_dim;
    const int row = TILE * bytes_of(half);
    const float *q = b->q + (long)query * dim;
    vfloat s[QUERIES][4 * PARTS];
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < tiles * PARTS; p++) {
            s[i][p] = all_floats(0);
        }
    }
    for (int d = 0; d < dim; d++) {
        vfloat k[4 * PARTS];
        UNROLL
        for (int p = 0; p < tiles * PARTS; p++) {
            k[p] = elements(keys + ((long)(p / PARTS) * dim + d) * row + p % PARTS * LANES * bytes_of(half), half);
        }
        UNROLL
        for (int i = 0; i < queries; i++) {
            const vfloat e = all_floats(q[i * dim + d]);
            UNROLL
            for (int p = 0; p < tiles * PARTS; p++) {
                s[i][p] = multiply_add(k[p], e, s[i][p]);
            }
        }
    }
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < tiles * PARTS; p++) {
            store_floats(b->scores + (query + i) * KEYS + key + p * LANES, s[i][p] * b->scale);
        }
    }
}

/* Scores of `queries` queries for the tiles `first` to `end` (exclusive) of the keys in front. */
INLINE void scores_of_tiles(int queries, int half, const char *keys, const struct block *b, int query, int first,
                            int end) {
    const long tile = (long)TILE * b->head_dim * bytes_of(half);
    int t = first;
    for (; t <= end - TILES(queries); t += TILES(queries)) {
        scores_of(queries, TILES(queries), half, keys + t * tile, b, query, t * TILE);
    }
    for (; t < end; t++) {
        scores_of(queries, 1, half, keys + t * tile, b, query, t * TILE);
    }
}

INLINE void all_scores(int half, const char *keys, const struct block *b, int first, int end) {
    int query = 0;
    for (; query <= b->count - QUERIES; query += QUERIES) {
        scores_of_tiles(QUERIES, half, keys, b, query, first, end);
    }
    for (; QUERIES > 4 && query <= b->count - 4; query += 4) {
        scores_of_tiles(4, half, keys, b, query, first, end);
    }
    for (; query <= b->count - 2; query += 2) {
        scores_of_tiles(2, half, keys, b, query, first, end);
    }
    if (query < b->count) {
        scores_of_tiles(1, half, keys, b, query, first, end);
    }
}

/* Adds the lanes of a vector. */
INLINE float sum_of(vfloat v) {
    float f[LANES];
    store_floats(f, v);
    UNROLL
    for (int width = LANES / 2; width > 0; width /= 2) {
        UNROLL
        for (int i = 0; i < width; i++) {
            f[i] += f[i + width];
        }
    }
    return f[0];
}

/* Returns the largest of the lanes of a vector and `x`. */
INLINE float largest_of(vfloat v, float x) {
    float f[LANES];
    store_floats(f, v);
    UNROLL
    for (int width = LANES / 2; width > 0; width /= 2) {
        UNROLL
        for (int i = 0; i < width; i++) {
            f[i] = f[i] > f[i + width] ? f[i] : f[i + width];
        }
    }
    return f[0] > x ? f[0] : x;
}

/*
 * Turns the scores of a query into weights relative to the largest score so far, and what it has into the same. Vectors
 * of keys that it does not see would change nothing, and are left out.
 */
static void softmax(const struct block *b, int query, struct range r) {
    float *scores = b->scores + query * KEYS;
    float *sums = b->sums + (long)query * b->width;
    const int from = r.first / LANES * LANES, to = (r.end + LANES - 1) / LANES * LANES;
    for (int key = from; key < r.first; key++) {
        scores[key] = -INFINITY;
    }
    for (int key = r.end; key < to; key++) {
        scores[key] = -INFINITY;
    }
    vfloat most = load_floats(scores + from);
    for (int key = from + LANES; key < to; key += LANES) {
        most = larger(most, load_floats(scores + key));
    }
    const float before = b->largest[query], largest = largest_of(most, before);
    vfloat total = all_floats(0);
    for (int key = from; key < to; key += LANES) {
        vfloat weights = exponential_or_zero(load_floats(scores + key) - largest);
        store_floats(scores + key, weights);
        total += weights;
    }
    const float factor = before == largest ? 1 : exponential_or_zero(all_floats(before - largest))[0];
    b->largest[query] = largest;
    b->total[query] = b->total[query] * factor + sum_of(total);
    if (factor != 1) {
        for (int d = 0; d < b->width; d++) {
            sums[d] *= factor;
        }
    }
}

/* Adds `vectors` vectors, from element `d` on, of the values `from` to `to` to the sums of `queries` queries. */
INLINE void add(int queries, int vectors, int half, const char *values, const struct block *b, int query, int d,
                int from, int to) {
    const long row = (long)b->head_dim * bytes_of(half);
    const float *weights = b->scores + query * KEYS;
    float *sums = b->sums + (long)query * b->width + d;
    vfloat s[QUERIES][4];
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < vectors; p++) {
            s[i][p] = load_floats(sums + (long)i * b->width + p * LANES);
        }
    }
    for (int key = from; key < to; key++) {
        vfloat v[4];
        UNROLL
        for (int p = 0; p < vectors; p++) {
            v[p] = elements(values + key * row + (d + p * LANES) * bytes_of(half), half);
        }
        UNROLL
        for (int i = 0; i < queries; i++) {
            const vfloat w = all_floats(weights[i * KEYS + key]);
            UNROLL
            for (int p = 0; p < vectors; p++) {
                s[i][p] = multiply_add(v[p], w, s[i][p]);
            }
        }
    }
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < vectors; p++) {
            store_floats(sums + (long)i * b->width + p * LANES, s[i][p]);
        }
    }
}

/* The elements from `d` on that are no whole vector. */
static void add_rest(int half, const char *values, const struct block *b, int query, int d, int from, int to) {
    float *sums = b->sums + (long)query * b->width + d;
    vfloat s = load_floats(sums);
    for (int key = from; key < to; key++) {
        char rest[4 * LANES] = {0};
        const char *value = values + ((long)key * b->head_dim + d) * bytes_of(half);
        memcpy(rest, value, (size_t)(b->head_dim - d) * bytes_of(half));
        s = multiply_add(elements(rest, half), all_floats(b->scores[query * KEYS + key]), s);
    }
    store_floats(sums, s);
}

/* All elements of the values of the keys `from` to `to`. */
INLINE void add_whole(int queries, int half, const char *values, const struct block *b, int query, int from, int to) {
    if (from >= to) {
        return;
    }
    int d = 0;
    for (; d <= b->head_dim - VECTORS(queries) * LANES; d += VECTORS(queries) * LANES) {
        add(queries, VECTORS(queries), half, values, b, query, d, from, to);
    }
    for (; d <= b->head_dim - LANES; d += LANES) {
        add(queries, 1, half, values, b, query, d, from, to);
    }
    for (int i = query; d < b->head_dim && i < query + queries; i++) {
        add_rest(half, values, b, i, d, from, to);
    }
}

/* Adds what all of `queries` queries see, and before and after it what only some see: later queries see later keys. */
INLINE void add_for_some(int queries, int half, const char *values, const struct block *b, int query, int front) {
    const struct range earliest = seen(b, query, front), latest = seen(b, query + queries - 1, front);
    const int from = latest.first;
    const int to = earliest.end > from ? earliest.end : from;
    for (int i = query; i < query + queries; i++) {
        const struct range r = seen(b, i, front);
        add_whole(1, half, values, b, i, r.first, r.end < from ? r.end : from);
    }
    add_whole(queries, half, values, b, query, from, to);
    for (int i = query; i < query + queries; i++) {
        const struct range r = seen(b, i, front);
        add_whole(1, half, values, b, i, r.first > to ? r.first : to, r.end);
    }
}

INLINE void all_values(int half, const char *values, const struct block *b, int front) {
    int query = 0;
    for (; query <= b->count - QUERIES; query += QUERIES) {
        add_for_some(QUERIES, half, values, b, query, front);
    }
    for (; QUERIES > 4 && query <= b->count - 4; query += 4) {
        add_for_some(4, half, values, b, query, front);
    }
    for (; query <= b->count - 2; query += 2) {
        add_for_some(2, half, values, b, query, front);
    }
    if (query < b->count) {
        const struct range r = seen(b, query, front);
        add_whole(1, half, values, b, query, r.first, r.end);
    }
}

/* Has memory bring values while keys are read: those of a decoded token are in no cache. */
INLINE void fetch(const char *values, long row_bytes, int first, int end) {
    for (const char *line = values + first * row_bytes; line < values + end * row_bytes; line += 64) {
        __builtin_prefetch(line, 0, 2);
    }
}

/* All queries look at the keys from `front` on. */
INLINE void look(int half, const char *keys, const char *values, const struct block *b, int front) {
    const int first = seen(b, 0, front).first;
    const int end = seen(b, b->count - 1, front).end;
    fetch(values, (long)b->head_dim * bytes_of(half), first, end);
    all_scores(half, keys, b, first / TILE, (end + TILE - 1) / TILE);
    for (int query = 0; query < b->count; query++) {
        const struct range r = seen(b, query, front);
        if (r.first < r.end) {
            softmax(b, query, r);
        }
    }
    all_values(half, values, b, front);
}

static void look_at_halves(const char *keys, const char *values, const struct block *b, int front) {
    look(1, keys, values, b, front);
}

static void look_at_floats(const char *keys, const char *values, const struct block *b, int front) {
    look(0, keys, values, b, front);
}

/* A sink counts as a key that has been seen and has no value. */
static struct block begin(int rows, int heads, int head_dim, float scale, int window, int chunk, const float *sinks,
                          int position, float *scratch) {
    struct block b = {.count = rows * heads, .heads = heads, .head_dim = head_dim, .position = position};
    b.width = (head_dim + LANES - 1) / LANES * LANES;
    b.window = window;
    b.chunk = chunk;
    b.scale = scale;
    b.q = scratch;
    b.sums = b.q + (long)b.count * head_dim;
    b.scores = b.sums + (long)b.count * b.width;
    b.largest = b.scores + b.count * KEYS;
    b.total = b.largest + b.count;
    memset(b.sums, 0, (size_t)b.count * b.width * sizeof(float));
    for (int i = 0; i < b.count; i++) {
        b.largest[i] = sinks ? sinks[i % heads] : -INFINITY;
        b.total[i] = sinks ? 1 : 0;
    }
    return b;
}

void KERNEL(attend)(int half, const void *const *chunks, int64_t head, int rows, int heads, int head_dim, int stride,
                    float scale, int window, int chunk, const float *sinks, int sink, int position, const float *q,
                    int at, float *out, float *scratch) {
    const float *own_sinks = sinks ? sinks + sink : 0;
    const struct block b = begin(rows, heads, head_dim, scale, window, chunk, own_sinks, position, scratch);
    for (int row = 0; row < rows; row++) {
        const float *from = q + at + (long)row * stride;
        memcpy(b.q + (long)row * heads * head_dim, from, (size_t)heads * head_dim * sizeof(float));
    }
    const int visible = first_seen(window, chunk, position);
    const int first = visible < 0 ? 0 : visible;
    for (int front = first / KEYS * KEYS; front < position + rows; front += KEYS) {
        const void *const *chunk = chunks + 2 * (front / CHUNK);
        const long start = (head + (long)(front % CHUNK) * head_dim) * bytes_of(half);
        const char *keys = (const char *)chunk[0] + start, *values = (const char *)chunk[1] + start;
        (half ? look_at_halves : look_at_floats)(keys, values, &b, front);
    }
    for (int query = 0; query < b.count; query++) {
        float *to = out + at + (long)(query / heads) * stride + query % heads * head_dim;
        for (int d = 0; d < head_dim; d++) {
            to[d] = b.sums[(long)query * b.width + d] / b.total[query];
        }
    }
}

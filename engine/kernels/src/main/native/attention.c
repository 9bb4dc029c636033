/*
 * Attention of queries that share a key head, over 256 keys at a time, with a softmax whose largest score and sum are
 * carried along (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).
 *
 * Keys and values are read once for all queries. Yet a query's result does not depend on the others: a score, and an
 * element of the result, is one chain of additions in the order of dimensions or positions, and sums are rescaled at
 * multiples of 256 positions. What a query does not see takes part in none of its sums.
 */
#include "exp.h"
#include "kernels.h"
#include "vectors.h"

#include <math.h>

#define KEYS 256

/* Queries that are taken together at most, a power of two, and vectors of sums that fit into registers. */
#if LANES == 16
#define QUERIES 16
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

/* Calls a function with a constant number of queries, so that it keeps their sums in registers. */
#define BY_QUERIES(queries, function, ...)                \
    if ((queries) == QUERIES) {                           \
        function(QUERIES, __VA_ARGS__);                   \
    } else if ((queries) == QUERIES / 2) {                \
        function(QUERIES / 2, __VA_ARGS__);               \
    } else if (QUERIES > 4 && (queries) == QUERIES / 4) { \
        function(QUERIES / 4, __VA_ARGS__);               \
    } else if (QUERIES > 8 && (queries) == QUERIES / 8) { \
        function(QUERIES / 8, __VA_ARGS__);               \
    } else {                                              \
        function(1, __VA_ARGS__);                         \
    }

/* Keys and values of a decoded token, which are in no cache, are fetched so many bytes before they are read. */
#define AHEAD 16384

/* The lines of memory that are fetched next: of the keys, then the values of each KEYS positions. */
struct ahead {
    const char *line;
    const char *end;
    const void *const *chunks;
    int kv_head;
    int key_bytes;
    int value_bytes;
    int first; /* the first position that is seen */
    int last;  /* the last one */
    int front;
    int values; /* whether these are fetched, or the keys */
    int done;
};

/* The queries of a call, and what each has so far. */
struct block {
    struct ahead *ahead;
    int count;
    int heads;
    int head_dim;
    int value_dim;
    int width; /* value_dim rounded up to whole vectors */
    int position;
    int window;
    int chunk;
    float scale;
    float *q;       /* [head_dim][queries] for each group of queries that are taken together */
    float *sums;    /* [count][width]: of the values */
    float *scores;  /* [count][KEYS], later the weights */
    float *largest; /* [count]: of the scores */
    float *total;   /* [count]: of the weights */
    float *factor;  /* [count]: brings sums to the largest score so far */
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

static struct range seen(const struct block *b, int position, int front) {
    const int first = first_seen(b->window, b->chunk, position);
    return (struct range){within(first - front), within(position + 1 - front)};
}

/* What the queries from `query` on see. */
static void seen_by(const struct block *b, int query, int queries, int front, struct range *r) {
    int position = b->position + query / b->heads, left = b->heads - query % b->heads;
    struct range own = seen(b, position, front);
    for (int i = 0; i < queries; i++, left--) {
        if (left == 0) {
            left = b->heads;
            own = seen(b, ++position, front);
        }
        r[i] = own;
    }
}

/* Turns to the keys or values of the head from `front` on. */
static void turn_to(struct ahead *a, int front, int values) {
    const int unit = values ? 1 : TILE_KEYS;
    const long first = within(a->first - front) / unit * unit;
    const long end = (within(a->last + 1 - front) + unit - 1) / unit * unit;
    const char *chunk = (const char *)a->chunks[2 * (front / CHUNK_POSITIONS) + values];
    const long row_bytes = values ? a->value_bytes : a->key_bytes;
    const char *start = chunk + ((long)a->kv_head * CHUNK_POSITIONS + front % CHUNK_POSITIONS) * row_bytes;
    a->front = front;
    a->values = values;
    a->line = start + first * row_bytes;
    a->end = start + end * row_bytes;
}

/* Turns to what is read after the lines that have all been fetched. */
static __attribute__((noinline)) void turn(struct ahead *a) {
    if (!a->values) {
        turn_to(a, a->front, 1);
    } else if (a->front + KEYS <= a->last) {
        turn_to(a, a->front + KEYS, 0);
    } else {
        a->done = 1;
    }
}

/* Fetches so many lines more, or turns to the next ones. */
INLINE void fetch(struct ahead *a, int lines) {
    if (a->line < a->end) {
        UNROLL
        for (int i = 0; i < lines; i++) {
            __builtin_prefetch(a->line + 64 * i, 0, 3);
        }
        a->line += 64 * lines;
    } else if (!a->done) {
        turn(a);
    }
}

/* Calls a function that fetches as many lines as it reads if `condition`, or else the same without. */
#define FETCHING_IF(condition, function, queries, together, half, ...) \
    if (condition) {                                                   \
        function(queries, together, half, 1, __VA_ARGS__);             \
    } else {                                                           \
        function(queries, together, half, 0, __VA_ARGS__);             \
    }

/* Returns how many of `left` queries are taken together. */
INLINE int together(int left) {
    int queries = QUERIES;
    while (queries > left) {
        queries /= 2;
    }
    return queries;
}

INLINE vfloat elements(const char *p, int half) {
    return half ? halves_at(p) : load_floats(p);
}

INLINE int bytes_of(int half) {
    return half ? 2 : 4;
}

/* Scores of `queries` queries for the keys of `tiles` tiles. */
INLINE void scores_of(int queries, int tiles, int half, int fetching, const char *keys, const struct block *b,
                      int query, int key) {
    const int dim = b->head_dim;
    const int row = TILE_KEYS * bytes_of(half);
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
        if (fetching) {
            fetch(b->ahead, tiles * row * (d + 1) / 64 - tiles * row * d / 64);
        }
        vfloat k[4 * PARTS];
        UNROLL
        for (int p = 0; p < tiles * PARTS; p++) {
            k[p] = elements(keys + ((long)(p / PARTS) * dim + d) * row + p % PARTS * LANES * bytes_of(half), half);
        }
        UNROLL
        for (int i = 0; i < queries; i++) {
            const vfloat e = all_floats(q[d * queries + i]);
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
    const long tile = (long)TILE_KEYS * b->head_dim * bytes_of(half);
    int t = first;
    for (; t <= end - TILES(queries); t += TILES(queries)) {
        FETCHING_IF(!b->ahead->done, scores_of, queries, TILES(queries), half, keys + t * tile, b, query, t * TILE_KEYS)
    }
    for (; t < end; t++) {
        FETCHING_IF(!b->ahead->done, scores_of, queries, 1, half, keys + t * tile, b, query, t * TILE_KEYS)
    }
}

/* Leaves those of the scores of keys from `key` on that are in the range, and makes the others vanish. */
static void hide(float *scores, int key, struct range r) {
    vint keys;
    for (int i = 0; i < LANES; i++) {
        keys[i] = key + i;
    }
    const vint visible = (keys >= r.first) & (keys < r.end);
    const vint s = (vint)load_floats(scores + key);
    store_floats(scores + key, (vfloat)((s & visible) | ((vint)all_floats(-INFINITY) & ~visible)));
}

/*
 * Returns the largest score of a query so far. Vectors of keys that it does not see would change nothing, and are left
 * out.
 */
INLINE float largest_score(const struct block *b, int query, struct range r) {
    float *scores = b->scores + query * KEYS;
    const int from = r.first / LANES * LANES;
    if (r.first % LANES != 0) {
        hide(scores, from, r);
    }
    if (r.end % LANES != 0) {
        hide(scores, r.end / LANES * LANES, r);
    }
    vfloat most = load_floats(scores + from);
    for (int key = from + LANES; key < r.end; key += LANES) {
        most = larger(most, load_floats(scores + key));
    }
    const float largest = largest_of_floats(most), before = b->largest[query];
    return largest > before ? largest : before;
}

/* Turns the scores of a query into weights relative to the largest score so far, and returns their sum. */
INLINE float weigh(const struct block *b, int query, struct range r) {
    float *scores = b->scores + query * KEYS;
    const vfloat largest = all_floats(b->largest[query]);
    vfloat total = all_floats(0);
    for (int key = r.first / LANES * LANES; key < r.end; key += LANES) {
        const vfloat weights = exponential_of_negative(load_floats(scores + key) - largest);
        store_floats(scores + key, weights);
        total += weights;
    }
    return sum_of_floats(total);
}

/* Turns the scores of `queries` queries into weights. */
INLINE void softmax(int queries, const struct block *b, int query, const struct range *r) {
    vfloat before = all_floats(0), largest = before;
    float factors[LANES];
    for (int i = 0; i < queries; i++) {
        before[i] = largest[i] = b->largest[query + i];
        if (r[i].first < r[i].end) {
            b->largest[query + i] = largest[i] = largest_score(b, query + i, r[i]);
        }
    }
    const vint same = before == largest, f = (vint)exponential_of_negative(before - largest);
    store_floats(factors, (vfloat)((f & ~same) | ((vint)all_floats(1) & same)));
    for (int i = 0; i < queries; i++) {
        b->factor[query + i] = factors[i];
        if (r[i].first < r[i].end) {
            b->total[query + i] = fmaf(b->total[query + i], factors[i], weigh(b, query + i, r[i]));
        }
    }
}

/*
 * Adds `vectors` vectors, from element `d` on, of the values that they see to the sums of `queries` queries. What all
 * see is in the middle: later queries see later keys.
 */
INLINE void add(int queries, int vectors, int half, int fetching, const char *values, const struct block *b, int query,
                int d, const struct range *r) {
    const long row = (long)b->value_dim * bytes_of(half);
    float *sums = b->sums + (long)query * b->width + d;
    const int from = r[queries - 1].first, to = r[0].end > from ? r[0].end : from, end = r[queries - 1].end;
    vfloat s[QUERIES][4];
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < vectors; p++) {
            s[i][p] = load_floats(sums + (long)i * b->width + p * LANES) * b->factor[query + i];
        }
    }
    const char *value = values + r[0].first * row + d * bytes_of(half);
    const float *weight = b->scores + query * KEYS + r[0].first;
    for (int key = r[0].first; key < end; key++) {
        if (fetching) {
            fetch(b->ahead, (int)(row * (key + 1) / 64 - row * key / 64));
        }
        vfloat v[4];
        UNROLL
        for (int p = 0; p < vectors; p++) {
            v[p] = elements(value + p * LANES * bytes_of(half), half);
        }
        if (key >= from && key < to) {
            UNROLL
            for (int i = 0; i < queries; i++) {
                const vfloat w = all_floats(weight[i * KEYS]);
                UNROLL
                for (int p = 0; p < vectors; p++) {
                    s[i][p] = multiply_add(v[p], w, s[i][p]);
                }
            }
        } else {
            UNROLL
            for (int i = 0; i < queries; i++) {
                if (key >= r[i].first && key < r[i].end) {
                    const vfloat w = all_floats(weight[i * KEYS]);
                    UNROLL
                    for (int p = 0; p < vectors; p++) {
                        s[i][p] = multiply_add(v[p], w, s[i][p]);
                    }
                }
            }
        }
        value += row;
        weight++;
    }
    UNROLL
    for (int i = 0; i < queries; i++) {
        UNROLL
        for (int p = 0; p < vectors; p++) {
            store_floats(sums + (long)i * b->width + p * LANES, s[i][p]);
        }
    }
}

/* The elements from `d` on that are no whole vector, for one query. */
static void add_rest(int half, const char *values, const struct block *b, int query, int d, struct range r) {
    float *sums = b->sums + (long)query * b->width + d;
    vfloat s = load_floats(sums) * b->factor[query];
    for (int key = r.first; key < r.end; key++) {
        char rest[4 * LANES] = {0};
        const char *value = values + ((long)key * b->value_dim + d) * bytes_of(half);
        memcpy(rest, value, (size_t)(b->value_dim - d) * bytes_of(half));
        s = multiply_add(elements(rest, half), all_floats(b->scores[query * KEYS + key]), s);
    }
    store_floats(sums, s);
}

/* All elements of the values. */
INLINE void add_whole(int queries, int half, const char *values, const struct block *b, int query,
                      const struct range *r) {
    int d = 0;
    for (; d <= b->value_dim - VECTORS(queries) * LANES; d += VECTORS(queries) * LANES) {
        FETCHING_IF(d == 0 && !b->ahead->done, add, queries, VECTORS(queries), half, values, b, query, d, r)
    }
    for (; VECTORS(queries) > 1 && d <= b->value_dim - LANES; d += LANES) {
        FETCHING_IF(d == 0 && !b->ahead->done, add, queries, 1, half, values, b, query, d, r)
    }
    for (int i = 0; d < b->value_dim && i < queries; i++) {
        add_rest(half, values, b, query + i, d, r[i]);
    }
}

/* Some queries look at the keys from `front` on. */
INLINE void look_together(int queries, int half, const char *keys, const char *values, const struct block *b, int query,
                          int front) {
    struct range r[QUERIES];
    seen_by(b, query, queries, front, r);
    const int end = (r[queries - 1].end + TILE_KEYS - 1) / TILE_KEYS;
    scores_of_tiles(queries, half, keys, b, query, r[0].first / TILE_KEYS, end);
    softmax(queries, b, query, r);
    add_whole(queries, half, values, b, query, r);
}

/* All queries look at the keys from `front` on. */
INLINE void look(int half, const char *keys, const char *values, const struct block *b, int front) {
    for (int query = 0, queries; query < b->count; query += queries) {
        queries = together(b->count - query);
        BY_QUERIES(queries, look_together, half, keys, values, b, query, front)
    }
}

static void look_at_halves(const char *keys, const char *values, const struct block *b, int front) {
    look(1, keys, values, b, front);
}

static void look_at_floats(const char *keys, const char *values, const struct block *b, int front) {
    look(0, keys, values, b, front);
}

/* A sink counts as a key that has been seen and has no value. */
static struct block begin(int rows, int heads, int head_dim, int value_dim, float scale, int window, int chunk,
                          const float *sinks, int position, float *scratch) {
    struct block b = {.count = rows * heads, .heads = heads, .head_dim = head_dim, .position = position};
    b.value_dim = value_dim;
    b.width = (value_dim + LANES - 1) / LANES * LANES;
    b.window = window;
    b.chunk = chunk;
    b.scale = scale;
    b.q = scratch;
    b.sums = b.q + (long)b.count * head_dim;
    b.scores = b.sums + (long)b.count * b.width;
    b.largest = b.scores + b.count * KEYS;
    b.total = b.largest + b.count;
    b.factor = b.total + b.count;
    memset(b.sums, 0, (size_t)b.count * b.width * sizeof(float));
    for (int i = 0; i < b.count; i++) {
        b.largest[i] = sinks ? sinks[i % heads] : -INFINITY;
        b.total[i] = sinks ? 1 : 0;
    }
    return b;
}

void KERNEL(attend)(int half, const void *const *chunks, int kv_head, int rows, int heads, int head_dim, int value_dim,
                    int all_heads, float scale, int window, int chunk, const float *sinks, int sink, int position,
                    const float *q, int at, float *out, int out_at, float *scratch) {
    const float *own_sinks = sinks ? sinks + sink : 0;
    const int visible = first_seen(window, chunk, position);
    const int first = visible < 0 ? 0 : visible;
    struct ahead ahead = {.chunks = chunks,
                          .kv_head = kv_head,
                          .key_bytes = head_dim * bytes_of(half),
                          .value_bytes = value_dim * bytes_of(half),
                          .first = first,
                          .last = position + rows - 1,
                          .done = rows > 1};
    if (rows == 1) {
        turn_to(&ahead, first / KEYS * KEYS, 0);
        for (int i = 0; i < AHEAD / 256; i++) {
            fetch(&ahead, 4);
        }
    }
    struct block b = begin(rows, heads, head_dim, value_dim, scale, window, chunk, own_sinks, position, scratch);
    b.ahead = &ahead;
    for (int query = 0, queries; query < b.count; query += queries) {
        queries = together(b.count - query);
        for (int i = 0; i < queries; i++) {
            const long place = (long)((query + i) / heads) * all_heads + (query + i) % heads;
            const float *from = q + at + place * head_dim;
            float *to = b.q + (long)query * head_dim + i;
            for (int d = 0; d < head_dim; d++) {
                to[d * queries] = from[d];
            }
        }
    }
    for (int front = first / KEYS * KEYS; front < position + rows; front += KEYS) {
        const void *const *chunk = chunks + 2 * (front / CHUNK_POSITIONS);
        const long row = (long)kv_head * CHUNK_POSITIONS + front % CHUNK_POSITIONS;
        const char *keys = (const char *)chunk[0] + row * ahead.key_bytes;
        const char *values = (const char *)chunk[1] + row * ahead.value_bytes;
        (half ? look_at_halves : look_at_floats)(keys, values, &b, front);
    }
    for (int query = 0; query < b.count; query++) {
        float *to = out + out_at + ((long)(query / heads) * all_heads + query % heads) * value_dim;
        for (int d = 0; d < value_dim; d++) {
            to[d] = b.sums[(long)query * b.width + d] / b.total[query];
        }
    }
}

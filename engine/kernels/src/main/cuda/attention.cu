// Attention: of cached keys and values, of cached latents, and over rows of an encoder-decoder model.
//
// A block computes one head of one token over one span of SPAN positions, STEP of them at a time: scores by warps, a
// softmax whose largest score and sum are carried along (Milakov and Gimelshein, arXiv:1805.02867; Dao et al.,
// arXiv:2205.14135), then the weighted sum of the values. Spans start at multiples of SPAN, so that a token's sums do
// not depend on the others of its launch; where there are several, `join_spans` adds them in ascending order, which for
// a single one changes nothing.
//
// Sparse attention sees only the keys that were chosen for a query, as if they were all: key i is the i-th of them. An
// index chooses: `index_scores` gives a block's threads a position each, and `choose_keys` a list of scores to a block.
//
// Bytes moved: keys and values once for every head that reads them, all but the first of heads that share them from the
// second-level cache; the floor of a decode step is the bytes of the cache over the memory's bandwidth.
#include "common.cuh"
#include "layout.cuh"
#include "numbers.cuh"

constexpr int WARPS = 8;
constexpr int THREADS = WARPS * LANES;
constexpr int STEP = WARPS * TILE_KEYS;
constexpr float NONE = -INFINITY;

// Where chunks of a cache lie: keys and values of each, or latents. Those of short texts come with the launch.
struct Chunks {
  const uint64_t* many;  // null if they are few
  uint64_t few[2 * FEW_CHUNKS];
};

__device__ __forceinline__ uint64_t chunk_at(const Chunks& chunks, int i) {
  return chunks.many != nullptr ? __ldg(chunks.many + i) : chunks.few[i];
}

// What all kinds of attention have: queries and results by token and head, and what a span leaves behind.
struct Spans {
  float* out;
  float* partial;      // [token, head, span] of a largest score, a sum and `valueDim` sums of values; null for one span
  const float* sinks;  // a further logit of each head, or null
  int heads;
  int valueDim;
  int firstPosition;
  int window;
  int chunk;
  int firstSpan;
  int numSpans;
  int numKeys;
  int causal;  // whether a token sees nothing behind it
  float scale;
};

__device__ __forceinline__ int first_visible(const Spans& s, int position) {
  if (s.chunk > 0) {
    return position / s.chunk * s.chunk;
  }
  return s.window == 0 ? 0 : max(0, position - s.window + 1);
}

// The position after the last one that a token sees.
__device__ __forceinline__ int end_visible(const Spans& s, int position) {
  return s.causal ? min(position + 1, s.numKeys) : s.numKeys;
}

__device__ __forceinline__ size_t partial_at(const Spans& s, int token, int head, int span) {
  return (((size_t)token * s.heads + head) * s.numSpans + span) * (s.valueDim + 2);
}

// Values of `V` neighbouring elements.
template <class T, int V>
struct Run;

template <>
struct Run<__half, 8> {
  static __device__ __forceinline__ void load(const __half* from, float (&to)[8]) {
    const uint4 words = __ldg(reinterpret_cast<const uint4*>(from));
    const uint32_t pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      to[2 * i] = __half2float(__ushort_as_half((unsigned short)pairs[i]));
      to[2 * i + 1] = __half2float(__ushort_as_half((unsigned short)(pairs[i] >> 16)));
    }
  }
};

template <>
struct Run<float, 4> {
  static __device__ __forceinline__ void load(const float* from, float (&to)[4]) {
    const float4 words = __ldg(reinterpret_cast<const float4*>(from));
    to[0] = words.x;
    to[1] = words.y;
    to[2] = words.z;
    to[3] = words.w;
  }
};

template <class T>
struct Run<T, 1> {
  static __device__ __forceinline__ void load(const T* from, float (&to)[1]) {
    to[0] = as_float(__ldg(from));
  }
};

// Elements of a cached key in sixteen bytes.
template <class T>
constexpr int PACKED = 16 / sizeof(T);

struct Shared {
  float query[MAX_QUERY];
  float scores[STEP];
  float sums[THREADS * 8];
};

// Keys of sixteen positions are interleaved: a lane reads those of P neighbouring positions at one dimension, and lanes
// of the same positions add their dimensions. `run` is where the lane's positions begin, or null.
template <class T, int P>
__device__ __forceinline__ void interleaved_scores(
    const T* run, int headDim, const Spans& s, int from, int begin, int end, Shared& shared) {
  constexpr int SHARING = TILE_KEYS / P;
  const int lane = lane_of_warp();
  float sums[P] = {};
  if (from + warp_of_block() * TILE_KEYS < end) {
    if (run != nullptr) {
#pragma unroll 4
      for (int d = lane / SHARING; d < headDim; d += LANES / SHARING) {
        float keys[P];
        Run<T, P>::load(run + (size_t)d * TILE_KEYS, keys);
        const float q = shared.query[d];
#pragma unroll
        for (int i = 0; i < P; i++) {
          sums[i] = fmaf(q, keys[i], sums[i]);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < P; i++) {
#pragma unroll
      for (int apart = LANES / 2; apart >= SHARING; apart /= 2) {
        sums[i] += __shfl_xor_sync(ALL_LANES, sums[i], apart);
      }
    }
  }
  if (lane < SHARING) {
#pragma unroll
    for (int i = 0; i < P; i++) {
      const int position = from + warp_of_block() * TILE_KEYS + lane * P + i;
      shared.scores[position - from] = position >= begin && position < end ? sums[i] * s.scale : NONE;
    }
  }
}

template <class T>
struct CachedKeys {
  const T* keys[SPAN / CHUNK_POSITIONS];
  const T* values[SPAN / CHUNK_POSITIONS];
  int headDim;
  int valueDim;

  __device__ __forceinline__ CachedKeys(
      const Chunks& chunks, int spanStart, int end, int kvHead, int headDim, int valueDim)
      : headDim(headDim), valueDim(valueDim) {
#pragma unroll
    for (int i = 0; i < SPAN / CHUNK_POSITIONS; i++) {
      const int position = spanStart + i * CHUNK_POSITIONS;
      const int number = (position < end ? position : spanStart) / CHUNK_POSITIONS;
      const size_t row = (size_t)kvHead * CHUNK_POSITIONS;
      keys[i] = (const T*)chunk_at(chunks, 2 * number) + row * headDim;
      values[i] = (const T*)chunk_at(chunks, 2 * number + 1) + row * valueDim;
    }
  }

  __device__ __forceinline__ const T* chunk_of(const T* const (&chunks)[SPAN / CHUNK_POSITIONS], int position) const {
    const int i = position % SPAN / CHUNK_POSITIONS;
    return i == 0 ? chunks[0] : i == 1 ? chunks[1] : i == 2 ? chunks[2] : chunks[3];
  }

  __device__ __forceinline__ const T* value(int position) const {
    return chunk_of(values, position) + (size_t)(position % CHUNK_POSITIONS) * valueDim;
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int token, Shared& shared) const {
    constexpr int P = PACKED<T>;
    const int first = from + warp_of_block() * TILE_KEYS;
    const T* run = nullptr;
    if (first < end && first + TILE_KEYS > begin) {
      run = chunk_of(keys, first) + (size_t)(first % CHUNK_POSITIONS) * headDim + lane_of_warp() % (TILE_KEYS / P) * P;
    }
    interleaved_scores<T, P>(run, headDim, s, from, begin, end, shared);
  }
};

// The sum of as many neighbouring lanes, a power of two, in each of them.
__device__ __forceinline__ float sum_of_lanes(float x, int lanes) {
  if (lanes == LANES) {
    return warp_sum(x);
  }
#pragma unroll 1
  for (int apart = lanes / 2; apart > 0; apart /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, apart);
  }
  return x;
}

// Keys that are rows: as many lanes as a row has runs of V elements compute one, each every `sharing`th run; the other
// lanes of the warp have the next ones. With a power of two of lanes the sum is that of a whole warp, to the last bit.
template <class Rows>
__device__ __forceinline__ void row_scores(
    const Rows& rows, const Spans& s, int from, int begin, int end, int position, Shared& shared) {
  constexpr int V = Rows::RUN;
  int sharing = LANES;
  while (sharing > 1 && sharing / 2 * V >= rows.keyDim) {
    sharing /= 2;
  }
  const int lane = lane_of_warp() % sharing;
  const int together = LANES / sharing;
#pragma unroll 1
  for (int first = from + warp_of_block() * together; first < from + STEP; first += WARPS * together) {
    const int key = first + lane_of_warp() / sharing;
    const bool isSeen = key >= begin && key < end;
    float sum = 0;
    if (first < end) {
      if (isSeen) {
#pragma unroll 1
        for (int d = lane * V; d < rows.keyDim; d += sharing * V) {
          float run[V];
          Run<typename Rows::Element, V>::load(rows.key(key) + d, run);
#pragma unroll
          for (int i = 0; i < V; i++) {
            sum = fmaf(shared.query[d + i], run[i], sum);
          }
        }
      }
      sum = sum_of_lanes(sum, sharing);
    }
    if (lane == 0) {
      shared.scores[key - from] = isSeen ? sum * s.scale + rows.bias(key - position) : NONE;
    }
  }
}

template <class T, int V>
struct CachedLatents {
  using Element = T;
  static constexpr int RUN = V;
  const T* chunks[SPAN / CHUNK_POSITIONS];
  int keyDim;

  __device__ __forceinline__ CachedLatents(const Chunks& table, int spanStart, int end, int keyDim) : keyDim(keyDim) {
#pragma unroll
    for (int i = 0; i < SPAN / CHUNK_POSITIONS; i++) {
      const int position = spanStart + i * CHUNK_POSITIONS;
      chunks[i] = (const T*)chunk_at(table, (position < end ? position : spanStart) / CHUNK_POSITIONS);
    }
  }

  __device__ __forceinline__ const T* key(int position) const {
    const int i = position % SPAN / CHUNK_POSITIONS;
    const T* chunk = i == 0 ? chunks[0] : i == 1 ? chunks[1] : i == 2 ? chunks[2] : chunks[3];
    return chunk + (size_t)(position % CHUNK_POSITIONS) * keyDim;
  }

  __device__ __forceinline__ const T* value(int position) const {
    return key(position);
  }

  __device__ __forceinline__ float bias(int distance) const {
    return 0.0f;
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int position, Shared& shared) const {
    row_scores(*this, s, from, begin, end, position, shared);
  }
};

template <int V>
struct SequenceRows {
  using Element = float;
  static constexpr int RUN = V;
  const float* k;
  const float* v;
  const float* biases;
  int stride;
  int keyDim;
  int reach;

  __device__ __forceinline__ const float* key(int position) const {
    return k + (size_t)position * stride;
  }

  __device__ __forceinline__ const float* value(int position) const {
    return v + (size_t)position * stride;
  }

  __device__ __forceinline__ float bias(int distance) const {
    return biases == nullptr ? 0.0f : __ldg(biases + reach + max(-reach, min(distance, reach)));
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int position, Shared& shared) const {
    row_scores(*this, s, from, begin, end, position, shared);
  }
};

// The blocks of keys that were chosen, [token, list, most], in ascending order; `blocks` is null where all are read.
struct Chosen {
  const float* blocks;
  int lists;  // one for each key head, or one for all
  int most;
  int length;  // positions of a block
};

// How many keys a query reads. The last block of several is its own.
__device__ __forceinline__ int chosen_keys(const Chosen& c, int position) {
  return (min(position / c.length + 1, c.most) - 1) * c.length + position % c.length + 1;
}

// The chosen keys of a query, counted from 0.
struct Selection {
  const float* blocks;
  int length;

  __device__ __forceinline__ Selection(const Chosen& c, int token, int kvHead)
      : blocks(c.blocks + ((size_t)token * c.lists + (c.lists == 1 ? 0 : kvHead)) * c.most), length(c.length) {}

  __device__ __forceinline__ int position(int key) const {
    return (int)__ldg(blocks + key / length) * length + key % length;
  }
};

// P divides the length of a block.
template <class T, int P>
struct ChosenKeys {
  const Chunks& chunks;
  Selection selection;
  size_t row;  // where the head begins
  int headDim;
  int valueDim;

  __device__ __forceinline__ const T* value(int key) const {
    const int position = selection.position(key);
    return (const T*)chunk_at(chunks, 2 * (position / CHUNK_POSITIONS) + 1) +
        (row + position % CHUNK_POSITIONS) * valueDim;
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int token, Shared& shared) const {
    const int first = from + warp_of_block() * TILE_KEYS + lane_of_warp() % (TILE_KEYS / P) * P;
    const T* run = nullptr;
    if (first < end) {
      const int position = selection.position(first);
      run = (const T*)chunk_at(chunks, 2 * (position / CHUNK_POSITIONS)) + position % TILE_KEYS +
          (row + position % CHUNK_POSITIONS / TILE_KEYS * TILE_KEYS) * headDim;
    }
    interleaved_scores<T, P>(run, headDim, s, from, begin, end, shared);
  }
};

template <class T, int V>
struct ChosenLatents {
  using Element = T;
  static constexpr int RUN = V;
  const Chunks& chunks;
  Selection selection;
  int keyDim;

  __device__ __forceinline__ const T* key(int key) const {
    const int position = selection.position(key);
    return (const T*)chunk_at(chunks, position / CHUNK_POSITIONS) + (size_t)(position % CHUNK_POSITIONS) * keyDim;
  }

  __device__ __forceinline__ const T* value(int number) const {
    return key(number);
  }

  __device__ __forceinline__ float bias(int distance) const {
    return 0.0f;
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int position, Shared& shared) const {
    row_scores(*this, s, from, begin, end, position, shared);
  }
};

struct Largest {
  float score;
  float total;
};

// Turns the scores of a step into weights relative to the largest so far; returns what earlier sums are multiplied by.
__device__ __forceinline__ float soften(Largest& largest, Shared& shared) {
  float most = largest.score;
#pragma unroll
  for (int i = 0; i < STEP; i += LANES) {
    most = fmaxf(most, shared.scores[i + lane_of_warp()]);
  }
  most = warp_max(most);
  const float before = most == NONE ? 1.0f : expf(largest.score - most);
  float sum = 0;
  float weights[STEP / LANES];
#pragma unroll
  for (int i = 0; i < STEP / LANES; i++) {
    const float score = shared.scores[i * LANES + lane_of_warp()];
    weights[i] = score == NONE ? 0.0f : expf(score - most);
    sum += weights[i];
  }
  __syncthreads();
  if (warp_of_block() == 0) {
#pragma unroll
    for (int i = 0; i < STEP / LANES; i++) {
      shared.scores[i * LANES + lane_of_warp()] = weights[i];
    }
  }
  __syncthreads();
  largest = {most, largest.total * before + warp_sum(sum)};
  return before;
}

// What sums relative to `score` are multiplied by to become relative to `most`.
__device__ __forceinline__ float joined(float most, float score) {
  return score == NONE ? 0.0f : expf(score - most);
}

// One span of one head of one token, which sees keys below `seen`. Threads of the same place within a row add every
// `groups`th value.
template <class T, int V, class Keys>
__device__ __forceinline__ void attend(
    const Spans& s, const Keys& keys, int seen, int token, int head, int span, Shared& shared) {
  const int position = s.firstPosition + token;
  const int start = (s.firstSpan + span) * SPAN;
  const int begin = max(start, first_visible(s, position));
  const int end = min(start + SPAN, seen);
  const int lanes = s.valueDim / V;
  const int groups = THREADS / lanes;
  const int group = threadIdx.x / lanes;
  const int at = threadIdx.x % lanes * V;
  float sums[V] = {};
  Largest largest = {NONE, 0};
  const int first = start + (begin - start) / STEP * STEP;
#pragma unroll 1
  for (int from = first; from < end; from += STEP) {
    keys.scores(s, from, begin, end, position, shared);
    __syncthreads();
    const float before = soften(largest, shared);
#pragma unroll
    for (int i = 0; i < V; i++) {
      sums[i] *= before;
    }
    if (group < groups) {
      const int last = min(from + STEP, end);
      constexpr int UNROLLED = V == 1 ? 1 : 4;
#pragma unroll UNROLLED
      for (int key = from + group; key < last; key += groups) {
        const float weight = shared.scores[key - from];
        if (key >= begin) {
          float run[V];
          Run<T, V>::load(keys.value(key) + at, run);
#pragma unroll
          for (int i = 0; i < V; i++) {
            sums[i] = fmaf(weight, run[i], sums[i]);
          }
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < V; i++) {
    shared.sums[threadIdx.x * V + i] = sums[i];
  }
  __syncthreads();
  const float sink = s.sinks == nullptr ? NONE : __ldg(s.sinks + head);
  const float most = fmaxf(largest.score, sink);
  const float factor = joined(most, largest.score);
  const float total = largest.total * factor + joined(most, sink);
  float* partial = s.partial == nullptr ? nullptr : s.partial + partial_at(s, token, head, span);
  const int filled = min(groups, end - first);  // the others have no key
#pragma unroll 1
  for (int d = threadIdx.x; d < s.valueDim; d += THREADS) {
    float sum = 0;
#pragma unroll 1
    for (int g = 0; g < filled; g++) {
      sum += shared.sums[g * s.valueDim + d];
    }
    if (partial != nullptr) {
      partial[2 + d] = sum;
    } else {
      s.out[((size_t)token * s.heads + head) * s.valueDim + d] = sum * factor / total;
    }
  }
  if (partial != nullptr && threadIdx.x == 0) {
    partial[0] = largest.score;
    partial[1] = largest.total;
  }
}

struct CacheAttention {
  Spans spans;
  const float* q;
  int headDim;
  int numKvHeads;
  int tiledHeads;
  Chosen chosen;
  Chunks chunks;
};

__device__ __forceinline__ int key_head(const CacheAttention& a, int head) {
  return a.tiledHeads ? head % a.numKvHeads : head / (a.spans.heads / a.numKvHeads);
}

__device__ __forceinline__ void load_query(const CacheAttention& a, int token, int head, Shared& shared) {
  for (int d = threadIdx.x; d < a.headDim; d += THREADS) {
    shared.query[d] = a.q[((size_t)token * a.spans.heads + head) * a.headDim + d];
  }
  __syncthreads();
}

template <class T, int V>
__device__ __forceinline__ void attend_cache(const CacheAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  const int kvHead = key_head(a, head);
  load_query(a, token, head, shared);
  const int position = s.firstPosition + token;
  const int start = (s.firstSpan + (int)blockIdx.z) * SPAN;
  const CachedKeys<T> keys(
      a.chunks, min(start, position / SPAN * SPAN), position + 1, kvHead, a.headDim, s.valueDim);
  attend<T, V>(s, keys, end_visible(s, position), token, head, blockIdx.z, shared);
}

template <class T, int V, int P>
__device__ __forceinline__ void attend_chosen(const CacheAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  const int kvHead = key_head(a, head);
  load_query(a, token, head, shared);
  const size_t row = (size_t)kvHead * CHUNK_POSITIONS;
  const ChosenKeys<T, P> keys = {a.chunks, Selection(a.chosen, token, kvHead), row, a.headDim, s.valueDim};
  attend<T, V>(s, keys, chosen_keys(a.chosen, s.firstPosition + token), token, head, blockIdx.z, shared);
}

struct LatentAttention {
  Spans spans;
  const float* absorbed;
  const float* q;
  int ropeDim;
  int nopeDim;
  Chosen chosen;
  Chunks chunks;
};

__device__ __forceinline__ void load_query(const LatentAttention& a, int token, int head, Shared& shared) {
  const Spans& s = a.spans;
  const size_t row = (size_t)token * s.heads + head;
  for (int d = threadIdx.x; d < s.valueDim; d += THREADS) {
    shared.query[d] = a.absorbed[row * s.valueDim + d];
  }
  for (int d = threadIdx.x; d < a.ropeDim; d += THREADS) {
    shared.query[s.valueDim + d] = a.q[row * (a.nopeDim + a.ropeDim) + a.nopeDim + d];
  }
  __syncthreads();
}

template <class T, int V>
__device__ __forceinline__ void attend_latents(const LatentAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  load_query(a, token, head, shared);
  const int position = s.firstPosition + token;
  const int start = (s.firstSpan + (int)blockIdx.z) * SPAN;
  const CachedLatents<T, V> keys(a.chunks, min(start, position / SPAN * SPAN), position + 1, s.valueDim + a.ropeDim);
  attend<T, V>(s, keys, end_visible(s, position), token, head, blockIdx.z, shared);
}

template <class T, int V>
__device__ __forceinline__ void attend_chosen_latents(const LatentAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  load_query(a, token, head, shared);
  const ChosenLatents<T, V> keys = {a.chunks, Selection(a.chosen, token, 0), s.valueDim + a.ropeDim};
  attend<T, V>(s, keys, chosen_keys(a.chosen, s.firstPosition + token), token, head, blockIdx.z, shared);
}

// Rows of entries, or of those that were chosen, and behind them those of the last positions.
template <class T, int V>
struct CompressedRows {
  using Element = T;
  static constexpr int RUN = V;
  const Chunks& chunks;
  const float* chosen;  // or null for all
  int entries;
  int firstRecent;   // the first position
  int entryChunks;  // behind which those of positions are
  int keyDim;

  __device__ __forceinline__ const T* key(int key) const {
    int row = key - entries + firstRecent;
    int chunk = entryChunks + row / CHUNK_POSITIONS;
    if (key < entries) {
      row = chosen == nullptr ? key : (int)__ldg(chosen + key);
      chunk = row / CHUNK_POSITIONS;
    }
    return (const T*)chunk_at(chunks, chunk) + (size_t)(row % CHUNK_POSITIONS) * keyDim;
  }

  __device__ __forceinline__ const T* value(int number) const {
    return key(number);
  }

  __device__ __forceinline__ float bias(int distance) const {
    return 0.0f;
  }

  __device__ __forceinline__ void scores(
      const Spans& s, int from, int begin, int end, int position, Shared& shared) const {
    row_scores(*this, s, from, begin, end, position, shared);
  }
};

struct CompressedAttention {
  Spans spans;
  const float* q;
  const float* chosen;  // entries, [token, most], or null for all
  int most;
  int rate;  // positions of an entry; 0 for no entries
  int recent;
  int entryChunks;
  Chunks chunks;
};

template <class T, int V>
__device__ __forceinline__ void attend_compressed(const CompressedAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  for (int d = threadIdx.x; d < s.valueDim; d += THREADS) {
    shared.query[d] = a.q[((size_t)token * s.heads + head) * s.valueDim + d];
  }
  __syncthreads();
  const int positions = s.firstPosition + token + 1;
  const int complete = a.rate == 0 ? 0 : positions / a.rate;
  const int entries = a.chosen == nullptr ? complete : min(complete, a.most);
  const int recent = min(positions, a.recent);
  const float* chosen = a.chosen == nullptr ? nullptr : a.chosen + (size_t)token * a.most;
  const CompressedRows<T, V> rows = {a.chunks, chosen, entries, positions - recent, a.entryChunks, s.valueDim};
  attend<T, V>(s, rows, entries + recent, token, head, blockIdx.z, shared);
}

struct SequenceAttention {
  Spans spans;
  const float* q;
  const float* k;
  const float* v;
  const float* bias;
  int reach;
};

template <int V>
__device__ __forceinline__ void attend_sequence(const SequenceAttention& a) {
  __shared__ Shared shared;
  const Spans& s = a.spans;
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  const int width = s.heads * s.valueDim;
  for (int d = threadIdx.x; d < s.valueDim; d += THREADS) {
    shared.query[d] = a.q[(size_t)token * width + head * s.valueDim + d];
  }
  __syncthreads();
  const SequenceRows<V> keys = {a.k + head * s.valueDim,
                                a.v + head * s.valueDim,
                                a.bias == nullptr ? nullptr : a.bias + (size_t)head * (2 * a.reach + 1),
                                width,
                                s.valueDim,
                                a.reach};
  attend<float, V>(s, keys, end_visible(s, s.firstPosition + token), token, head, blockIdx.z, shared);
}

// Two blocks at least for each processor leave registers enough that none is spilled.
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS, 2) name

KERNEL(attend_f16)(const CacheAttention a) { attend_cache<__half, 8>(a); }
KERNEL(attend_f32)(const CacheAttention a) { attend_cache<float, 4>(a); }
KERNEL(attend_odd_f16)(const CacheAttention a) { attend_cache<__half, 1>(a); }
KERNEL(attend_odd_f32)(const CacheAttention a) { attend_cache<float, 1>(a); }
KERNEL(attend_chosen_f16)(const CacheAttention a) { attend_chosen<__half, 8, 8>(a); }
KERNEL(attend_chosen_f32)(const CacheAttention a) { attend_chosen<float, 4, 4>(a); }
KERNEL(attend_chosen_odd_f16)(const CacheAttention a) { attend_chosen<__half, 1, 1>(a); }
KERNEL(attend_chosen_odd_f32)(const CacheAttention a) { attend_chosen<float, 1, 1>(a); }
KERNEL(attend_latents_f16)(const LatentAttention a) { attend_latents<__half, 8>(a); }
KERNEL(attend_latents_f32)(const LatentAttention a) { attend_latents<float, 4>(a); }
KERNEL(attend_latents_odd_f16)(const LatentAttention a) { attend_latents<__half, 1>(a); }
KERNEL(attend_latents_odd_f32)(const LatentAttention a) { attend_latents<float, 1>(a); }
KERNEL(attend_chosen_latents_f16)(const LatentAttention a) { attend_chosen_latents<__half, 8>(a); }
KERNEL(attend_chosen_latents_f32)(const LatentAttention a) { attend_chosen_latents<float, 4>(a); }
KERNEL(attend_chosen_latents_odd_f16)(const LatentAttention a) { attend_chosen_latents<__half, 1>(a); }
KERNEL(attend_chosen_latents_odd_f32)(const LatentAttention a) { attend_chosen_latents<float, 1>(a); }
KERNEL(attend_compressed_f16)(const CompressedAttention a) { attend_compressed<__half, 8>(a); }
KERNEL(attend_compressed_f32)(const CompressedAttention a) { attend_compressed<float, 4>(a); }
KERNEL(attend_compressed_odd_f16)(const CompressedAttention a) { attend_compressed<__half, 1>(a); }
KERNEL(attend_compressed_odd_f32)(const CompressedAttention a) { attend_compressed<float, 1>(a); }
KERNEL(attend_sequence)(const SequenceAttention a) { attend_sequence<4>(a); }
KERNEL(attend_sequence_odd)(const SequenceAttention a) { attend_sequence<1>(a); }

// A block is a head of a token.
KERNEL(join_spans)(const Spans s) {
  const int head = blockIdx.x;
  const int token = blockIdx.y;
  const float* parts = s.partial + partial_at(s, token, head, 0);
  const int stride = s.valueDim + 2;
  const float sink = s.sinks == nullptr ? NONE : __ldg(s.sinks + head);
  float most = sink;
#pragma unroll 1
  for (int i = 0; i < s.numSpans; i++) {
    most = fmaxf(most, parts[i * stride]);
  }
  float total = 0;
#pragma unroll 1
  for (int i = 0; i < s.numSpans; i++) {
    total = total + parts[i * stride + 1] * joined(most, parts[i * stride]);
  }
  total += joined(most, sink);
#pragma unroll 1
  for (int d = threadIdx.x; d < s.valueDim; d += THREADS) {
    float sum = 0;
#pragma unroll 1
    for (int i = 0; i < s.numSpans; i++) {
      sum += parts[i * stride + 2 + d] * joined(most, parts[i * stride]);
    }
    s.out[((size_t)token * s.heads + head) * s.valueDim + d] = sum / total;
  }
}

// Heads of an index whose products with a key are computed together.
constexpr int INDEX_HEADS = 8;

struct IndexScores {
  float* scores;  // [token, list, stride]
  const float* q;
  const float* weights;  // of heads that choose together; null where each does for itself
  int heads;
  int dim;
  int firstPosition;
  int length;  // keys of a block
  int stride;
  int rate;  // positions of a key
  Chunks chunks;
};

struct IndexShared {
  float queries[INDEX_HEADS * MAX_QUERY];
  float parts[WARPS];
};

// The score of the block that starts at the thread's key: the largest product of a head in it, and more than any for
// the query's own.
__device__ __forceinline__ void score_block(
    const IndexScores& a, int token, int head, int key, float product, IndexShared& shared) {
  const int position = a.firstPosition + token;
  float most = key <= position ? product : NONE;
#pragma unroll 1
  for (int apart = min(a.length, LANES) / 2; apart > 0; apart /= 2) {
    most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, apart));
  }
  __syncthreads();
  if (lane_of_warp() == 0) {
    shared.parts[warp_of_block()] = most;
  }
  __syncthreads();
  if (key % a.length == 0 && key <= position) {
#pragma unroll 1
    for (int warp = 1; warp < a.length / LANES; warp++) {
      most = fmaxf(most, shared.parts[warp_of_block() + warp]);
    }
    const int block = key / a.length;
    a.scores[((size_t)token * a.heads + head) * a.stride + block] = block == position / a.length ? INFINITY : most;
  }
}

template <class T>
__device__ __forceinline__ void index_scores(const IndexScores& a) {
  __shared__ IndexShared shared;
  const int token = blockIdx.y;
  const int position = (a.firstPosition + token + 1) / a.rate - 1;  // of the last key
  if ((int)blockIdx.x * CHUNK_POSITIONS > position) {
    return;
  }
  const int key = blockIdx.x * CHUNK_POSITIONS + threadIdx.x;
  const T* keys = (const T*)chunk_at(a.chunks, blockIdx.x) +
      (size_t)(threadIdx.x / TILE_KEYS) * TILE_KEYS * a.dim + threadIdx.x % TILE_KEYS;
  float score = 0;
#pragma unroll 1
  for (int head = 0; head < a.heads; head += INDEX_HEADS) {
    const int count = min(INDEX_HEADS, a.heads - head) * a.dim;
    __syncthreads();
    for (int i = threadIdx.x; i < INDEX_HEADS * a.dim; i += THREADS) {
      shared.queries[i] = i < count ? a.q[((size_t)token * a.heads + head) * a.dim + i] : 0.0f;
    }
    __syncthreads();
    float sums[INDEX_HEADS] = {};
    if (key <= position) {
#pragma unroll 4
      for (int d = 0; d < a.dim; d++) {
        const float k = as_float(__ldg(keys + (size_t)d * TILE_KEYS));
#pragma unroll
        for (int i = 0; i < INDEX_HEADS; i++) {
          sums[i] = fmaf(shared.queries[i * a.dim + d], k, sums[i]);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < INDEX_HEADS; i++) {
      if (head + i < a.heads) {
        if (a.weights != nullptr) {
          score = fmaf(__ldg(a.weights + (size_t)token * a.heads + head + i), fmaxf(sums[i], 0.0f), score);
        } else {
          score_block(a, token, head + i, key, sums[i], shared);
        }
      }
    }
  }
  if (a.weights != nullptr && key <= position) {
    a.scores[(size_t)token * a.stride + key] = score;
  }
}

KERNEL(index_scores_f16)(const IndexScores a) { index_scores<__half>(a); }
KERNEL(index_scores_f32)(const IndexScores a) { index_scores<float>(a); }

struct KeyLists {
  const float* scores;  // [token, list, stride]
  float* out;           // [token, list, most]
  int lists;
  int stride;
  int firstPosition;
  int most;
  int length;
  int rate;
};

// Bits that are ordered as scores are; both zeros are one.
__device__ __forceinline__ uint32_t ordered_bits(float score) {
  const uint32_t bits = __float_as_uint(score + 0.0f);
  return bits ^ ((bits >> 31) != 0 ? 0xffffffffu : 0x80000000u);
}

constexpr int DIGIT_BITS = 4;
constexpr int DIGITS = 1 << DIGIT_BITS;

// Finds the bits of the `left`-th largest, a digit after another; `left` becomes how many that are equal to it belong
// to the largest.
__device__ __forceinline__ uint32_t last_of_largest(const float* scores, int count, int& left, int (*parts)[DIGITS]) {
  uint32_t last = 0;
#pragma unroll 1
  for (int shift = 32 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
    int counts[DIGITS] = {};
    for (int i = threadIdx.x; i < count; i += THREADS) {
      const uint32_t differing = (ordered_bits(scores[i]) ^ last) >> shift;
#pragma unroll
      for (int digit = 0; digit < DIGITS; digit++) {
        counts[digit] += differing == (uint32_t)digit;
      }
    }
#pragma unroll
    for (int digit = 0; digit < DIGITS; digit++) {
#pragma unroll
      for (int apart = LANES / 2; apart > 0; apart /= 2) {
        counts[digit] += __shfl_xor_sync(ALL_LANES, counts[digit], apart);
      }
      if (lane_of_warp() == 0) {
        parts[warp_of_block()][digit] = counts[digit];
      }
    }
    __syncthreads();
    int digit = DIGITS;
    int found = 0;
    do {
      left -= found;
      digit--;
      found = 0;
#pragma unroll
      for (int warp = 0; warp < WARPS; warp++) {
        found += parts[warp][digit];
      }
    } while (found < left);
    last |= (uint32_t)digit << shift;
    __syncthreads();
  }
  return last;
}

// A block writes a list: the numbers of the largest scores, of equal ones the first, in ascending order.
KERNEL(choose_keys)(const KeyLists a) {
  __shared__ int parts[WARPS][DIGITS];
  const int list = blockIdx.x;
  const int token = blockIdx.y;
  const int count = ((a.firstPosition + token + 1) / a.rate + a.length - 1) / a.length;
  const float* scores = a.scores + ((size_t)token * a.lists + list) * a.stride;
  float* out = a.out + ((size_t)token * a.lists + list) * a.most;
  if (count <= a.most) {
    for (int i = threadIdx.x; i < count; i += THREADS) {
      out[i] = (float)i;
    }
    return;
  }
  int left = a.most;
  const uint32_t last = last_of_largest(scores, count, left, parts);
  const unsigned before = (1u << lane_of_warp()) - 1;
  int larger = 0;  // before the lane's
  int equal = 0;
#pragma unroll 1
  for (int from = 0; from < count; from += THREADS) {
    const int i = from + threadIdx.x;
    const uint32_t bits = i < count ? ordered_bits(scores[i]) : 0;
    const bool isLarger = i < count && bits > last;
    const bool isEqual = i < count && bits == last;
    const unsigned larges = __ballot_sync(ALL_LANES, isLarger);
    const unsigned equals = __ballot_sync(ALL_LANES, isEqual);
    if (lane_of_warp() == 0) {
      parts[warp_of_block()][0] = __popc(larges);
      parts[warp_of_block()][1] = __popc(equals);
    }
    __syncthreads();
    int largerHere = larger + __popc(larges & before);
    int equalHere = equal + __popc(equals & before);
#pragma unroll
    for (int warp = 0; warp < WARPS; warp++) {
      if (warp < warp_of_block()) {
        largerHere += parts[warp][0];
        equalHere += parts[warp][1];
      }
      larger += parts[warp][0];
      equal += parts[warp][1];
    }
    if (isLarger || (isEqual && equalHere < left)) {
      out[largerHere + min(equalHere, left)] = (float)i;
    }
    __syncthreads();
  }
}

// What treats every token by itself: norms, rotations, the way into the cache, sums, element by element.
//
// Such operations follow each other in a model, each on what the one before has written of the same token. One launch
// computes a list of them: a block has the same part of all buffers in each, so that nobody else need be waited for.
// Bytes moved: every operand once in and once out, in a decode step from the second-level cache; the floor is the
// launch itself, a few microseconds, which is why there is one for the whole list.
//
// A row's sums depend on its length only: a short row is a warp's, a long one the block's, a lane or thread adding every
// 32nd or 512th element. A block has as many threads as it has elements, up to the 512 that those of a long row are.
#include "common.cuh"
#include "layout.cuh"
#include "numbers.cuh"

constexpr int WARPS = 16;
constexpr int LONG_ROW = 1024;

// Of each operation, a block has elements `blockIdx.x * extent` and on of `out`, and none from `length` on.
struct Operation {
  const float* x;
  const float* y;
  const float* z;
  void* out;
  void* more;  // a second output
  int code;
  int extent;
  int length;
  int cols;
  float alpha;
  float beta;
  int p[4];
};

struct Program {
  int count;
  float few[FEW_FACTORS];
  Operation operations[MAX_OPERATIONS];
};
static_assert(sizeof(Operation) == OPERATION_BYTES && offsetof(Program, operations) == OPERATIONS_AT,
              "as TokenProgram writes them");

struct Range {
  int begin;
  int end;
};

__device__ __forceinline__ Range range_of_block(const Operation& op) {
  const int begin = min((long long)blockIdx.x * op.extent, (long long)op.length);
  return {begin, min(op.length - begin, op.extent) + begin};
}

// Calls `element(i)` for each element of the block.
template <class F>
__device__ __forceinline__ void each(const Operation& op, F element) {
  const Range range = range_of_block(op);
#pragma unroll 1
  for (int i = range.begin + threadIdx.x; i < range.end; i += blockDim.x) {
    element(i);
  }
}

// A row's sum over `term(i)`, by a warp or by the block.
template <class F>
__device__ __forceinline__ float row_sum(int cols, float* parts, F term) {
  float sum = 0;
  if (cols < LONG_ROW) {
#pragma unroll 1
    for (int i = lane_of_warp(); i < cols; i += LANES) {
      sum += term(i);
    }
    return warp_sum(sum);
  }
#pragma unroll 1
  for (int i = threadIdx.x; i < cols; i += blockDim.x) {
    sum += term(i);
  }
  return block_sum<WARPS>(sum, parts);
}

// Calls `row(at)` for the start of each row of the block, and `element(i, state)` for each of its elements.
template <class R, class E>
__device__ __forceinline__ void each_row(const Operation& op, R row, E element) {
  const Range range = range_of_block(op);
  const bool isLong = op.cols >= LONG_ROW;
  const int step = isLong ? op.cols : warps_of_block() * op.cols;
#pragma unroll 1
  for (int at = range.begin + (isLong ? 0 : warp_of_block() * op.cols); at < range.end; at += step) {
    const auto state = row(at);
#pragma unroll 1
    for (int i = isLong ? threadIdx.x : lane_of_warp(); i < op.cols; i += isLong ? blockDim.x : LANES) {
      element(at, i, state);
    }
  }
}

__device__ __forceinline__ void rms_norm(const Operation& op, float* parts) {
  float* out = (float*)op.out;
  each_row(
      op,
      [&](int at) {
        const float squares = row_sum(op.cols, parts, [&](int i) { return op.x[at + i] * op.x[at + i]; });
        return 1.0f / sqrtf(squares / op.cols + op.alpha);
      },
      [&](int at, int i, float factor) { out[at + i] = op.x[at + i] * factor * op.y[i]; });
}

struct Moments {
  float mean;
  float factor;
};

__device__ __forceinline__ void layer_norm(const Operation& op, float* parts) {
  float* out = (float*)op.out;
  each_row(
      op,
      [&](int at) {
        const float mean = row_sum(op.cols, parts, [&](int i) { return op.x[at + i]; }) / op.cols;
        const float squares = row_sum(op.cols, parts, [&](int i) {
          const float apart = op.x[at + i] - mean;
          return apart * apart;
        });
        return Moments{mean, 1.0f / sqrtf(squares / op.cols + op.alpha)};
      },
      [&](int at, int i, Moments row) {
        const float normed = (op.x[at + i] - row.mean) * row.factor * op.y[i];
        out[at + i] = op.z == nullptr ? normed : normed + op.z[i];
      });
}

// p: heads, head dimension, first rotated element, whether neighbours are paired; cols: pairs; y, z: cosines and sines
// of the first token's position.
__device__ __forceinline__ void rope(const Operation& op) {
  float* x = (float*)op.out;
  const Range range = range_of_block(op);
  const int heads = op.p[0];
  const int width = heads * op.p[1];
  const int pairs = heads * op.cols;
  const int count = (range.end - range.begin) / width * pairs;
#pragma unroll 1
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    const int token = range.begin / width + i / pairs;
    const int head = i % pairs / op.cols;
    const int pair = i % op.cols;
    const bool neighbours = op.p[3] != 0;
    float* first = x + (size_t)token * width + head * op.p[1] + op.p[2] + (neighbours ? 2 * pair : pair);
    float* second = first + (neighbours ? 1 : op.cols);
    const float cos = op.y[(size_t)token * op.cols + pair];
    const float sin = op.z[(size_t)token * op.cols + pair];
    const float a = *first;
    const float b = *second;
    *first = a * cos - b * sin;
    *second = b * cos + a * sin;
  }
}

template <class T>
__device__ __forceinline__ T cached(float x);

template <>
__device__ __forceinline__ float cached(float x) {
  return x;
}

template <>
__device__ __forceinline__ __half cached(float x) {
  return cached_half(x);
}

// x, y: keys and values; out, more: the chunk of the cache for them, and null for values that are not kept; cols: elements
// of a value; p: heads, elements of a key, the first token's position counted from the chunk's, whether float16. Tokens
// outside the chunk are another operation's. The length counts the longer ones.
template <class T>
__device__ __forceinline__ void store_kv(const Operation& op) {
  T* keys = (T*)op.out;
  T* values = (T*)op.more;
  const int headDim = op.p[1];
  const int valueDim = op.cols;
  const int longest = max(headDim, valueDim);
  each(op, [&](int i) {
    const int vector = i / longest;
    const int position = vector / op.p[0] + op.p[2];
    if (position >= 0 && position < CHUNK_POSITIONS) {
      const size_t row = (size_t)(vector % op.p[0]) * CHUNK_POSITIONS;
      const int d = i % longest;
      if (d < headDim) {
        T* tile = keys + (row + position / TILE_KEYS * TILE_KEYS) * headDim;
        tile[(size_t)d * TILE_KEYS + position % TILE_KEYS] = cached<T>(op.x[(size_t)vector * headDim + d]);
      }
      if (values != nullptr && d < valueDim) {
        values[(row + position) * valueDim + d] = cached<T>(op.y[(size_t)vector * valueDim + d]);
      }
    }
  });
}

// x, y: latents and rotated keys; out: the chunk of the cache; p: floats of a latent, floats of a key, position and type
// as above. The length counts both.
template <class T>
__device__ __forceinline__ void store_latents(const Operation& op) {
  T* chunk = (T*)op.out;
  const int latentDim = op.p[0];
  const int ropeDim = op.p[1];
  const int width = latentDim + ropeDim;
  each(op, [&](int i) {
    const int token = i / width;
    const int d = i % width;
    const int position = token + op.p[2];
    if (position >= 0 && position < CHUNK_POSITIONS) {
      const float value = d < latentDim ? op.x[(size_t)token * latentDim + d]
                                        : op.y[(size_t)token * ropeDim + d - latentDim];
      chunk[(size_t)position * width + d] = cached<T>(value);
    }
  });
}

// Factor i of an operation that has one for every row: in memory, or among the few that came with the launch.
__device__ __forceinline__ float factor(const Program& program, const Operation& op, int i) {
  return op.y != nullptr ? op.y[i] : program.few[op.p[1] + i];
}

// p: rows that are summed. A row of weight 0 is not read.
__device__ __forceinline__ void weighted_sum(const Program& program, const Operation& op) {
  float* out = (float*)op.out;
  const int k = op.p[0];
  each(op, [&](int i) {
    const int row = i / op.cols * k;
    bool first = true;
    float sum = 0;
#pragma unroll 1
    for (int j = 0; j < k; j++) {
      const float weight = factor(program, op, row + j);
      if (weight != 0) {
        const float term = weight * op.x[(size_t)(row + j) * op.cols + i % op.cols];
        sum = first ? term : sum + term;
        first = false;
      }
    }
    out[i] = sum;
  });
}

// Divides each line of a matrix, whose elements are `step` apart, by its sum.
__device__ __forceinline__ void divide_lines(float* matrix, int size, int apart, int step, float epsilon) {
#pragma unroll 1
  for (int line = 0; line < size; line++) {
    float* first = matrix + line * apart;
    float sum = epsilon;
#pragma unroll 1
    for (int i = 0; i < size; i++) {
      sum += first[i * step];
    }
#pragma unroll 1
    for (int i = 0; i < size; i++) {
      first[i * step] /= sum;
    }
  }
}

// Makes a matrix doubly stochastic, columns being divided `times` times.
__device__ __forceinline__ void balance(float* matrix, int size, int times, float epsilon) {
#pragma unroll 1
  for (int row = 0; row < size; row++) {
    float* first = matrix + row * size;
    float most = first[0];
#pragma unroll 1
    for (int i = 1; i < size; i++) {
      most = fmaxf(most, first[i]);
    }
    float sum = 0;
#pragma unroll 1
    for (int i = 0; i < size; i++) {
      first[i] = expf(first[i] - most);
      sum += first[i];
    }
#pragma unroll 1
    for (int i = 0; i < size; i++) {
      first[i] = first[i] / sum + epsilon;
    }
  }
#pragma unroll 1
  for (int i = 0; i < times; i++) {
    if (i > 0) {
      divide_lines(matrix, size, size, 1, epsilon);
    }
    divide_lines(matrix, size, 1, size, epsilon);
  }
}

// x: what a linear map gives; y, z: bases and scales; alpha: what is added; p: streams, how often columns are divided.
// A thread has a row.
__device__ __forceinline__ void connect(const Operation& op) {
  float* out = (float*)op.out;
  const Range range = range_of_block(op);
  const int streams = op.p[0];
#pragma unroll 1
  for (int at = range.begin + threadIdx.x * op.cols; at < range.end; at += blockDim.x * op.cols) {
#pragma unroll 1
    for (int i = 0; i < op.cols; i++) {
      const int part = min(i / streams, 2);
      const float mix = op.x[at + i] * op.z[part] + op.y[i];
      out[at + i] = part == 0 ? sigmoid(mix) + op.alpha : part == 1 ? 2.0f * sigmoid(mix) : mix;
    }
    if (op.p[1] > 0) {
      balance(out + at + 2 * streams, streams, op.p[1], op.alpha);
    }
  }
}

// x: streams; y: coefficients; p: streams, coefficients of a token.
__device__ __forceinline__ void read_streams(const Operation& op) {
  float* out = (float*)op.out;
  each(op, [&](int i) {
    const int row = i / op.cols;
    const float* weights = op.y + (size_t)row * op.p[1];
    const float* x = op.x + (size_t)row * op.p[0] * op.cols + i % op.cols;
    float sum = weights[0] * x[0];
#pragma unroll 1
    for (int stream = 1; stream < op.p[0]; stream++) {
      sum += weights[stream] * x[(size_t)stream * op.cols];
    }
    out[i] = sum;
  });
}

// x: results; y: coefficients; p: streams, coefficients of a token.
__device__ __forceinline__ void write_streams(const Operation& op) {
  const Range range = range_of_block(op);
  const int streams = op.p[0];
  const int width = streams * op.cols;
  const int count = (range.end - range.begin) / width * op.cols;
#pragma unroll 1
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    const int row = range.begin / width + i / op.cols;
    const float x = op.x[(size_t)row * op.cols + i % op.cols];
    const float* weights = op.y + (size_t)row * op.p[1] + streams;
    float* out = (float*)op.out + (size_t)row * width + i % op.cols;
    float held[MOST_STREAMS];
#pragma unroll
    for (int from = 0; from < MOST_STREAMS; from++) {
      held[from] = from < streams ? out[(size_t)from * op.cols] : 0.0f;
    }
#pragma unroll 1
    for (int to = 0; to < streams; to++) {
      float sum = weights[to] * x;
#pragma unroll
      for (int from = 0; from < MOST_STREAMS; from++) {
        if (from < streams) {
          sum += weights[streams + from * streams + to] * held[from];
        }
      }
      out[(size_t)to * op.cols] = sum;
    }
  }
}

extern "C" __global__ void __launch_bounds__(WARPS * LANES, 2) each_token(const Program program) {
  __shared__ float parts[WARPS];
#pragma unroll 1
  for (int number = 0; number < program.count; number++) {
    const Operation& op = program.operations[number];
    float* out = (float*)op.out;
    switch (op.code) {
      case operations::RMS_NORM:
        rms_norm(op, parts);
        break;
      case operations::LAYER_NORM:
        layer_norm(op, parts);
        break;
      case operations::ADD_BIAS:
        each(op, [&](int i) { out[i] += op.x[i % op.cols]; });
        break;
      case operations::CLAMP:
        each(op, [&](int i) { out[i] = clamped(out[i], op.alpha); });
        break;
      case operations::COPY:
        each(op, [&](int i) { out[i] = op.x[i]; });
        break;
      case operations::SCALE:
        each(op, [&](int i) { out[i] = op.alpha * out[i]; });
        break;
      case operations::SCALE_ROWS:  // p: how many rows a row becomes
        each(op, [&](int i) {
          const int row = i / op.cols;
          out[i] = factor(program, op, row) * op.x[(size_t)(row / op.p[0]) * op.cols + i % op.cols];
        });
        break;
      case operations::COMBINE:
        each(op, [&](int i) { out[i] = op.alpha * op.x[i] + op.beta * op.y[i]; });
        break;
      case operations::ADD:
        each(op, [&](int i) { out[i] += op.x[i]; });
        break;
      case operations::ROPE:
        rope(op);
        break;
      case operations::STORE_KV:
        op.p[3] != 0 ? store_kv<__half>(op) : store_kv<float>(op);
        break;
      case operations::STORE_LATENTS:
        op.p[3] != 0 ? store_latents<__half>(op) : store_latents<float>(op);
        break;
      case operations::WEIGHTED_SUM:
        weighted_sum(program, op);
        break;
      case operations::ADD_ROWS:  // y: logits of a gate for every row, or null
        each(op, [&](int i) { out[i] += op.y == nullptr ? op.x[i] : sigmoid(op.y[i / op.cols]) * op.x[i]; });
        break;
      case operations::CLEAR:
        each(op, [&](int i) { out[i] = 0.0f; });
        break;
      case operations::MULTIPLY:
        each(op, [&](int i) { out[i] *= op.x[i]; });
        break;
      case operations::SIGMOID:
        each(op, [&](int i) { out[i] = sigmoid(out[i]); });
        break;
      case operations::SILU:
        each(op, [&](int i) { out[i] = out[i] / (1.0f + expf(-out[i])); });
        break;
      case operations::SOFTPLUS:  // above 20, the function rounds to its argument
        each(op, [&](int i) { out[i] = out[i] > 20.0f ? out[i] : log1pf(expf(out[i])); });
        break;
      case operations::GELU:
        each(op, [&](int i) { out[i] = 0.5f * out[i] * (1.0f + erff(out[i] * 0.70710678f)); });
        break;
      case operations::GELU_TANH:
        each(op, [&](int i) {
          float x = out[i];
          out[i] = 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
        });
        break;
      case operations::TANH:
        each(op, [&](int i) { out[i] = tanhf(out[i]); });
        break;
      case operations::ADD_SCALED:  // y: factors of columns
        each(op, [&](int i) { out[i] += op.y[i % op.cols] * op.x[i]; });
        break;
      case operations::CONNECT:
        connect(op);
        break;
      case operations::READ_STREAMS:
        read_streams(op);
        break;
      case operations::WRITE_STREAMS:
        write_streams(op);
        break;
    }
    __syncthreads();
  }
}

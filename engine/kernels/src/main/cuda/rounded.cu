// Quantised weights times rows of activations that are rounded to eight bits, for prompts.
//
// 32 neighbouring activations become whole numbers of -127 to 127 with one scale. Those of MXFP4 become three digits of
// that kind, each counting 254ths of the one before, which hold 24 bits. The products of 32 columns are added exactly,
// four by an instruction; then
//     sum += (products * scale of the weights [+ sum of activations * offset of the weights]) * scale of the activations
// in float32, block after block. These are the operations of engine/kernels/src/main/native/blocks.c in the same order, so that
// results have the bits of those kernels.
//
// A block of threads computes 64 rows of weights times 32 rows of activations, or 32 rows each of gate and up. 128
// columns of both are in shared memory together, where weights are whole numbers already: they are decoded once for 32
// rows. Bytes moved: weights once for every 32 rows of activations, of which all but the first come from the
// second-level cache; activations once for every 64 rows of weights, from there too. A thread computes four rows by two,
// and reads six times sixteen bytes of shared memory for 32 instructions that multiply.
#include "integers.cuh"
#include "tasks.cuh"

constexpr int COLS = 32;  // of a block of weights or activations
constexpr int PARTS = 4;  // tiles of sixteen rows
constexpr int ROWS = PARTS * TILE_ROWS;
constexpr int TOGETHER = 32;  // rows of activations
constexpr int HALF = TOGETHER / 2;
constexpr int BLOCKS = 4;  // in shared memory together
constexpr float BASE = 254;

// A smaller block is zero: the reciprocal of its scale would overflow.
constexpr float SMALLEST = 1e-35f;

// Added to a float of less than 2^22 it leaves no room for a fraction.
constexpr float WHOLE = 12582912.0f;

// Before 32 activations: what all their numbers are multiplied by, and the sum of the numbers.
struct __align__(16) Header {
  float scale;
  float sum;
};

// Activations in blocks, each a header and then a digit of every activation after the other.
template <int DIGITS>
struct Activations {
  static constexpr int BYTES = sizeof(Header) + DIGITS * COLS;
};

// `out` becomes the blocks of `x`: of all of it, or of those rows of `blocks` blocks that are listed.
struct Rounding {
  const float* x;
  uint8_t* out;
  const int* rows;  // or null
  int blocks;
};

// A warp rounds a block.
template <int DIGITS>
__device__ __forceinline__ void round_block(const Rounding& rounding) {
  const int block = blockIdx.x * WARPS + warp_of_block();
  if (block >= rounding.blocks) {
    return;
  }
  const int lane = lane_of_warp();
  const size_t first = rounding.rows == nullptr ? 0 : (size_t)rounding.rows[blockIdx.y] * rounding.blocks;
  uint8_t* out = rounding.out + (first + block) * Activations<DIGITS>::BYTES;
  float rest = rounding.x[(first + block) * COLS + lane];
  int bits = __float_as_int(rest) & 0x7fffffff;  // ordered as the numbers are, and NaN is above them all
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    bits = max(bits, __shfl_xor_sync(ALL_LANES, bits, apart));
  }
  const float largest = __int_as_float(bits);
  float factor = largest < SMALLEST ? 0.0f : 127.0f / largest;
#pragma unroll
  for (int digit = 0; digit < DIGITS; digit++) {
    const float rounded = fmaf(rest, factor, WHOLE);
    const int8_t number = (int8_t)(__float_as_int(rounded) - __float_as_int(WHOLE));
    rest = fmaf(rest, factor, WHOLE - rounded);
    factor = BASE;
    out[sizeof(Header) + digit * COLS + lane] = (uint8_t)number;
    if (digit == 0) {
      int sum = number;
#pragma unroll
      for (int apart = LANES / 2; apart > 0; apart /= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, apart);
      }
      if (lane == 0) {
        *reinterpret_cast<float2*>(out) = make_float2(largest / 127.0f, (float)sum);
      }
    }
  }
}

// What a block of threads works on. Rows of activations are one apart more than there are, so that threads that write
// neighbouring columns use different banks.
template <int DIGITS>
struct Slab {
  uint4 weights[BLOCKS][2][ROWS];
  uint4 x[BLOCKS][DIGITS][2][TOGETHER + 1];
  float2 headers[BLOCKS][TOGETHER + 1];
  float scales[BLOCKS][ROWS];
  float others[BLOCKS][ROWS];
};

__device__ __forceinline__ int dot(const uint4& a, const uint4& b, int sum) {
  sum = __dp4a((int)a.x, (int)b.x, sum);
  sum = __dp4a((int)a.y, (int)b.y, sum);
  sum = __dp4a((int)a.z, (int)b.z, sum);
  return __dp4a((int)a.w, (int)b.w, sum);
}

// Where a row of weights of a block of threads is: gate and up have a half of the parts each.
__device__ __forceinline__ int tile_of_part(const Task& task, int part) {
  return task.up == nullptr ? blockIdx.x * PARTS + part : blockIdx.x * (PARTS / 2) + part % (PARTS / 2);
}

// A thread decodes a row of a block.
template <class T>
__device__ __forceinline__ void load_weights(const Task& task, int firstBlock, Slab<DIGITS<T>>& slab) {
  const int row = threadIdx.x % ROWS;
  const int b = threadIdx.x / ROWS;
  const int part = row / TILE_ROWS;
  const int tile = tile_of_part(task, part);
  Integers integers = {};
  if (tile * TILE_ROWS < task.rows && (firstBlock + b) * COLS < task.cols) {
    const uint8_t* weights = task.up != nullptr && part >= PARTS / 2 ? task.up : task.weights;
    decode(T(), weights + tile * T::tile_bytes(task.cols), firstBlock + b, row % TILE_ROWS, integers);
  }
  const uint32_t(&words)[8] = integers.words;
  slab.weights[b][0][row] = make_uint4(words[0], words[1], words[2], words[3]);
  slab.weights[b][1][row] = make_uint4(words[4], words[5], words[6], words[7]);
  slab.scales[b][row] = integers.scale;
  if (HALVES<T> || OFFSETS<T>) {
    slab.others[b][row] = integers.other;
  }
}

// Eight threads copy a row.
template <int DIGITS>
__device__ __forceinline__ void load_activations(const uint8_t* row, int cols, int firstBlock, Slab<DIGITS>& slab) {
  const int i = threadIdx.x / 8;
  const int b = threadIdx.x % 8 / 2;
  const int half = threadIdx.x % 2;
  if ((firstBlock + b) * COLS >= cols) {
    return;
  }
  const uint8_t* block = row + (size_t)(firstBlock + b) * Activations<DIGITS>::BYTES;
#pragma unroll
  for (int digit = 0; digit < DIGITS; digit++) {
    slab.x[b][digit][half][i] = at<uint4>(block, sizeof(Header) + digit * COLS + half * COLS / 2);
  }
  if (half == 0) {
    slab.headers[b][i] = at<float2>(block, 0);
  }
}

// Adds four rows of weights, one of each part, times N rows of activations.
template <class T, int N>
__device__ __forceinline__ void add_block(const Slab<DIGITS<T>>& slab, int b, float (&sums)[2][PARTS]) {
  constexpr int PRODUCTS = HALVES<T> ? 2 : DIGITS<T>;
  const int row = threadIdx.x % TILE_ROWS;
  const int first = threadIdx.x / TILE_ROWS;
  int products[PRODUCTS][N][PARTS] = {};
#pragma unroll
  for (int half = 0; half < 2; half++) {
    uint4 w[PARTS];
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      w[part] = slab.weights[b][half][part * TILE_ROWS + row];
    }
#pragma unroll
    for (int digit = 0; digit < DIGITS<T>; digit++) {
#pragma unroll
      for (int i = 0; i < N; i++) {
        const uint4 x = slab.x[b][digit][half][first + i * HALF];
#pragma unroll
        for (int part = 0; part < PARTS; part++) {
          int& product = products[HALVES<T> ? half : digit][i][part];
          product = dot(w[part], x, product);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < N; i++) {
    const float2 header = slab.headers[b][first + i * HALF];
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      float product = (float)products[DIGITS<T> - 1][i][part];
#pragma unroll
      for (int digit = DIGITS<T> - 2; digit >= 0; digit--) {
        product = fmaf(product, 1.0f / BASE, (float)products[digit][i][part]);
      }
      float scaled = product * slab.scales[b][part * TILE_ROWS + row];
      if (HALVES<T>) {
        scaled = fmaf((float)products[PRODUCTS - 1][i][part], slab.others[b][part * TILE_ROWS + row], scaled);
      } else if (OFFSETS<T>) {
        scaled = fmaf(header.y, slab.others[b][part * TILE_ROWS + row], scaled);
      }
      sums[i][part] = fmaf(scaled, header.x, sums[i][part]);
    }
  }
}

template <class T>
__device__ __forceinline__ void multiply_rounded(const Tasks& tasks) {
  __shared__ Slab<DIGITS<T>> slab;
  const Task task = task_of_block(tasks);
  const int first = blockIdx.y * TOGETHER;
  if (tile_of_part(task, 0) * TILE_ROWS >= task.rows || first >= task.n) {
    return;
  }
  const int left = min(task.n - first, TOGETHER);
  const auto* copied = reinterpret_cast<const uint8_t*>(x_row(task, first + min((int)threadIdx.x / 8, left - 1)));
  float sums[2][PARTS] = {};
#pragma unroll 1
  for (int block = 0; block * COLS < task.cols; block += BLOCKS) {
    __syncthreads();
    load_weights<T>(task, block, slab);
    load_activations(copied, task.cols, block, slab);
    __syncthreads();
    const int blocks = min(BLOCKS, task.cols / COLS - block);
#pragma unroll 1
    for (int b = 0; b < blocks; b++) {
      if (left > HALF) {
        add_block<T, 2>(slab, b, sums);
      } else {
        add_block<T, 1>(slab, b, sums);
      }
    }
  }
  const int column = threadIdx.x / TILE_ROWS;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    if (column + i * HALF < left) {
      float* out = out_row(task, first + column + i * HALF);
#pragma unroll
      for (int part = 0; part < (task.up == nullptr ? PARTS : PARTS / 2); part++) {
        const int row = tile_of_part(task, part) * TILE_ROWS + threadIdx.x % TILE_ROWS;
        if (row < task.rows) {
          out[row] = activated(task, sums[i][part], task.up == nullptr ? 0.0f : sums[i][part % 2 + 2], row);
        }
      }
    }
  }
}

#ifndef ONE_TYPE // what types have in common

KERNEL(round_to_one_digit)(const Rounding rounding) {
  round_block<1>(rounding);
}

KERNEL(round_to_three_digits)(const Rounding rounding) {
  round_block<3>(rounding);
}

#endif

// Two blocks of threads at least for each processor.
#define ROUNDED(type, T)                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS, 2) multiply_rounded_##type(const Tasks tasks) { \
    multiply_rounded<T>(tasks);                                                                           \
  }

ROUNDED(q8_0, Q8_0)
ROUNDED(q4_0, Q4_0)
ROUNDED(q4_1, Q4_1)
ROUNDED(q5_0, Q5_0)
ROUNDED(q5_1, Q5_1)
ROUNDED(iq4_nl, IQ4_NL)
ROUNDED(iq4_xs, IQ4_XS)
ROUNDED(mxfp4, MXFP4)
ROUNDED(q4_k, Q4_K)
ROUNDED(q5_k, Q5_K)
ROUNDED(q6_k, Q6_K)

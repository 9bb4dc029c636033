// Matrices times rows of activations, and rows of a table of embeddings.
//
// One launch computes a table of tasks: the projections of a layer's input, a matrix for each head, or the experts of
// a batch. Bytes moved: each tile once for every ROWS_TOGETHER rows of activations, of which all but the first come from
// the second-level cache; activations once for every tile, from there too. The floor of one row is therefore the bytes
// of the weights over the memory's bandwidth. A warp has 512 bytes of weights and more in flight for every unit that it
// has unrolled: four, two or one of them, where there is one row, by type.
#include "points.cuh"
#include "tasks.cuh"

template <int N>
__device__ __forceinline__ void add_eight(
    const float (&w)[EIGHT], const float4 (&x)[N], int first, float (&sums)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int column = 0; column < 4; column++) {
      sums[i] = fmaf(w[first + column], float_of(x[i], column), sums[i]);
    }
  }
}

// The sums of the lanes that have a row.
template <int N>
__device__ __forceinline__ void gather_rows(const float (&sums)[N], float (*parts)[N][TILE_ROWS]) {
#pragma unroll
  for (int i = 0; i < N; i++) {
    const float sum = sums[i] + __shfl_xor_sync(ALL_LANES, sums[i], TILE_ROWS);
    if (lane_of_warp() < TILE_ROWS) {
      parts[warp_of_block()][i][lane_of_warp()] = sum;
    }
  }
  clear_absent<N>(parts);
}

// As `multiply`, of weights that are decoded in eights: lane l has row l % 16 and every other eight of the warp's columns.
template <class T, int N, bool GATED>
__device__ __forceinline__ void multiply_eights(const Tasks& tasks) {
  __shared__ float parts[GATED ? 2 : 1][WARPS][N][TILE_ROWS];
  const Task task = task_of_block(tasks);
  const int tile = blockIdx.x;
  const int first = blockIdx.y * N;
  if (tile * TILE_ROWS >= task.rows || first >= task.n) {
    return;
  }
  const int row = lane_of_warp() % TILE_ROWS;
  const float* x[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    x[i] = x_row(task, min(first + i, task.n - 1));
  }
  const uint8_t* weights = task.weights + tile * T::tile_bytes(task.cols);
  const uint8_t* ups = GATED ? task.up + tile * T::tile_bytes(task.cols) : nullptr;
  float sums[N] = {};
  float upSums[N] = {};
#pragma unroll 1
  for (int k = threadIdx.x / TILE_ROWS * EIGHT; k < task.cols; k += blockDim.x / TILE_ROWS * EIGHT) {
    float w[EIGHT];
    T::eight(weights, k, row, w);
    float up[EIGHT];
    if (GATED) {
      T::eight(ups, k, row, up);
    }
#pragma unroll
    for (int half = 0; half < EIGHT; half += 4) {
      float4 values[N];
#pragma unroll
      for (int i = 0; i < N; i++) {
        values[i] = four(x[i], k + half, task.cols, true);
      }
      add_eight<N>(w, values, half, sums);
      if (GATED) {
        add_eight<N>(up, values, half, upSums);
      }
    }
  }
  gather_rows<N>(sums, parts[0]);
  if (GATED) {
    gather_rows<N>(upSums, parts[GATED ? 1 : 0]);
  }
  write_totals<N, GATED>(task, tile, first, parts);
}

// Tokens whose rows are wanted. Few of them come with the launch.
struct Lookup {
  const uint8_t* table;
  float* out;
  const int* many;  // null if they are few
  int cols;
  int few[FEW_TOKENS];
};

__device__ __forceinline__ int token_of_block(const Lookup& lookup) {
  return lookup.many != nullptr ? lookup.many[blockIdx.x] : lookup.few[blockIdx.x];
}

// A block is a token. It reads the tile of sixteen rows, of which it wants one.
template <class T>
__device__ __forceinline__ void embed(const Lookup& lookup) {
  const int token = token_of_block(lookup);
  const int row = token % TILE_ROWS;
  const int lane = lane_of_warp();
  const uint8_t* tile = lookup.table + token / TILE_ROWS * T::tile_bytes(lookup.cols);
  float* out = lookup.out + (size_t)blockIdx.x * lookup.cols;
  const int units = (lookup.cols + T::UNIT - 1) / T::UNIT;
  for (int unit = warp_of_block(); unit < units; unit += WARPS) {
    const typename T::Fragment fragment = T::load(tile, unit, lane, lookup.cols);
#pragma unroll
    for (int quad = 0; quad < T::QUADS; quad++) {
      const int column = T::column(unit, lane, quad);
      float w[4][4];
      T::decode(fragment, quad, w);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float value = row % 4 == 0 ? w[0][i] : row % 4 == 1 ? w[1][i] : row % 4 == 2 ? w[2][i] : w[3][i];
        if (lane % 4 == row / 4 && column + i < lookup.cols) {
          out[column + i] = value;
        }
      }
    }
  }
}

template <class T>
__device__ __forceinline__ void embed_eights(const Lookup& lookup) {
  const int token = token_of_block(lookup);
  const uint8_t* tile = lookup.table + token / TILE_ROWS * T::tile_bytes(lookup.cols);
  float* out = lookup.out + (size_t)blockIdx.x * lookup.cols;
  for (int k = threadIdx.x * EIGHT; k < lookup.cols; k += THREADS * EIGHT) {
    float w[EIGHT];
    T::eight(tile, k, token % TILE_ROWS, w);
#pragma unroll
    for (int i = 0; i < EIGHT; i++) {
      out[k + i] = w[i];
    }
  }
}

// `multiply` and `embed` for one type of weights.
#define PRODUCTS(type, T, multiply, embed)                                                           \
  KERNEL(multiply_one_##type)(const Tasks tasks) { multiply<T, 1, false>(tasks); }                   \
  KERNEL(multiply_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, false>(tasks); }           \
  KERNEL(multiply_gated_one_##type)(const Tasks tasks) { multiply<T, 1, true>(tasks); }              \
  KERNEL(multiply_gated_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, true>(tasks); }      \
  KERNEL(embed_##type)(const Lookup lookup) { embed<T>(lookup); }
#define TILED(type, T) PRODUCTS(type, T, multiply, embed)
#define BY_EIGHTS(type, T) PRODUCTS(type, T, multiply_eights, embed_eights)

TILED(f32, F32)
TILED(f16, F16)
TILED(bf16, BF16)
TILED(q8_0, Q8_0)
TILED(q4_0, Q4_0)
TILED(q4_1, Q4_1)
TILED(q5_0, Q5_0)
TILED(q5_1, Q5_1)
TILED(iq4_nl, IQ4_NL)
TILED(iq4_xs, IQ4_XS)
TILED(mxfp4, MXFP4)
TILED(q4_k, Q4_K)
TILED(q5_k, Q5_K)
TILED(q6_k, Q6_K)
BY_EIGHTS(q2_k, Q2_K)
BY_EIGHTS(q3_k, Q3_K)
BY_EIGHTS(nvfp4, NVFP4)
BY_EIGHTS(q1_0, Q1_0)
BY_EIGHTS(q2_0, Q2_0)
BY_EIGHTS(tq1_0, TQ1_0)
BY_EIGHTS(tq2_0, TQ2_0)
BY_EIGHTS(iq1_s, IQ1_S)
BY_EIGHTS(iq1_m, IQ1_M)
BY_EIGHTS(iq2_xxs, IQ2_XXS)
BY_EIGHTS(iq2_xs, IQ2_XS)
BY_EIGHTS(iq2_s, IQ2_S)
BY_EIGHTS(iq3_xxs, IQ3_XXS)
BY_EIGHTS(iq3_s, IQ3_S)

#ifndef ONE_TYPE // what types have in common

// What gate and up of experts come to where each was multiplied by itself, since they are of different types: a task's
// `out` [n, rows] becomes the activation of itself and `x` [n, rows].
KERNEL(activate_pairs)(const Tasks tasks) {
  Task task = task_of_block(tasks);
  task.bias = nullptr;
  task.upBias = nullptr;
  const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
  if (i < (size_t)task.n * task.rows) {
    task.out[i] = activated(task, task.out[i], task.x[i], 0);
  }
}

// Row `rows[i]` of x to row `outRows[i]` of out; a block is a row.
struct RowCopy {
  const float* x;
  float* out;
  const int* rows;
  const int* outRows;
  int cols;
};

KERNEL(copy_rows)(const RowCopy copy) {
  const float* from = copy.x + (size_t)copy.rows[blockIdx.x] * copy.cols;
  float* to = copy.out + (size_t)copy.outRows[blockIdx.x] * copy.cols;
  for (int i = threadIdx.x; i < copy.cols; i += THREADS) {
    to[i] = from[i];
  }
}

#endif

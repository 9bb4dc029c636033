// Matrices times rows of activations, and rows of a table of embeddings.
//
// One launch computes a table of tasks: the projections of a layer's input, a matrix for each head, or the experts of
// a batch. Bytes moved: each tile once for every ROWS_TOGETHER rows of activations, of which all but the first come from
// the second-level cache; activations once for every tile, from there too. The floor of one row is therefore the bytes
// of the weights over the memory's bandwidth. A warp has 512 bytes of weights and more in flight for every unit that it
// has unrolled: four, two or one of them, where there is one row, by type.
#include "points.cuh"
#include "tasks.cuh"

// A warp computes one row of weights at a time, a lane every 32nd column.
template <class T>
__device__ __forceinline__ void multiply_rows(const Tasks& tasks) {
  const Task task = task_of_block(tasks);
  const int first = blockIdx.y * ROWS_TOGETHER;
  if (first >= task.n) {
    return;
  }
  const int end = min((int)(blockIdx.x + 1) * TILE_ROWS, task.rows);
  for (int row = blockIdx.x * TILE_ROWS + warp_of_block(); row < end; row += warps_of_block()) {
    float sums[ROWS_TOGETHER] = {};
#pragma unroll 1
    for (int column = lane_of_warp(); column < task.cols; column += LANES) {
      const float w = T::element(task.weights, task.cols, row, column);
#pragma unroll
      for (int i = 0; i < ROWS_TOGETHER; i++) {
        sums[i] = fmaf(w, x_row(task, min(first + i, task.n - 1))[column], sums[i]);
      }
    }
#pragma unroll
    for (int i = 0; i < ROWS_TOGETHER; i++) {
      const float sum = warp_sum(sums[i]);
      if (lane_of_warp() == 0 && first + i < task.n) {
        out_row(task, first + i)[row] = activated(task, sum, 0.0f, row);
      }
    }
  }
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
__device__ __forceinline__ void embed_rows(const Lookup& lookup) {
  const int row = token_of_block(lookup);
  for (int column = threadIdx.x; column < lookup.cols; column += THREADS) {
    lookup.out[(size_t)blockIdx.x * lookup.cols + column] = T::element(lookup.table, lookup.cols, row, column);
  }
}

// Two blocks at least for each processor, which leaves registers enough that none is spilled.
#define SMALL_KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS, 2) name

#define TILED(type, T)                                                                               \
  KERNEL(multiply_one_##type)(const Tasks tasks) { multiply<T, 1, false>(tasks); }                   \
  KERNEL(multiply_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, false>(tasks); }           \
  KERNEL(multiply_gated_one_##type)(const Tasks tasks) { multiply<T, 1, true>(tasks); }              \
  KERNEL(multiply_gated_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, true>(tasks); }      \
  KERNEL(embed_##type)(const Lookup lookup) { embed<T>(lookup); }

#define ONE_BY_ONE(type, T)                                                                             \
  SMALL_KERNEL(multiply_##type)(const Tasks tasks) { multiply_rows<T>(tasks); }                            \
  KERNEL(embed_##type)(const Lookup lookup) { embed_rows<T>(lookup); }

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
ONE_BY_ONE(q2_k, Q2_K)
ONE_BY_ONE(q3_k, Q3_K)
ONE_BY_ONE(nvfp4, NVFP4)
ONE_BY_ONE(q1_0, Q1_0)
ONE_BY_ONE(q2_0, Q2_0)
ONE_BY_ONE(tq1_0, TQ1_0)
ONE_BY_ONE(tq2_0, TQ2_0)
ONE_BY_ONE(iq1_s, IQ1_S)
ONE_BY_ONE(iq1_m, IQ1_M)
ONE_BY_ONE(iq2_xxs, IQ2_XXS)
ONE_BY_ONE(iq2_xs, IQ2_XS)
ONE_BY_ONE(iq2_s, IQ2_S)
ONE_BY_ONE(iq3_xxs, IQ3_XXS)
ONE_BY_ONE(iq3_s, IQ3_S)

#ifndef ONE_TYPE // what types have in common

// What gate and up of experts come to where each was multiplied by itself, since they are of different types or of one
// that is decoded weight by weight: a task's `out` [n, rows] becomes the activation of itself and `x` [n, rows].
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

// A tile of sixteen rows of a matrix times rows of activations, which is what a block of a product computes.
//
// One launch computes a table of tasks. A block has a tile and up to ROWS_TOGETHER rows of activations; its warps share
// the columns. The order of a sum depends on the number of columns only: a lane adds its columns in ascending units, then
// lanes are added, then warps. A product of few columns, for which a warp has one unit at most, has fewer warps, since
// others would add zeros.
#pragma once
#include "numbers.cuh"
#include "weights.cuh"

constexpr int WARPS = 8;  // at most
constexpr int THREADS = WARPS * LANES;

// `out[outRows[i]] = activation(weights * x[xRows[i]] + bias)` for i below n; without lists, row i is row i.
struct Task {
  const uint8_t* weights;
  const uint8_t* up;  // of a gated activation; null otherwise
  const float* bias;  // or null
  const float* upBias;
  const float* x;
  float* out;
  const int* xRows;
  const int* outRows;
  int rows;
  int cols;
  int n;
  int xStride;
  int outStride;
  int activation;
  float limit;
  float alpha;
};
static_assert(sizeof(Task) == TASK_BYTES, "as Tasks writes it");

// As many tasks as the grid is deep. Few of them come with the launch.
struct Tasks {
  const Task* many;  // null if they are few
  Task few[FEW_TASKS];
};

__device__ __forceinline__ Task task_of_block(const Tasks& tasks) {
  return tasks.many != nullptr ? tasks.many[blockIdx.z] : tasks.few[blockIdx.z];
}

__device__ __forceinline__ float activated(const Task& task, float product, float up, int row) {
  float x = product + (task.bias == nullptr ? 0.0f : __ldg(task.bias + row));
  float u = up + (task.upBias == nullptr ? 0.0f : __ldg(task.upBias + row));
  switch (task.activation) {
    case activations::SWIGLU:
      return x / (1.0f + expf(-x)) * u;
    case activations::CLAMPED_SWIGLU:
      x = x > task.limit ? task.limit : x;
      return x / (1.0f + expf(-task.alpha * x)) * (clamped(u, task.limit) + 1.0f);
    case activations::LIMITED_SWIGLU:
      x = x > task.limit ? task.limit : x;
      return x / (1.0f + expf(-x)) * clamped(u, task.limit);
    case activations::CAPPED_SWIGLU:
      x = x / (1.0f + expf(-x));
      return (x > task.limit ? task.limit : x) * clamped(u, task.limit);
    case activations::GEGLU: {  // 1 + tanh(z) is 2 / (1 + exp(-2 z))
      const float alpha = 1.59576912f * (1.0f + 0.044715f * x * x);
      return x / (1.0f + expf(-alpha * x)) * u;
    }
    case activations::RELU:
      return x < 0.0f ? 0.0f : x;
    case activations::SQUARED_RELU:
      return x < 0.0f ? 0.0f : x * x;
    default:
      return x;
  }
}

__device__ __forceinline__ const float* x_row(const Task& task, int i) {
  return task.x + (size_t)(task.xRows == nullptr ? i : __ldg(task.xRows + i)) * task.xStride;
}

__device__ __forceinline__ float* out_row(const Task& task, int i) {
  return task.out + (size_t)(task.outRows == nullptr ? i : __ldg(task.outRows + i)) * task.outStride;
}

__device__ __forceinline__ float one(const float* x, int column, int cols) {
  return column < cols ? __ldg(x + column) : 0.0f;
}

// Four neighbours of a row of activations; zeros beyond its end.
__device__ __forceinline__ float4 four(const float* x, int column, int cols, bool aligned) {
  if (aligned) {
    return column < cols ? __ldg(reinterpret_cast<const float4*>(x + column)) : make_float4(0, 0, 0, 0);
  }
  return make_float4(
      one(x, column, cols), one(x, column + 1, cols), one(x, column + 2, cols), one(x, column + 3, cols));
}

template <int N>
__device__ __forceinline__ void add(const float w[4][4], const float4 (&x)[N], float (&sums)[N][4]) {
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      float sum = fmaf(w[row][0], x[i].x, sums[i][row]);
      sum = fmaf(w[row][1], x[i].y, sum);
      sum = fmaf(w[row][2], x[i].z, sum);
      sums[i][row] = fmaf(w[row][3], x[i].w, sum);
    }
  }
}

// Zeros for warps that the block does not have.
template <int N>
__device__ __forceinline__ void clear_absent(float (*parts)[N][TILE_ROWS]) {
#pragma unroll 1
  for (int warp = warp_of_block() + warps_of_block(); warp < WARPS; warp += warps_of_block()) {
#pragma unroll
    for (int i = lane_of_warp(); i < N * TILE_ROWS; i += LANES) {
      parts[warp][i / TILE_ROWS][i % TILE_ROWS] = 0.0f;
    }
  }
}

// The sums of a warp: rows 4 (l % 4) and on are those of lanes with the same l % 4.
template <int N>
__device__ __forceinline__ void gather(float (&sums)[N][4], float (*parts)[N][TILE_ROWS]) {
  const int lane = lane_of_warp();
#pragma unroll
  for (int i = 0; i < N; i++) {
#pragma unroll
    for (int row = 0; row < 4; row++) {
      float sum = sums[i][row];
#pragma unroll
      for (int apart = LANES / 2; apart >= 4; apart /= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, apart);
      }
      if (lane < 4) {
        parts[warp_of_block()][i][4 * lane + row] = sum;
      }
    }
  }
  clear_absent<N>(parts);
}

template <int N>
__device__ __forceinline__ float total(float (*parts)[N][TILE_ROWS], int i, int row) {
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < WARPS; warp++) {
    sum += parts[warp][i][row];
  }
  return sum;
}

// Adds what warps have gathered, and writes what becomes of it.
template <int N, bool GATED>
__device__ __forceinline__ void write_totals(
    const Task& task, int tile, int first, float (*parts)[WARPS][N][TILE_ROWS]) {
  __syncthreads();
  const int i = threadIdx.x / TILE_ROWS;
  const int row = tile * TILE_ROWS + threadIdx.x % TILE_ROWS;
  if (i < N && first + i < task.n && row < task.rows) {
    const float up = GATED ? total<N>(parts[GATED ? 1 : 0], i, threadIdx.x % TILE_ROWS) : 0.0f;
    out_row(task, first + i)[row] = activated(task, total<N>(parts[0], i, threadIdx.x % TILE_ROWS), up, row);
  }
}

template <class T, int N, bool GATED>
__device__ __forceinline__ void multiply(const Tasks& tasks) {
  __shared__ float parts[GATED ? 2 : 1][WARPS][N][TILE_ROWS];
  const Task task = task_of_block(tasks);
  const int tile = blockIdx.x;
  const int first = blockIdx.y * N;
  if (tile * TILE_ROWS >= task.rows || first >= task.n) {
    return;
  }
  const int lane = lane_of_warp();
  const float* x[N];
#pragma unroll
  for (int i = 0; i < N; i++) {
    x[i] = x_row(task, min(first + i, task.n - 1));
  }
  const bool aligned = T::ALWAYS_ALIGNED || (task.cols % 4 == 0 && task.xStride % 4 == 0 && (size_t)task.x % 16 == 0);
  const uint8_t* weights = task.weights + tile * T::tile_bytes(task.cols);
  const uint8_t* ups = GATED ? task.up + tile * T::tile_bytes(task.cols) : nullptr;
  const int units = (task.cols + T::UNIT - 1) / T::UNIT;
  float sums[N][4] = {};
  float upSums[N][4] = {};
  constexpr int UNROLLED = N == 1 && !GATED && T::QUADS < 4 ? 4 / T::QUADS : 1;
#pragma unroll UNROLLED
  for (int unit = warp_of_block(); unit < units; unit += WARPS) {
    const typename T::Fragment fragment = T::load(weights, unit, lane, task.cols);
    typename T::Fragment upFragment;
    if (GATED) {
      upFragment = T::load(ups, unit, lane, task.cols);
    }
#pragma unroll
    for (int quad = 0; quad < T::QUADS; quad++) {
      const int column = T::column(unit, lane, quad);
      float4 values[N];
#pragma unroll
      for (int i = 0; i < N; i++) {
        values[i] = four(x[i], column, task.cols, aligned);
      }
      float w[4][4];
      T::decode(fragment, quad, w);
      add<N>(w, values, sums);
      if (GATED) {
        T::decode(upFragment, quad, w);
        add<N>(w, values, upSums);
      }
    }
  }
  gather<N>(sums, parts[0]);
  if (GATED) {
    gather<N>(upSums, parts[GATED ? 1 : 0]);
  }
  write_totals<N, GATED>(task, tile, first, parts);
}

#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS) name

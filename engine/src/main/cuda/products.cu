// Matrices times rows of activations, and rows of a table of embeddings.
//
// One launch computes a table of tasks: the projections of a layer's input, a matrix for each head, or the experts of
// a batch. A block is a tile of sixteen rows times up to ROWS_TOGETHER rows of activations; its warps share the
// columns. Bytes moved: each tile once for every ROWS_TOGETHER rows of activations, of which all but the first come from
// the second-level cache; activations once for every tile, from there too. The floor of one row is therefore the bytes
// of the weights over the memory's bandwidth. A warp has 512 bytes of weights and more in flight for every unit that it
// has unrolled: four, two or one of them, where there is one row, by type.
//
// The order of a sum depends on the number of columns only: a lane adds its columns in ascending units, then lanes are
// added, then warps.
#include "rows.cuh"
#include "weights.cuh"

constexpr int WARPS = 8;
constexpr int THREADS = WARPS * LANES;
constexpr int ROWS_TOGETHER = 4;
constexpr int FEW_TASKS = 16;
constexpr int FEW_TOKENS = 64;

// What becomes of a product; the host numbers them likewise.
enum Activation { NOTHING, SWIGLU, CLAMPED_SWIGLU, GEGLU, RELU };

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
    case SWIGLU:
      return x / (1.0f + expf(-x)) * u;
    case CLAMPED_SWIGLU:
      x = x > task.limit ? task.limit : x;
      return x / (1.0f + expf(-task.alpha * x)) * (clamped(u, task.limit) + 1.0f);
    case GEGLU: {  // 1 + tanh(z) is 2 / (1 + exp(-2 z))
      const float alpha = 1.59576912f * (1.0f + 0.044715f * x * x);
      return x / (1.0f + expf(-alpha * x)) * u;
    }
    case RELU:
      return x < 0.0f ? 0.0f : x;
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
  __syncthreads();
  const int i = threadIdx.x / TILE_ROWS;
  const int row = tile * TILE_ROWS + threadIdx.x % TILE_ROWS;
  if (i < N && first + i < task.n && row < task.rows) {
    const float up = GATED ? total<N>(parts[GATED ? 1 : 0], i, threadIdx.x % TILE_ROWS) : 0.0f;
    out_row(task, first + i)[row] = activated(task, total<N>(parts[0], i, threadIdx.x % TILE_ROWS), up, row);
  }
}

// A warp computes one row of weights at a time, a lane every 32nd column.
template <class T>
__device__ __forceinline__ void multiply_rows(const Tasks& tasks) {
  const Task task = task_of_block(tasks);
  const int first = blockIdx.y * ROWS_TOGETHER;
  if (first >= task.n) {
    return;
  }
  const int end = min((int)(blockIdx.x + 1) * TILE_ROWS, task.rows);
  for (int row = blockIdx.x * TILE_ROWS + warp_of_block(); row < end; row += WARPS) {
    const uint8_t* weights = task.weights + row * T::row_bytes(task.cols);
    float sums[ROWS_TOGETHER] = {};
#pragma unroll 1
    for (int column = lane_of_warp(); column < task.cols; column += LANES) {
      const float w = T::element(weights, column);
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
  const uint8_t* row = lookup.table + token_of_block(lookup) * T::row_bytes(lookup.cols);
  for (int column = threadIdx.x; column < lookup.cols; column += THREADS) {
    lookup.out[(size_t)blockIdx.x * lookup.cols + column] = T::element(row, column);
  }
}

#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS) name

// Two blocks at least for each processor, which leaves registers enough that none is spilled.
#define SMALL_KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS, 2) name

#define TILED(type, T)                                                                               \
  KERNEL(multiply_one_##type)(const Tasks tasks) { multiply<T, 1, false>(tasks); }                   \
  KERNEL(multiply_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, false>(tasks); }           \
  KERNEL(multiply_gated_one_##type)(const Tasks tasks) { multiply<T, 1, true>(tasks); }              \
  KERNEL(multiply_gated_##type)(const Tasks tasks) { multiply<T, ROWS_TOGETHER, true>(tasks); }      \
  KERNEL(embed_##type)(const Lookup lookup) { embed<T>(lookup); }

#define BY_ROWS(type, T)                                                                             \
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
BY_ROWS(q2_k, Q2_K)
BY_ROWS(q3_k, Q3_K)

// What gate and up of experts come to where each was multiplied by itself, since they are of different types or of one
// that is kept by rows: a task's `out` [n, rows] becomes the activation of itself and `x` [n, rows].
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

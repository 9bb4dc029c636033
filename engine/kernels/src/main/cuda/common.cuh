// What all kernels share. Compiled with -fmad=false: products are added in one rounding only where `fmaf` says so, and
// therefore alike in every instance of a template, however many rows it computes at a time.
#pragma once
#include <cuda_fp16.h>
#include <stddef.h>
#include <stdint.h>

constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int LANES = 32;

__device__ __forceinline__ int lane_of_warp() {
  return threadIdx.x % LANES;
}

__device__ __forceinline__ int warp_of_block() {
  return threadIdx.x / LANES;
}

__device__ __forceinline__ int warps_of_block() {
  return blockDim.x / LANES;
}

// The sum of all lanes, in every lane.
__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, apart);
  }
  return x;
}

__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, apart));
  }
  return x;
}

// The sum of all threads of the block, in every thread. `parts` is shared and has room for a float of every warp.
template <int WARPS>
__device__ __forceinline__ float block_sum(float x, float* parts) {
  x = warp_sum(x);
  __syncthreads();
  if (lane_of_warp() == 0) {
    parts[warp_of_block()] = x;
  }
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int warp = 0; warp < WARPS; warp++) {
    sum += parts[warp];
  }
  return sum;
}

__device__ __forceinline__ float sigmoid(float x) {
  return 1.0f / (1.0f + expf(-x));
}

// NaN stays NaN, unlike with fminf and fmaxf.
__device__ __forceinline__ float clamped(float x, float limit) {
  return x > limit ? limit : x < -limit ? -limit : x;
}

// Float16 as the cache stores it: what lies beyond its range becomes its largest value.
__device__ __forceinline__ __half cached_half(float x) {
  return __float2half_rn(clamped(x, 65504.0f));
}

__device__ __forceinline__ float as_float(float x) {
  return x;
}

__device__ __forceinline__ float as_float(__half x) {
  return __half2float(x);
}

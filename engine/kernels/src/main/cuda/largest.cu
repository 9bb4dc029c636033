// The largest of many numbers, to sample from: a few candidates come back to the host and not the logits of all tokens.
//
// A block has a part of the numbers in registers and takes one after the other from them, the largest first. What all
// parts have given is a row of numbers again. Bytes moved: the numbers once, 600 KB for a vocabulary of 150,000, which the
// memory of an RTX 3060 reads in 2 us; the rounds of a block take longer, a tenth of a microsecond each.
#include <limits.h>

#include "common.cuh"

constexpr int WARPS = 8;
constexpr int THREADS = WARPS * LANES;
constexpr int OF_THREAD = 16;
constexpr int PART = THREADS * OF_THREAD;
constexpr long long NONE = LLONG_MAX;

// numbers, or what a launch before has found of them; out: k for each block, or NONE where there are fewer.
struct Search {
  const float* numbers;
  const long long* found;
  long long* out;
  int length;
  int k;
};

// Rises with falling numbers, then with the index, as the host's; NaN comes first.
__device__ __forceinline__ long long key_of(float number, int index) {
  const int bits = isnan(number) ? 0x7fc00000 : __float_as_int(number + 0.0f);
  const int ascending = bits ^ (bits >> 31 & INT_MAX);
  return (long long)((unsigned long long)(unsigned)~ascending << 32 | (unsigned)index);
}

__device__ __forceinline__ long long block_least(long long key, long long* parts) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    key = min(key, __shfl_xor_sync(ALL_LANES, key, apart));
  }
  __syncthreads();
  if (lane_of_warp() == 0) {
    parts[warp_of_block()] = key;
  }
  __syncthreads();
  long long least = parts[0];
#pragma unroll
  for (int warp = 1; warp < WARPS; warp++) {
    least = min(least, parts[warp]);
  }
  return least;
}

extern "C" __global__ void __launch_bounds__(THREADS) largest_of_parts(const Search search) {
  __shared__ long long parts[WARPS];
  long long keys[OF_THREAD];
  long long least = NONE;
#pragma unroll
  for (int i = 0; i < OF_THREAD; i++) {
    const int at = blockIdx.x * PART + i * THREADS + threadIdx.x;
    keys[i] = NONE;
    if (at < search.length) {
      keys[i] = search.numbers != nullptr ? key_of(search.numbers[at], at) : search.found[at];
    }
    least = min(least, keys[i]);
  }
#pragma unroll 1
  for (int j = 0; j < search.k; j++) {
    const long long best = block_least(least, parts);
    if (threadIdx.x == 0) {
      search.out[(size_t)blockIdx.x * search.k + j] = best;
    }
    if (least == best) {  // of a number one thread alone; NONE changes nothing
      least = NONE;
#pragma unroll
      for (int i = 0; i < OF_THREAD; i++) {
        keys[i] = keys[i] == best ? NONE : keys[i];
        least = min(least, keys[i]);
      }
    }
  }
}

// Kernels for the tests of the emulated device: what nvcc writes for the usual things a kernel does.
// Compile with: nvcc -O3 -std=c++17 -arch=compute_75 -ptx compiled.cu -o compiled.ptx
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <stdint.h>

__constant__ float weights[4] = {0.5f, -1.25f, 2.0f, 0.125f};
__device__ int calls;

// Sum of each row, with a tree of shuffles and a hand-over through shared memory.
extern "C" __global__ void row_sums(float* out, const float4* x, int columns) {
    __shared__ float part[32];
    float sum = 0;
    const float4* row = x + (size_t)blockIdx.x * (columns / 4);
    for (int i = threadIdx.x; i < columns / 4; i += blockDim.x) {
        float4 v = row[i];
        sum += v.x + v.y + v.z + v.w;
    }
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_down_sync(0xffffffffu, sum, o);
    if ((threadIdx.x & 31) == 0) part[threadIdx.x >> 5] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < blockDim.x / 32; i++) sum += part[i];
        out[blockIdx.x] = sum * weights[blockIdx.x & 3];
        atomicAdd(&calls, 1);
    }
}

// Bytes times bytes, four at a time, with a scale of half precision; the activations come through dynamic shared memory.
extern "C" __global__ void byte_rows(float* out, const int* weights8, const __half* scales, const int* x, int words) {
    extern __shared__ int staged[];
    for (int i = threadIdx.x; i < words; i += blockDim.x) staged[i] = x[i];
    __syncthreads();
    int row = blockIdx.x * blockDim.x + threadIdx.x, sum = 0;
    for (int i = 0; i < words; i++) sum = __dp4a(weights8[row * words + i], staged[i], sum);
    out[row] = __half2float(scales[row]) * sum;
}

// The sum of the digits of a number and the number of steps of a divergent loop.
extern "C" __global__ void digits(int* out, const int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int v = x[i], sum = 0, steps = 0;
    while (v > 0) {
        if (v % 10 > 4) sum += v % 10; else sum -= v % 10;
        v /= 10;
        steps++;
    }
    out[2 * i] = sum;
    out[2 * i + 1] = steps;
}

// Softmax of one row by one warp with exact exponentials, and the place of the largest value.
extern "C" __global__ void softmax32(float* out, int* best, const float* x) {
    int lane = threadIdx.x, at = lane;
    float v = x[lane], top = v;
    for (int o = 16; o > 0; o >>= 1) {
        float other = __shfl_xor_sync(0xffffffffu, top, o);
        int place = __shfl_xor_sync(0xffffffffu, at, o);
        if (other > top || (other == top && place < at)) { top = other; at = place; }
    }
    float e = expf(v - top), sum = e;
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, o);
    out[lane] = e / sum;
    if (lane == 0) *best = at;
}

// Rotation by angles that need exact reduction, which brings local memory and doubles.
extern "C" __global__ void rotate(float2* out, const float* angle) {
    float s, c;
    sincosf(angle[threadIdx.x], &s, &c);
    out[threadIdx.x] = make_float2(c, s);
}

// Halves: packed arithmetic, conversions to and from bfloat16.
extern "C" __global__ void halves(__half2* h, __nv_bfloat16* b, const float2* x) {
    float2 v = x[threadIdx.x];
    __half2 p = __floats2half2_rn(v.x, v.y);
    h[threadIdx.x] = __hfma2(p, p, __floats2half2_rn(1.f, -1.f));
    b[threadIdx.x] = __float2bfloat16(v.x * v.y);
}

// Places of the odd numbers, gathered with votes and an atomic counter.
extern "C" __global__ void odd_places(int* out, int* count, const int* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31;
    bool hit = i < n && (x[i] & 1);
    unsigned votes = __ballot_sync(0xffffffffu, hit);
    int base = 0;
    if (lane == 0 && votes) base = atomicAdd(count, __popc(votes));
    base = __shfl_sync(0xffffffffu, base, 0);
    if (hit) out[base + __popc(votes & ((1u << lane) - 1))] = i;
}

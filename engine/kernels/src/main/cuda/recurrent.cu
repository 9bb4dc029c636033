// Operations whose tokens follow each other: one thread has a channel, or a column of a head's state, for all of them.
//
// Bytes moved: the state once in and out for every token, activations once. A state is a few hundred kilobytes for a
// layer, so that it stays in the second-level cache; the floor of a decode step is its bytes over that cache's
// bandwidth.
#include "common.cuh"

constexpr int THREADS = 128;

// taps [width, channels]; bias [channels] or null; state [width, channels]
struct Convolution {
  float* x;
  const float* taps;
  const float* bias;
  float* state;
  int n;
  int channels;
  int width;
};

extern "C" __global__ void __launch_bounds__(THREADS) causal_convolution(const Convolution c) {
  const int channel = blockIdx.x * THREADS + threadIdx.x;
  if (channel >= c.channels) {
    return;
  }
#pragma unroll 1
  for (int t = 0; t < c.n; t++) {
    float* x = c.x + (size_t)t * c.channels + channel;
    float sum = c.bias == nullptr ? 0.0f : c.bias[channel];
#pragma unroll 1
    for (int tap = 0; tap < c.width; tap++) {
      float* kept = c.state + (size_t)tap * c.channels + channel;
      *kept = tap + 1 < c.width ? kept[c.channels] : *x;
      sum += c.taps[(size_t)tap * c.channels + channel] * *kept;
    }
    *x = sum;
  }
}

// x, step, out [n, channels]; b, c [n, stateSize]; rates, state [stateSize, channels]
struct Scan {
  const float* x;
  const float* step;
  const float* b;
  const float* c;
  const float* rates;
  float* state;
  float* out;
  int n;
  int channels;
  int stateSize;
};

extern "C" __global__ void __launch_bounds__(THREADS) selective_scan(const Scan scan) {
  const int channel = blockIdx.x * THREADS + threadIdx.x;
  if (channel >= scan.channels) {
    return;
  }
#pragma unroll 1
  for (int t = 0; t < scan.n; t++) {
    const size_t at = (size_t)t * scan.channels + channel;
    const float step = scan.step[at];
    const float x = scan.x[at];
    float sum = 0;
#pragma unroll 1
    for (int s = 0; s < scan.stateSize; s++) {
      const size_t held = (size_t)s * scan.channels + channel;
      const float h =
          expf(-scan.rates[held] * step) * scan.state[held] + step * x * scan.b[(size_t)t * scan.stateSize + s];
      scan.state[held] = h;
      sum += scan.c[(size_t)t * scan.stateSize + s] * h;
    }
    scan.out[at] = sum;
  }
}

// q, k [n, numKeyHeads, keyDim]; v, out [n, numValueHeads, valueDim]; step, strength [n, numValueHeads] or null;
// rates [numValueHeads]; state [numValueHeads, keyDim, valueDim]
struct Linear {
  const float* q;
  const float* k;
  const float* v;
  const float* step;
  const float* strength;
  const float* rates;
  float* state;
  float* out;
  int n;
  int numKeyHeads;
  int numValueHeads;
  int neighbours;  // value heads that follow each other and read one key head
  int keyDim;
  int valueDim;
  int delta;
};

// A block has columns of the state of one head.
extern "C" __global__ void __launch_bounds__(THREADS) linear_attention(const Linear a) {
  const int head = blockIdx.y;
  const int column = blockIdx.x * THREADS + threadIdx.x;
  if (column >= a.valueDim) {
    return;
  }
  float* state = a.state + (size_t)head * a.keyDim * a.valueDim + column;
#pragma unroll 1
  for (int t = 0; t < a.n; t++) {
    const size_t scalar = (size_t)t * a.numValueHeads + head;
    const size_t key = ((size_t)t * a.numKeyHeads + head / a.neighbours % a.numKeyHeads) * a.keyDim;
    const float decay = expf(-a.rates[head] * (a.step == nullptr ? 1.0f : a.step[scalar]));
    const float strength = a.strength == nullptr ? 1.0f : a.strength[scalar];
    float write = a.v[scalar * a.valueDim + column];
    if (a.delta) {
      float held = 0;
#pragma unroll 1
      for (int i = 0; i < a.keyDim; i++) {
        held += a.k[key + i] * (decay * state[(size_t)i * a.valueDim]);
      }
      write = strength * (write - held);
    } else {
      write = strength * write;
    }
    float read = 0;
#pragma unroll 1
    for (int i = 0; i < a.keyDim; i++) {
      const float h = decay * state[(size_t)i * a.valueDim] + a.k[key + i] * write;
      state[(size_t)i * a.valueDim] = h;
      read += a.q[key + i] * h;
    }
    a.out[scalar * a.valueDim + column] = read;
  }
}

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

// q, k [n, numKeyHeads, keyDim]; v, out [n, numValueHeads, valueDim]; step [n, numValueHeads, steps] or null;
// strength [n, numValueHeads] or null; rates [numValueHeads]; state [numValueHeads, keyDim, valueDim]
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
  int steps;  // of a head: 1, or keyDim
};

// What is left of row i of the state of a head.
__device__ __forceinline__ float decay_of(const Linear& a, int head, size_t scalar, int i) {
  return expf(-a.rates[head] * (a.step == nullptr ? 1.0f : a.step[scalar * a.steps + i]));
}

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
    const bool by_row = a.steps > 1;
    float decay = decay_of(a, head, scalar, 0);
    const float strength = a.strength == nullptr ? 1.0f : a.strength[scalar];
    float write = a.v[scalar * a.valueDim + column];
    if (a.delta) {
      float held = 0;
#pragma unroll 1
      for (int i = 0; i < a.keyDim; i++) {
        float* row = state + (size_t)i * a.valueDim;
        if (by_row) {
          *row *= decay_of(a, head, scalar, i);
          held += a.k[key + i] * *row;
        } else {
          held += a.k[key + i] * (decay * *row);
        }
      }
      write = strength * (write - held);
    } else {
      write = strength * write;
    }
    float read = 0;
#pragma unroll 1
    for (int i = 0; i < a.keyDim; i++) {
      if (by_row) {
        decay = a.delta ? 1.0f : decay_of(a, head, scalar, i);
      }
      const float h = decay * state[(size_t)i * a.valueDim] + a.k[key + i] * write;
      state[(size_t)i * a.valueDim] = h;
      read += a.q[key + i] * h;
    }
    a.out[scalar * a.valueDim + column] = read;
  }
}

// values, gates [n, width]; places [rate, width]; state [entries that have begun, 3, dim]; out [complete entries, dim]
struct Compression {
  const float* values;
  const float* gates;
  const float* places;
  float* state;
  float* out;
  int n;
  int firstPosition;
  int dim;
  int rate;
  int overlaps;
};

// An entry that has begun: the largest gate, the sum of the weights relative to it, and that of the weighted elements.
struct Begun {
  float largest;
  float total;
  float sum;

  __device__ __forceinline__ void add(float gate, float value) {
    const float before = total == 0.0f ? gate : largest;
    const float most = fmaxf(before, gate);
    const float kept = expf(before - most);
    const float weight = expf(gate - most);
    largest = most;
    total = total * kept + weight;
    sum = sum * kept + weight * value;
  }
};

extern "C" __global__ void __launch_bounds__(THREADS) compress(const Compression c) {
  const int d = blockIdx.x * THREADS + threadIdx.x;
  if (d >= c.dim) {
    return;
  }
  const int width = c.overlaps ? 2 * c.dim : c.dim;
  float* state = c.state + d;
  Begun own = {state[0], state[c.dim], state[2 * c.dim]};
  Begun next = {};
  if (c.overlaps) {
    next = {state[3 * c.dim], state[4 * c.dim], state[5 * c.dim]};
  }
  float* out = c.out + d;
#pragma unroll 1
  for (int t = 0; t < c.n; t++) {
    const int place = (c.firstPosition + t) % c.rate;
    const size_t at = (size_t)t * width + d;
    const size_t placeAt = (size_t)place * width + d;
    const int behind = width - c.dim;
    own.add(c.gates[at + behind] + c.places[placeAt + behind], c.values[at + behind]);
    if (c.overlaps) {
      next.add(c.gates[at] + c.places[placeAt], c.values[at]);
    }
    if (place == c.rate - 1) {
      *out = own.sum / own.total;
      out += c.dim;
      own = next;
      next = {};
    }
  }
  state[0] = own.largest;
  state[c.dim] = own.total;
  state[2 * c.dim] = own.sum;
  if (c.overlaps) {
    state[3 * c.dim] = next.largest;
    state[4 * c.dim] = next.total;
    state[5 * c.dim] = next.sum;
  }
}

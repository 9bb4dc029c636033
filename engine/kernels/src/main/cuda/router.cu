// A layer's router: its product, and the choice of experts that follows from it, in one launch.
//
// Blocks compute tiles of logits as those of products.cu. The last block to finish a tile of some rows chooses for
// these rows, a warp for each: what the others wrote before they said so, it sees. Routers of other types than floats
// get their product from products.cu, and the choice in a launch of its own.
//
// Bytes moved: the router's weights once, logits once out and, from the second-level cache, once in, and eight bytes
// for each choice. Scores are computed in double, as the host's are, so that nothing but the logits' own rounding can
// lead to other experts.
#include "tasks.cuh"

constexpr int MOST_ROW_GROUPS = 1024;

// How experts are chosen for n tokens: at most 1024, MOST_CHOSEN of them for a token, from at most 32 groups.
struct Choice {
  const float* logits;      // [n, experts]
  const float* correction;  // [experts], added to scores for the choice only; or null
  float* weights;           // [n, k]
  int* ids;                 // [n, k]
  double margin;            // of a sparse mixer
  double order;             // of the norm by which the chosen scores are divided; 0 where they are not
  double epsilon;
  double least;
  double factor;
  int n;
  int experts;
  int k;
  int score;
  int groups;
  int groupsChosen;
  int sumsTwo;    // whether a group is judged by its two best experts
  int exclusive;  // whether experts of other groups cannot be chosen; else they count as 0
};

// The tasks of a launch, of which the first gives the logits.
struct Routed {
  Tasks tasks;
  Choice choice;
};

// Of each group of rows, how many tiles of logits are done. The last one sets it to zero again.
__device__ unsigned finished[MOST_ROW_GROUPS];

extern __shared__ double shared_scores[];  // [rows, experts]

// A number and whose it is; nobody's if the index is negative.
struct Candidate {
  double value;
  int index;
};

constexpr int NOBODY = -1;

// The larger one, of equal ones that of the lower index.
__device__ __forceinline__ Candidate better(Candidate a, Candidate b) {
  const bool isBetter =
      a.index < 0 || b.value > a.value || (b.value == a.value && b.index < a.index);
  return b.index >= 0 && isBetter ? b : a;
}

// The best of all lanes, the same in each, even among numbers that are none.
__device__ __forceinline__ Candidate warp_best(Candidate best) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    best = better(
        best,
        {__shfl_xor_sync(ALL_LANES, best.value, apart), __shfl_xor_sync(ALL_LANES, best.index, apart)});
  }
  return {__shfl_sync(ALL_LANES, best.value, 0), __shfl_sync(ALL_LANES, best.index, 0)};
}

__device__ __forceinline__ double warp_sum(double x) {
#pragma unroll
  for (int apart = LANES / 2; apart > 0; apart /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, apart);
  }
  return x;
}

// The experts of a token, lane l of a warp having those of number l + 32 i.
struct Experts {
  const Choice& choice;
  double* scores;  // of all, shared by the warp
  unsigned left = ALL_LANES;  // bit i: number l + 32 i is not chosen yet
  unsigned open = ALL_LANES;  // bit i: it is of a group that is chosen from

  // Calls `expert(e, i)` for each expert of the lane.
  template <class F>
  __device__ __forceinline__ void each(F expert) const {
    int i = 0;
#pragma unroll 1
    for (int e = lane_of_warp(); e < choice.experts; e += LANES, i++) {
      expert(e, i);
    }
  }

  __device__ __forceinline__ bool is_left(int i) const {
    return (left >> i & 1) != 0;
  }

  // What an expert is chosen by.
  __device__ __forceinline__ double rank(int e, int i) const {
    return (open >> i & 1) != 0 ? corrected(e) : choice.exclusive != 0 ? -INFINITY : 0.0;
  }

  __device__ __forceinline__ double corrected(int e) const {
    return choice.correction == nullptr ? scores[e] : scores[e] + choice.correction[e];
  }

  // The best one that is left.
  __device__ __forceinline__ int take() const {
    Candidate best = {0, NOBODY};
    each([&](int e, int i) {
      if (is_left(i)) {
        best = better(best, {rank(e, i), e});
      }
    });
    return warp_best(best).index;
  }

  __device__ __forceinline__ void strike(int e) {
    if (e % LANES == lane_of_warp()) {
      left &= ~(1u << e / LANES);
    }
  }
};

// Makes scores of logits, which other blocks of this launch wrote: they are read where those wrote them.
__device__ __forceinline__ void score(const Experts& experts, const float* logits) {
  const bool isSoftmax = experts.choice.score == scores::SOFTMAX;
  float max = -INFINITY;
  experts.each([&](int e, int) { max = fmaxf(max, __ldcg(logits + e)); });
  max = warp_max(max);
  double sum = 0;
  experts.each([&](int e, int) {
    const double logit = __ldcg(logits + e);
    const double power = exp(isSoftmax ? logit - max : -logit);
    experts.scores[e] = isSoftmax ? power : 1.0 / (1.0 + power);
    sum += power;
  });
  sum = warp_sum(sum);
  if (isSoftmax) {
    experts.each([&](int e, int) { experts.scores[e] /= sum; });
  }
}

// A lane judges a group.
__device__ __forceinline__ void keep_best_groups(Experts& experts) {
  const Choice& choice = experts.choice;
  const int size = choice.experts / choice.groups;
  double best = -INFINITY;
  double second = -INFINITY;
  Candidate own = {0, NOBODY};
  if (lane_of_warp() < choice.groups) {
#pragma unroll 1
    for (int e = lane_of_warp() * size; e < (lane_of_warp() + 1) * size; e++) {
      const double rank = experts.corrected(e);
      second = fmax(second, fmin(best, rank));
      best = fmax(best, rank);
    }
    own = {choice.sumsTwo != 0 ? best + second : best, lane_of_warp()};
  }
  experts.open = 0;
#pragma unroll 1
  for (int j = 0; j < choice.groupsChosen; j++) {
    const int group = warp_best(own).index;
    own.index = group == own.index ? NOBODY : own.index;
    unsigned open = 0;
    experts.each([&](int e, int i) { open |= e / size == group ? 1u << i : 0u; });
    experts.open |= open;
  }
}

// The experts of a token that were chosen, by falling score.
struct Chosen {
  double scores[MOST_CHOSEN];
  int ids[MOST_CHOSEN];

  __device__ __forceinline__ bool comes_after(int place, int expert, double score) const {
    return score > scores[place] || (score == scores[place] && expert < ids[place]);
  }

  // Puts choice number j in its place, which is not before `least`.
  __device__ __forceinline__ void insert(int expert, double score, int j, int least) {
    int place = j;
#pragma unroll 1
    for (; place > least && comes_after(place - 1, expert, score); place--) {
      ids[place] = ids[place - 1];
      scores[place] = scores[place - 1];
    }
    ids[place] = expert;
    scores[place] = score;
  }
};

// The share of a sparse mixer's choice among those left that are near (Liu et al. 2024, arXiv:2409.12136).
__device__ __forceinline__ double share_of_near(const Experts& experts, double max) {
  double sum = 0;
  experts.each([&](int e, int i) {
    const double logit = experts.scores[e];
    const bool isFar = (max - logit) / fmax(fabs(logit), max) > experts.choice.margin;
    if (experts.is_left(i) && !isFar) {
      sum += exp(logit - max);
    }
  });
  return 1.0 / warp_sum(sum);
}

__device__ __forceinline__ void take_best(Experts& experts, Chosen& chosen) {
  const bool isMixer = experts.choice.score == scores::SPARSE_MIXER;
#pragma unroll 1
  for (int j = 0; j < experts.choice.k; j++) {
    const int best = experts.take();
    const double score = isMixer ? share_of_near(experts, experts.scores[best]) : experts.scores[best];
    experts.strike(best);
    if (lane_of_warp() == 0) {
      chosen.insert(best, score, j, isMixer ? j : 0);
    }
  }
}

// x to the power of y, for x that is not negative.
__device__ __forceinline__ double power(double x, double y) {
  return y == 1 ? x : exp(y * log(x));
}

__device__ __forceinline__ double divisor(const Choice& choice, const Chosen& chosen) {
  if (choice.order == 0) {
    return 1.0;
  }
  double sum = 0;
#pragma unroll 1
  for (int j = 0; j < choice.k; j++) {
    sum += power(chosen.scores[j], choice.order);
  }
  return fmax(power(sum, 1.0 / choice.order) + choice.epsilon, choice.least);
}

__device__ __forceinline__ void choose(const Choice& choice, int row, double* scores, Chosen& chosen) {
  const float* logits = choice.logits + (size_t)row * choice.experts;
  Experts experts = {choice, scores};
  if (choice.score == scores::SPARSE_MIXER) {
    experts.each([&](int e, int) { scores[e] = __ldcg(logits + e); });
  } else {
    score(experts, logits);
  }
  __syncwarp();
  if (choice.groups > 1) {
    keep_best_groups(experts);
  }
  take_best(experts, chosen);
  __syncwarp();
  const double by = divisor(choice, chosen);
#pragma unroll 1
  for (int j = lane_of_warp(); j < choice.k; j += LANES) {
    choice.ids[(size_t)row * choice.k + j] = chosen.ids[j];
    choice.weights[(size_t)row * choice.k + j] = (float)(chosen.scores[j] / by * choice.factor);
  }
}

// A warp chooses for a row; the block has up to ROWS of them, from `first` on.
template <int ROWS>
__device__ __forceinline__ void choose_rows(const Choice& choice, int first) {
  __shared__ Chosen chosen[ROWS];
  const int i = warp_of_block();
  if (i < ROWS && first + i < choice.n) {
    choose(choice, first + i, shared_scores + (size_t)i * choice.experts, chosen[i]);
  }
}

// Says whether this block is the last of those with logits of its rows, and may therefore read all of them.
__device__ __forceinline__ bool is_last_of_rows(int experts) {
  __shared__ bool isLast;
  const unsigned tiles = (experts + TILE_ROWS - 1) / TILE_ROWS;
  if (blockIdx.z > 0 || blockIdx.x >= tiles) {
    return false;
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    isLast = atomicInc(finished + blockIdx.y, tiles - 1) == tiles - 1;
  }
  __syncthreads();
  __threadfence();
  return isLast;
}

template <class T, int ROWS>
__device__ __forceinline__ void route(const Routed& routed) {
  multiply<T, ROWS, false>(routed.tasks);
  if (is_last_of_rows(routed.choice.experts)) {
    choose_rows<ROWS>(routed.choice, blockIdx.y * ROWS);
  }
}

#define ROUTER(type, T)                                                                     \
  KERNEL(route_one_##type)(const Routed routed) { route<T, 1>(routed); }                    \
  KERNEL(route_##type)(const Routed routed) { route<T, ROWS_TOGETHER>(routed); }

ROUTER(f32, F32)
ROUTER(f16, F16)
ROUTER(bf16, BF16)

#ifndef ONE_TYPE // what types have in common

KERNEL(choose_experts)(const Choice choice) {
  choose_rows<ROWS_TOGETHER>(choice, blockIdx.x * ROWS_TOGETHER);
}

#endif

// Codes and sizes of what launches are given. NumbersHeaderTest makes this file from the classes that
// launch, and says what to do after a change there.
#pragma once

// What becomes of a product.
namespace activations {
enum {
  NOTHING,
  SWIGLU,
  CLAMPED_SWIGLU,
  LIMITED_SWIGLU,
  CAPPED_SWIGLU,
  GEGLU,
  RELU,
  SQUARED_RELU
};
}

// What becomes of a router's logit.
namespace scores {
enum {
  SOFTMAX,
  SIGMOID,
  SPARSE_MIXER
};
}

// What is done with each token.
namespace operations {
enum {
  RMS_NORM,
  LAYER_NORM,
  ADD_BIAS,
  CLAMP,
  COPY,
  SCALE,
  SCALE_ROWS,
  COMBINE,
  ADD,
  ROPE,
  STORE_KV,
  STORE_LATENTS,
  WEIGHTED_SUM,
  ADD_ROWS,
  CLEAR,
  MULTIPLY,
  SIGMOID,
  SILU,
  SOFTPLUS,
  GELU,
  GELU_TANH,
  TANH,
  ADD_SCALED,
  CONNECT,
  READ_STREAMS,
  WRITE_STREAMS
};
}

// Tasks of a product that come with the launch, and the bytes of one.
constexpr int FEW_TASKS = 16;
constexpr int TASK_BYTES = 96;

// Tokens to embed that come with the launch.
constexpr int FEW_TOKENS = 64;

// Rows of activations that a block multiplies.
constexpr int ROWS_TOGETHER = 4;

// Operations of a launch, bytes of one, where they begin, and the factors that come with them.
constexpr int MAX_OPERATIONS = 12;
constexpr int OPERATION_BYTES = 80;
constexpr int OPERATIONS_AT = 264;
constexpr int FEW_FACTORS = 64;

// Residual streams that are mixed at most.
constexpr int MOST_STREAMS = 8;

// Of attention: positions of a span, chunks whose addresses come with the launch, the longest query.
constexpr int SPAN = 1024;
constexpr int FEW_CHUNKS = 64;
constexpr int MAX_QUERY = 1024;

// Experts that a router chooses at most.
constexpr int MOST_CHOSEN = 64;

// Scaled dot-product attention over strided float32 operands, as a part of operators:
//   Y = softmax(cap(scale * Q K^T) + mask) V
// for each batch and head, in blocks of query rows whose size depends on the shape alone. With float16 or bfloat16 as `dtype`
// the operands are widened values of it, and each step's result is rounded to it, but Y's, which the caller rounds.
#pragma once

#include "kernels/gemm/gemm.h"
#include "ops/op.h"
#include "ops/softmax/stepwise_softmax.h"

namespace engine {

// Strides in elements of a [batch, head, row, column] operand.
struct HeadStrides {
  int64_t batch = 0, head = 0, row = 0, column = 1;
};

struct AttentionShape {
  int64_t batch = 1, heads = 1, kv_heads = 1;  // heads is a multiple of kv_heads: head h reads kv head h / (heads / kv_heads)
  int64_t rows = 0, keys = 0;                  // of queries, of keys and values
  int64_t depth = 0, value_depth = 0;          // of queries and keys, of values
  HeadStrides q, k, v, y;                      // y.column is 1
  HeadStrides mask;                            // 0 where the mask is broadcast
};

enum class AttentionMask : uint8_t { None, Float, Bool };

// What the optional product of queries and keys shows: the scores, those after the cap, those with mask, or the softmax.
enum class AttentionStage : uint8_t { Scores = 0, Capped = 1, Masked = 2, Softmax = 3 };

// What becomes of a row whose softmax is NaN: it stays; it becomes zeros where no key is attended; it becomes zeros.
enum class EmptyRows : uint8_t { Nan, Zero, AlwaysZero };

class AttentionCore {
 public:
  AttentionShape shape;
  float scale = 1, softcap = 0;  // softcap 0: none
  AttentionMask mask = AttentionMask::None;
  DType dtype = DType::Float;          // Float, Float16 or BFloat16
  DType softmax_dtype = DType::Float;  // as dtype, what the softmax computes in; only where dtype is not Float
  EmptyRows empty_rows = EmptyRows::Zero;
  bool is_causal = false;
  int64_t left_window = -1, right_window = -1;  // -1: unbounded; REQUIRES: below 2^40
  int64_t mask_keys = -1;                       // keys that the mask covers, those after it are masked; -1: all
  AttentionStage stage = AttentionStage::Scores;

  struct Operands {
    const float* q = nullptr;
    const float* k = nullptr;
    const float* v = nullptr;
    float* y = nullptr;
    const void* mask = nullptr;
    float* scores = nullptr;             // [batch, heads, rows, keys] of `stage`, or null
    const int64_t* valid_keys = nullptr; // for each batch, or null: all
    const int64_t* offsets = nullptr;    // for each batch: keys before the first query (causal and windows), or null: `offset`
    int64_t offset = 0;
  };

  // Asks for scratch; *shared: bytes of shared scratch handed out so far.
  Status prepare(PrepareContext& c, int64_t* shared);
  Status run(OpRun& r, const Operands& o) const;

 private:
  struct Range {
    int64_t begin, end;
  };
  Range keys_of(const Operands& o, int64_t batch, int64_t row) const;
  Status pack(OpRun& r, const Operands& o) const;
  void run_block(OpRun& r, const Operands& o, int64_t batch, int64_t head, int64_t block, int worker) const;
  void finish_row(const Operands& o, int64_t batch, int64_t head, int64_t row, int64_t keys, float* scores, float* mask_row) const;
  const float* mask_of(const Operands& o, int64_t batch, int64_t head, int64_t row, Range range, int64_t keys, float* to) const;
  void cap(float* scores, int64_t keys) const;
  void softmax(float* scores, const float* bias, int64_t n) const;
  bool rounds() const { return dtype != DType::Float; }
  bool multiply(OpRun& r, int worker, const GemmF32& g, bool by_terms, void* scratch) const;

  const GemmKernels* kernels_ = nullptr;
  StepwiseSoftmax steps_, stepwise_softmax_;  // of dtype and softmax_dtype
  int64_t block_ = 1, blocks_ = 1, row_keys_ = 0, gemm_scratch_ = 0;
  bool packs_ = false;
  int64_t packed_at_ = 0, packed_k_bytes_ = 0, packed_v_bytes_ = 0;
  double ns_per_block_ = 1;
};

}  // namespace engine

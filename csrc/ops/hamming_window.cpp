#include "ops/window/cosine_window.h"

namespace engine {
namespace {

class HammingWindow final : public CosineWindow {
 public:
  HammingWindow() : CosineWindow(25.0 / 46.0, 21.0 / 46.0, 0) {}
};

}  // namespace

void op_hamming_window(OpTable& t) { t.add<HammingWindow>("", "HammingWindow", 17, 1, 1); }

}  // namespace engine

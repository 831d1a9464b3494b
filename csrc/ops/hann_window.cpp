#include "ops/window/cosine_window.h"

namespace engine {
namespace {

class HannWindow final : public CosineWindow {
 public:
  HannWindow() : CosineWindow(0.5, 0.5, 0) {}
};

}  // namespace

void op_hann_window(OpTable& t) { t.add<HannWindow>("", "HannWindow", 17, 1, 1); }

}  // namespace engine

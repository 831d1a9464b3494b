#include "ops/window/cosine_window.h"

namespace engine {
namespace {

class BlackmanWindow final : public CosineWindow {
 public:
  BlackmanWindow() : CosineWindow(0.42, 0.5, 0.08) {}
};

}  // namespace

void op_blackman_window(OpTable& t) { t.add<BlackmanWindow>("", "BlackmanWindow", 17, 1, 1); }

}  // namespace engine

// Mutations that keep protobuf's framing: fields are dropped, doubled, swapped, spliced and changed, and all lengths
// around them are written anew, so that what lies behind the framing is reached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace engine::fuzz {

struct WireField {
  uint32_t number = 0;
  int type = 0;  // protobuf's wire type: 0, 1, 2, 5
  uint64_t scalar = 0;
  std::string bytes;                // type 2, when it is no message
  std::vector<WireField> children;  // type 2, when is_message
  bool is_message = false;
};

using WireMessage = std::vector<WireField>;

// False when `bytes` is no sequence of fields. Bytes fields that read as fields themselves become messages, to `depth`
// levels.
bool parse_wire(std::string_view bytes, int depth, WireMessage* out);
std::string write_wire(const WireMessage& message);

// Changes one to four places. `donor` is a message to splice fields from; may be empty.
void mutate_wire(WireMessage& message, const WireMessage& donor, std::mt19937& random);

}  // namespace engine::fuzz

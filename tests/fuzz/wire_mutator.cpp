#include "wire_mutator.h"

#include <cstring>

namespace engine::fuzz {
namespace {

bool read_varint(std::string_view& bytes, uint64_t* out) {
  *out = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    uint8_t byte = uint8_t(bytes[0]);
    bytes.remove_prefix(1);
    *out |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void write_varint(uint64_t value, std::string* out) {
  for (; value > 127; value >>= 7) out->push_back(char(value | 128));
  out->push_back(char(value));
}

bool read_fixed(std::string_view& bytes, size_t width, uint64_t* out) {
  if (bytes.size() < width) return false;
  *out = 0;
  std::memcpy(out, bytes.data(), width);
  bytes.remove_prefix(width);
  return true;
}

bool read_bytes(std::string_view& bytes, int depth, WireField* field) {
  uint64_t size;
  if (!read_varint(bytes, &size) || size > bytes.size()) return false;
  std::string_view inside = bytes.substr(0, size);
  bytes.remove_prefix(size);
  field->is_message = depth > 0 && size > 1 && size < (1 << 16) && parse_wire(inside, depth - 1, &field->children);
  if (!field->is_message) {
    field->children.clear();
    field->bytes = inside;
  }
  return true;
}

size_t below(std::mt19937& random, size_t n) { return n == 0 ? 0 : random() % n; }

// Every message in the tree, the outermost first.
void list_messages(WireMessage& message, std::vector<WireMessage*>* out) {
  out->push_back(&message);
  for (WireField& field : message)
    if (field.is_message) list_messages(field.children, out);
}

uint64_t odd_number(std::mt19937& random) {
  static constexpr uint64_t kNumbers[] = {0,
                                          1,
                                          2,
                                          3,
                                          7,
                                          8,
                                          12,
                                          13,
                                          14,
                                          15,
                                          16,
                                          127,
                                          128,
                                          255,
                                          65536,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          uint64_t(1) << 40,
                                          uint64_t(1) << 62,
                                          INT64_MAX,
                                          uint64_t(1) << 63,
                                          UINT64_MAX};
  return kNumbers[below(random, sizeof(kNumbers) / sizeof(kNumbers[0]))];
}

void change_bytes(std::string& bytes, std::mt19937& random) {
  if (bytes.empty() || random() % 4 == 0) {
    bytes.insert(below(random, bytes.size() + 1), 1 + random() % 8, char(random()));
  } else if (random() % 3 == 0) {
    bytes.erase(below(random, bytes.size()), 1 + random() % 8);
  } else {
    bytes[below(random, bytes.size())] = char(random());
  }
}

void change_field(WireField& field, std::mt19937& random) {
  if (random() % 8 == 0) {
    field.number = 1 + random() % 26;
  } else if (field.type == 2 && field.is_message) {
    field.bytes = write_wire(field.children);
    field.children.clear();
    field.is_message = false;
    change_bytes(field.bytes, random);
  } else if (field.type == 2) {
    change_bytes(field.bytes, random);
  } else {
    field.scalar = random() % 2 ? odd_number(random) : field.scalar + random() % 7 - 3;
  }
}

void splice(WireMessage& into, const WireMessage& donor, std::mt19937& random) {
  if (donor.empty()) return;
  const WireMessage* from = &donor;
  for (int level = int(random() % 5); level > 0; --level) {
    const WireField& field = (*from)[below(random, from->size())];
    if (!field.is_message || field.children.empty()) break;
    from = &field.children;
  }
  into.insert(into.begin() + long(below(random, into.size() + 1)), (*from)[below(random, from->size())]);
}

void mutate_one(WireMessage& message, const WireMessage& donor, std::mt19937& random) {
  std::vector<WireMessage*> messages;
  list_messages(message, &messages);
  WireMessage& chosen = *messages[below(random, messages.size())];
  if (chosen.empty()) return splice(chosen, donor, random);
  size_t i = below(random, chosen.size()), j = below(random, chosen.size());
  switch (random() % 8) {
    case 0:
      chosen.erase(chosen.begin() + long(i));
      break;
    case 1: {
      WireField copy = chosen[i];
      chosen.insert(chosen.begin() + long(j), std::move(copy));
      break;
    }
    case 2:
      std::swap(chosen[i], chosen[j]);
      break;
    case 3: {
      // A field's value where another one's was: names that refer elsewhere, messages of the wrong kind.
      WireField copy = chosen[j];
      copy.number = chosen[i].number;
      chosen[i] = std::move(copy);
      break;
    }
    case 4:
      splice(chosen, donor, random);
      break;
    default:
      change_field(chosen[i], random);
      break;
  }
}

}  // namespace

bool parse_wire(std::string_view bytes, int depth, WireMessage* out) {
  while (!bytes.empty()) {
    uint64_t tag;
    WireField field;
    if (!read_varint(bytes, &tag) || tag >> 3 == 0 || tag >> 3 > 200) return false;
    field.number = uint32_t(tag >> 3);
    field.type = int(tag & 7);
    bool good = field.type == 0   ? read_varint(bytes, &field.scalar)
                : field.type == 1 ? read_fixed(bytes, 8, &field.scalar)
                : field.type == 5 ? read_fixed(bytes, 4, &field.scalar)
                : field.type == 2 ? read_bytes(bytes, depth, &field)
                                  : false;
    if (!good) return false;
    out->push_back(std::move(field));
  }
  return true;
}

std::string write_wire(const WireMessage& message) {
  std::string out;
  for (const WireField& field : message) {
    write_varint(uint64_t(field.number) << 3 | uint64_t(field.type), &out);
    if (field.type == 0) write_varint(field.scalar, &out);
    if (field.type == 1) out.append(reinterpret_cast<const char*>(&field.scalar), 8);
    if (field.type == 5) out.append(reinterpret_cast<const char*>(&field.scalar), 4);
    if (field.type != 2) continue;
    std::string inside = field.is_message ? write_wire(field.children) : field.bytes;
    write_varint(inside.size(), &out);
    out += inside;
  }
  return out;
}

void mutate_wire(WireMessage& message, const WireMessage& donor, std::mt19937& random) {
  for (unsigned i = 1 + random() % 4; i > 0; --i) mutate_one(message, donor, random);
}

}  // namespace engine::fuzz

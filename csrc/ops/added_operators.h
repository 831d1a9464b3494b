// Operators that are added while the process runs, beside the table. What was added stays until the process ends; models that
// are loaded afterwards see it. Process-wide, thread-safe, usable on both sides of a fork.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"

namespace engine {

// A row. Derived from by who adds it: Node::def leads Op::infer back to it.
struct AddedOperator : OpDef {
  // REQUIRES: since >= 1. until 0: all later versions too. flags: of OpFlags.
  AddedOperator(std::string domain, std::string name, std::string origin, int since, int until);
  virtual ~AddedOperator() = default;

  const std::string domain_text, name_text;
  const std::string origin;  // where it came from, for messages
  const int until;
};

// Adds all rows or none. InvalidModel, naming the operator, when one is built in, in a domain that is the engine's own, or there
// already in one of these versions (unless `replace`: models that are loaded later get the new one).
Status add_operators(std::vector<std::unique_ptr<AddedOperator>> rows, bool replace);

// The row for that version, or null.
const AddedOperator* find_added_operator(const std::string& domain, const std::string& name, int version);

// All rows.
std::vector<const AddedOperator*> added_operators();

// The domains of all rows, for messages: "com.example, test"; empty when there are none.
std::string added_domains();

// find() is called when a model has operators that nobody knows, and may add some. Its text is put at the end of the message if
// they stay unknown. Null: nobody is asked.
void set_operator_finder(std::string (*find)());

// Asks the finder.
std::string find_more_operators();

}  // namespace engine

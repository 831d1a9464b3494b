// The table of every operator, filled from csrc/ops/*.cpp (cmake/tables.cmake).
#pragma once

namespace engine {

class OpTable;

// Calls op_<file>(table) for each file of csrc/ops, in sorted order. Generated.
void fill_op_table(OpTable& table);

}  // namespace engine

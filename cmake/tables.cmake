# engine_op_table(<target>): csrc/ops/<name>.cpp defines `void op_<name>(OpTable&)`; the sorted list of
# these becomes op_table.cpp, so that adding an operator is adding its file.
# engine_pass_list is in csrc/passes/pipeline.cpp, by hand: its order is meaning.
function(engine_op_table target)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/ops/*.cpp)
  list(FILTER files EXCLUDE REGEX "/op(_[a-z_]+)?\\.cpp$")
  list(SORT files)
  set(declarations "")
  set(calls "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    string(APPEND declarations "void op_${name}(OpTable&);\n")
    string(APPEND calls "  op_${name}(table);\n")
  endforeach()
  set(text "#include \"ops/op_table.h\"\nnamespace engine {\n${declarations}\nvoid fill_op_table(OpTable& table) {\n${calls}}\n}  // namespace engine\n")
  set(out ${PROJECT_BINARY_DIR}/op_table.gen.cpp)
  file(CONFIGURE OUTPUT ${out} CONTENT "${text}" @ONLY)
  target_sources(${target} PRIVATE ${out} ${files} ${PROJECT_SOURCE_DIR}/csrc/ops/op.cpp ${PROJECT_SOURCE_DIR}/csrc/ops/op_table.cpp ${PROJECT_SOURCE_DIR}/csrc/ops/op_evaluate.cpp)
endfunction()

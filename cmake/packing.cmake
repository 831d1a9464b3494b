# engine_packing_digest(<target>): adds a source file that tells a digest of all that decides how constants are packed, made anew
# whenever any of it changes: what one build packed is read by that build only. Run as a script it writes that file.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB_RECURSE files ${ROOT}/csrc/base/* ${ROOT}/csrc/tensor/* ${ROOT}/csrc/kernels/* ${ROOT}/csrc/ops/*)
  list(SORT files)
  set(all "${COMPILER}")
  foreach(file IN LISTS files)
    file(SHA256 ${file} digest)
    string(APPEND all "${digest}")
  endforeach()
  string(SHA256 digest "${all}")
  file(WRITE ${OUT} "#include \"plan/pack_key.h\"\nconst char* engine::packing_digest() { return \"${digest}\"; }\n")
  return()
endif()

function(engine_packing_digest target)
  set(root ${PROJECT_SOURCE_DIR})
  set(out ${PROJECT_BINARY_DIR}/packing_digest.gen.cpp)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${root}/csrc/base/* ${root}/csrc/tensor/* ${root}/csrc/kernels/* ${root}/csrc/ops/*)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -D OUT=${out}
            -D "COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_BUILD_TYPE}"
            -P ${root}/cmake/packing.cmake
    DEPENDS ${files} ${root}/cmake/packing.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# ENGINE_FUZZ: the fuzzers of tests/fuzz, with Clang's libFuzzer and the address and undefined-behaviour sanitizers. Each is
# built from the sources that it needs, so that the rest of the tree keeps its flags.
option(ENGINE_FUZZ "Build the fuzzers (Clang only)" OFF)

# engine_add_fuzzer(<name> <folders of csrc...>): tests/fuzz/<name>.cpp as fuzz_<name>.
function(engine_add_fuzzer name)
  set(sources tests/fuzz/${name}.cpp tests/fuzz/wire_mutator.cpp)
  foreach(folder IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/${folder}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  add_executable(fuzz_${name} ${sources})
  target_compile_features(fuzz_${name} PRIVATE cxx_std_20)
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/csrc ${PROJECT_SOURCE_DIR}/tests/fuzz)
  target_compile_options(fuzz_${name} PRIVATE ${ENGINE_WARN} -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  target_link_libraries(fuzz_${name} PRIVATE Threads::Threads)
endfunction()

if(ENGINE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "ENGINE_FUZZ needs Clang, not ${CMAKE_CXX_COMPILER_ID}")
  endif()
  engine_add_fuzzer(read_model base tensor graph onnx)
endif()

# Headers outside this project that nearly every file of a target reads, parsed once a target.
# A file still includes what it uses; builds with a sanitizer precompile nothing and find what it forgot.
option(ENGINE_PRECOMPILE "Parse the headers of the standard library once" ON)

# engine_precompile(<target> <header>...)
function(engine_precompile target)
  if(NOT ENGINE_PRECOMPILE OR ENGINE_SANITIZE)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN})
  if(ENGINE_CCACHE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()

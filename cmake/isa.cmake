# Instruction-set tiers: one row each. A file csrc/kernels/<family>/<tier>.cpp is compiled with
# the tier's flags into an object library of its own, inside the namespace engine::<tier>.
#
#   ENGINE_ISA_TIERS   the tiers that this target architecture has
#   ENGINE_FLAGS_<t>   compiler flags of tier t
#   ENGINE_WARN, ENGINE_OPT  flags that every target shares

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(ENGINE_ISA_TIERS scalar avx2 avx512 avx512vnni avx512vbmi avx512bf16)
  if(MSVC)
    set(ENGINE_FLAGS_avx2 /arch:AVX2)
    set(ENGINE_FLAGS_avx512 /arch:AVX512)
    set(ENGINE_FLAGS_avx512vnni /arch:AVX512)
    set(ENGINE_FLAGS_avx512vbmi /arch:AVX512)
    set(ENGINE_FLAGS_avx512bf16 /arch:AVX512)
  else()
    set(ENGINE_FLAGS_avx2 -mavx2 -mfma -mf16c)
    set(ENGINE_FLAGS_avx512 ${ENGINE_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mprefer-vector-width=512)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      list(APPEND ENGINE_FLAGS_avx512 -Wno-maybe-uninitialized -Wno-uninitialized)  # false alarms from the compiler's own intrinsics
    endif()
    set(ENGINE_FLAGS_avx512vnni ${ENGINE_FLAGS_avx512} -mavx512vnni)
    set(ENGINE_FLAGS_avx512vbmi ${ENGINE_FLAGS_avx512vnni} -mavx512vbmi)
    set(ENGINE_FLAGS_avx512bf16 ${ENGINE_FLAGS_avx512vnni} -mavx512bf16)
  endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(ENGINE_ISA_TIERS scalar neon)
else()
  set(ENGINE_ISA_TIERS scalar)
endif()

if(NOT MSVC)
  set(ENGINE_OPT -ffp-contract=off -fno-math-errno -fno-trapping-math -fvisibility=hidden -fvisibility-inlines-hidden)
  set(ENGINE_WARN -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers)
endif()

# engine_add_kernels(<target>): one object library a tier over csrc/kernels/*/<tier>*.cpp, linked into <target>.
function(engine_add_kernels target)
  foreach(tier IN LISTS ENGINE_ISA_TIERS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/csrc/kernels/*/${tier}.cpp)
    if(sources)
      add_library(engine_kernels_${tier} OBJECT ${sources})
      target_include_directories(engine_kernels_${tier} PRIVATE ${PROJECT_SOURCE_DIR}/csrc)
      target_compile_features(engine_kernels_${tier} PRIVATE cxx_std_20)
      target_compile_definitions(engine_kernels_${tier} PRIVATE ENGINE_TIER=${tier})
      target_compile_options(engine_kernels_${tier} PRIVATE ${ENGINE_OPT} ${ENGINE_WARN} ${ENGINE_FLAGS_${tier}} $<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-O3>)
      set_target_properties(engine_kernels_${tier} PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:engine_kernels_${tier}>)
    endif()
    string(TOUPPER ${tier} upper)
    target_compile_definitions(${target} PUBLIC ENGINE_HAS_${upper}=1)
    foreach(other IN LISTS ENGINE_ISA_TIERS)
      string(TOUPPER ${other} other_upper)
      if(TARGET engine_kernels_${tier})
        target_compile_definitions(engine_kernels_${tier} PRIVATE ENGINE_HAS_${other_upper}=1)
      endif()
    endforeach()
  endforeach()
endfunction()

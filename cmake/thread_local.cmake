# glibc allocates the thread-local data of a library that was loaded at run time when a thread first touches it, and ends the process
# when there is no memory for it. The initial-exec model takes it from the room that every thread has from its start. That
# room is shared by all libraries of a process: tests/test_thread_local.py holds ours to a few words.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("#include <features.h>\n#ifndef __GLIBC__\n#error\n#endif\nint main() {}" ENGINE_GLIBC)
if(ENGINE_GLIBC)
  add_compile_options(-ftls-model=initial-exec)
endif()

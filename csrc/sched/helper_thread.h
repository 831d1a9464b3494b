// Starting a thread that lives as long as the process.
#pragma once

namespace engine {

// Starts a detached thread that runs main() with asynchronous signals blocked, so that they reach the threads that the
// program made, and is named `name` with the number, where the system has thread names (15 characters). main must not return. False when the
// system gives no more threads, or none of their memory.
bool start_helper_thread(void (*main)(), const char* name, int number);

}  // namespace engine

// Before a thread may meet memory that is not there.
#pragma once

namespace engine {

// Gets the memory that the language's runtime needs on this thread before it can throw; it would end the process if it found none
// when something is thrown. False when there is no memory now. Cheap from the second time on.
bool prepare_thread() noexcept;

}  // namespace engine

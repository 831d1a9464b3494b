// Whether software should ask for memory that is read in streams.
#pragma once

namespace engine {

// True unless this CPU's hardware follows several streams by itself and is slowed by lines that software asks for as well: AMD's up
// to Zen 4 (docs/performance/products.md). Thread-safe.
bool software_prefetch_pays();

}  // namespace engine

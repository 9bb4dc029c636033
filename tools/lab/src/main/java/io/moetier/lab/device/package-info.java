/// A CUDA device for the engine where there is no GPU: the emulated driver behind the engine's own CUDA backend.
@NullMarked
package io.moetier.lab.device;

import org.jspecify.annotations.NullMarked;

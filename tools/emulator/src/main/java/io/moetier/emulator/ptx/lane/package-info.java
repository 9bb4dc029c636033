/// What instructions compute in the lanes of a warp, bit by bit as a GPU does.
@NullMarked
package io.moetier.emulator.ptx.lane;

import org.jspecify.annotations.NullMarked;
